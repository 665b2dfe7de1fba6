"""``yizhan query`` and ``answer``: a hub asks about a doubtful fact, the unit answers (核实)."""

from typing import Annotated, Final
from uuid import UUID

import typer

from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import usage
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree


def add_to(tree: Tree) -> None:
    """Add the commands."""
    tree.command(
        "query", rich_help_panel=_EDITING, help="请来源单位核实，或列出核实情况 / Ask a report's unit, or list"
    )(query)
    tree.command("answer", rich_help_panel=_REPORTS, help="答复约稿或核实 / Answer what a hub asked")(answer)


_EDITING: Final = "采编 / Editing"
_REPORTS: Final = "信息 / Reports"


def query(
    hub: Hub,
    report: Annotated[UUID, typer.Argument(metavar="REPORT", help="信息报文编号 / The report, by message")],
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="核实事项；不给则列出 / The question; none: list")
    ] = None,
    *,
    deadline: Annotated[str, typer.Option(metavar="TIME", help="办理时限，如 2026-11-23T18:00 / By when")] = "",
    id: OwnId = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Ask the unit that sent a report, or list what was asked about it with the answers."""
    from services.cli import moments, output  # noqa: PLC0415

    path = f"/api/v1/nodes/{hub}/intake/{report}/queries"
    if text is not None:
        if not text.strip():
            raise usage("query.no_text", "须写明核实事项", "The question is missing")
        if not deadline:
            raise usage("query.deadline", "请用 --deadline 给出时限", "Give a --deadline")
        body = {"text": text, "deadline": moments.parse(deadline), "id": id}
        done = ask(hub, person, password_file, gateway, lambda editor: editor.post(path, body))
        return put_facts(done, (("核实 / query", done["message"]),), as_json=as_json)
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(path))
    rows = (
        (
            one["id"],
            one["number"],
            one["text"],
            output.time_of(one["deadline"]),
            "\n".join(a["text"] for a in one["answers"]),
        )
        for one in found
    )
    headings = ("编号 / id", "号 / number", "事项 / question", "时限 / deadline", "答复 / answers")
    return put_table(found, headings, rows, as_json=as_json)


def answer(
    node: Annotated[str, typer.Argument(metavar="NODE", help="单位代码 / The unit")],
    about: Annotated[UUID, typer.Argument(metavar="QUERY", help="所答的约稿或核实 / What is answered")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="答复 / The answer")],
    *,
    report: Annotated[
        UUID | None, typer.Option(metavar="REPORT", help="作为答复的本单位报文 / The unit's report that answers")
    ] = None,
    id: OwnId = None,
    person: Person = "officer",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Answer a solicitation or a question."""
    body = {"about": about, "text": text, "answer": report, "id": id}
    path = f"/api/v1/nodes/{node}/answers"
    done = ask(node, person, password_file, gateway, lambda officer: officer.post(path, body))
    return put_facts(done, (("答复 / answer", done["message"]),), as_json=as_json)
