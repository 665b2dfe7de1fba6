"""``yizhan intake``: what lies before a hub's editors, who looks after it, what they say of it, its text as edited."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from proto.messages import Category, Urgency
from services.cli import words
from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import Exit, usage
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Group, Tree
from services.gateway.domain.intake import IntakeState

if TYPE_CHECKING:
    from services.cli.client import Api

tree: Final = Tree(
    help="待采编信息，intake HUB 即 intake list HUB / What lies before the editors; intake HUB is intake list HUB"
)
Report = Annotated[UUID, typer.Argument(metavar="REPORT", help="信息报文编号 / The report, by message")]
_WIDEST: Final = 120  # columns


class DeskGroup(Group):
    """The commands, of which ``list`` need not be named."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take what is no command for the hub of ``list``."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["list", *args])


@tree.command("list", help="列出信息，最新的在前 / List reports, newest first")
def list_reports(
    hub: Hub,
    *,
    state: Annotated[
        IntakeState | None,
        typer.Option(
            metavar="STATE",
            help="采编状态：待采编、已编入、采用等 / State: pending, in_issue, adopted, merged, returned, declined, selected",
        ),
    ] = None,
    unit: Annotated[
        str, typer.Option(metavar="CODE", help="单位，或地区及其下属 / A unit, or an area with all under it")
    ] = "",
    category: Annotated[
        Category | None,
        typer.Option(
            metavar="CATEGORY", help="分类 / Category: implementation, development, experience, problem, emergency"
        ),
    ] = None,
    urgency: Annotated[Urgency | None, typer.Option(metavar="URGENCY", help="缓急 / Urgency: routine, urgent")] = None,
    research: Annotated[
        bool | None, typer.Option("--research/--no-research", help="是否调研信息 / Research or not")
    ] = None,
    direct: Annotated[
        bool | None, typer.Option("--direct/--not-direct", help="是否来自直报点 / From a direct-report point or not")
    ] = None,
    assigned: Annotated[str, typer.Option(metavar="PERSON", help="责任编辑 / The editor in charge")] = "",
    unassigned: Annotated[bool, typer.Option("--unassigned", help="未指定责任编辑 / With no editor in charge")] = False,
    similar: Annotated[
        UUID | None, typer.Option(metavar="REPORT", help="与该信息相似的，最似的在前 / Like this report, most alike first")
    ] = None,
    before: Annotated[
        UUID | None, typer.Option(metavar="REPORT", help="该信息之前的，用于翻页 / Older than this report: the next page")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="条数 / How many")] = 20,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """List a hub's reports."""
    from services.cli import output  # noqa: PLC0415

    if assigned and unassigned:
        raise usage("intake.assigned", "--assigned 与 --unassigned 只能选一", "One of --assigned and --unassigned")
    query = {
        "state": state, "unit": unit, "category": category, "urgency": urgency, "research": research, "direct_report": direct,
        "assigned": "none" if unassigned else assigned, "similar_to": similar, "before": before, "limit": limit,
    }  # fmt: skip
    path = f"/api/v1/nodes/{hub}/intake"
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(path, **query))
    rows = (
        (
            one["id"], f"{one['title']}\n{one['origin_name']}", _kind(one), output.time_of(one["received_at"]),
            "\n".join(part for part in (words.said(one["state"]), one["assigned"], _likeness(one["score"])) if part),
        )
        for one in found
    )  # fmt: skip
    headings = (
        "编号 / id",
        "信息、单位 / report, unit",
        "类别 / kind",
        "收到 / received",
        "状态、编辑 / state, editor",
    )
    return put_table(found, headings, rows, widest=_WIDEST, as_json=as_json)


@tree.command("show", help="查看一条：文本、版本、意见 / Show a report: text, versions, opinions")
def show(
    hub: Hub,
    report: Report,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="把现文本写入文件，供 edit 用 / Write the text to a file, for edit"),
    ] = None,
    original: Annotated[bool, typer.Option("--original", help="显示原文 / Show the text as it came")] = False,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Show all that the hub has of a report."""
    from services.cli import output  # noqa: PLC0415

    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(_path(hub, report)))
    text = found["content"] if original else found["text"]
    if out is not None:
        out.write_text(f"{text['title']}\n\n{text['body']}\n", encoding="utf-8")
    if as_json:
        output.put_json(found)
    else:
        _put(found, text)
    return Exit.GOOD


@tree.command("assign", help="指定责任编辑；不给人员则取消 / Put an editor in charge; without one, nobody")
def assign(
    hub: Hub,
    report: Report,
    editor: Annotated[str, typer.Argument(metavar="[PERSON]", help="采编人员 / The editor")] = "",
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Put an editor in charge of a report, or nobody."""
    path = f"{_path(hub, report)}/assign"
    ask(hub, person, password_file, gateway, lambda member: member.post(path, {"person": editor or None}))
    done = {"report": str(report), "assigned": editor or None}
    facts = (("信息 / report", report), ("责任编辑 / editor in charge", editor or "无 / nobody"))
    return put_facts(done, facts, as_json=as_json)


@tree.command("opinion", help="写内部意见，不出本单位 / Say something to the other editors: it stays in the hub")
def opinion(
    hub: Hub,
    report: Report,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="意见 / The opinion")],
    *,
    id: OwnId = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Add an internal opinion."""
    from services.cli import output  # noqa: PLC0415

    if not text.strip():
        raise usage("opinion.no_text", "须写明意见", "The opinion is missing")
    path = f"{_path(hub, report)}/opinions"
    done = ask(hub, person, password_file, gateway, lambda member: member.post(path, {"text": text, "id": id}))
    facts = (
        ("意见 / opinion", done["id"]),
        ("人员 / person", done["person"]),
        ("时间 / at", output.time_of(done["at"])),
    )
    return put_facts(done, facts, as_json=as_json)


@tree.command("edit", help="修改文本，原文保留 / Edit the text; the original stays")
def edit(
    hub: Hub,
    report: Report,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="首行标题，其余正文；- 为标准输入 / First line: title, the rest: body; - is stdin"),
    ],
    *,
    after: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="所改的版本，见 show；不给则先显示 / Version that was changed, see show; else it is shown first"),
    ] = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Keep an edited text as the version after one that was looked at. Without ``after`` the newest is shown first."""
    from services.cli import content, credentials  # noqa: PLC0415

    title, _, body = content.text_of(file).replace("\r\n", "\n").strip().partition("\n")
    if not (title.strip() and body.strip()):
        raise usage("text.incomplete", "首行为标题，其余为正文，均不能为空", "First line: title, the rest: body", file)
    text = {"title": title.strip(), "body": body.strip("\r\n")}

    async def work(editor: "Api") -> Any:
        seen = after
        if seen is None:
            found = await editor.get(_path(hub, report))
            seen = _version(found)
            if not as_json:
                _put(found, found["text"])
                credentials.at_terminal("以新文本替换此文本？/ Replace this text?")
        return await editor.call("PUT", f"{_path(hub, report)}/text", body=text | {"after": seen})

    done = ask(hub, person, password_file, gateway, work)
    return put_facts(done, (("版本 / version", done["version"]),), as_json=as_json)


def _put(found: dict[str, Any], text: dict[str, Any]) -> None:
    """Show all of a report for people."""
    from services.cli import output  # noqa: PLC0415

    one, content, standing = found["report"], found["content"], found["standing"]
    place = f"{standing['issue']}，第 {standing['n']} 条 / item {standing['n']}" if standing["issue"] else ""
    facts = (
        ("编号 / id", one["id"]), ("单位 / unit", f"{one['origin_name']} ({one['origin']})"),
        ("类别 / kind", _kind(one).replace("\n", "，")), ("重要程度 / importance", words.said(one["importance"])),
        ("来源 / sources", content["sources"]), ("联合调研 / joint", content["joint"]),
        ("所答 / answers", content["answers"]), ("报送 / sent", output.time_of(one["sent_at"])),
        ("收到 / received", output.time_of(one["received_at"])), ("状态 / state", words.said(one["state"])),
        ("已选送 / selected", one["selected"] or None), ("责任编辑 / editor in charge", one["assigned"] or "无 / nobody"),
        ("草稿期 / draft issue", place), ("采编结果 / decision", standing["decision"]),
        ("文本版本 / version (--after)", _version(found)),
    )  # fmt: skip
    output.put_facts([(name, value) for name, value in facts if value not in (None, "", [])], widest=_WIDEST)
    output.put_text(f"\n{text['title']}\n\n{text['body']}\n")
    tables = (
        (
            "版本 / Versions", ("版本 / version", "人员 / person", "时间 / at", "标题 / title"),
            [(v["version"], v["person"], output.time_of(v["at"]), v["title"]) for v in found["versions"]],
        ),
        (
            "内部意见 / Opinions", ("人员 / person", "时间 / at", "意见 / opinion"),
            [(o["person"], output.time_of(o["at"]), o["text"]) for o in found["opinions"]],
        ),
        (
            "续报、更正 / Chain", ("编号 / id", "阶段 / stage", "收到 / received", "状态 / state", "标题 / title"),
            [
                (c["report"], words.said_stage(c["stage"]), output.time_of(c["received_at"]), words.said(c["state"]), c["title"])
                for c in found["chain"] if len(found["chain"]) > 1
            ],
        ),
        (
            "核实 / Questions to the unit", ("号 / number", "事项 / question", "时限 / deadline", "答复 / answers"),
            [
                (q["number"], q["text"], output.time_of(q["deadline"]), "\n".join(a["text"] for a in q["answers"]))
                for q in found["queries"]
            ],
        ),
    )  # fmt: skip
    for title, headings, rows in tables:
        if rows:
            output.put_table(headings, rows, title=title, widest=_WIDEST)


def _kind(one: dict[str, Any]) -> str:
    """Return what sort of report it is: its category, and what is not the ordinary."""
    marks = (
        words.said(one["urgency"]) if one["urgency"] == Urgency.URGENT else "",
        words.said_stage(one["stage"]) if one["about"] else "",
        "调研 / research" if one["research"] else "", "直报点 / direct" if one["direct_report"] else "",
        f"续 / continued ({len(one['continued_by'])})" if one["continued_by"] else "",
    )  # fmt: skip
    return "\n".join(part for part in (words.said(one["category"]), *marks) if part)


def _likeness(score: float | None) -> str:
    return "" if score is None else f"相似 / alike {score:.0%}"


def _version(found: dict[str, Any]) -> int:
    """Return the version of a text that an edit follows: 0 is the original."""
    return max((int(each["version"]) for each in found["versions"]), default=0)


def _path(hub: str, report: UUID) -> str:
    return f"/api/v1/nodes/{hub}/intake/{report}"
