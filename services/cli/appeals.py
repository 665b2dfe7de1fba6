"""``yizhan appeal`` and ``adjust``: a unit asks to have its points looked at, a lead answers or deducts, or takes that back."""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import usage
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

_PANEL: Final = "积分 / Points"
Month = Annotated[str, typer.Option("--month", metavar="2026-11", help="月份 / Month")]


def add_to(tree: Tree) -> None:
    """Add the commands."""
    for name, command, help_text in (
        ("appeal", appeal, "积分申诉，或列出申诉 / Appeal about points, or list appeals"),
        ("adjust", adjust, "扣减积分，答复申诉，或冲正 / Deduct points, answer an appeal, or take that back"),
    ):
        tree.command(name, rich_help_panel=_PANEL, help=help_text)(command)


def appeal(
    node: Annotated[str, typer.Argument(metavar="NODE", help="单位代码 / The unit")],
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="理由；不给则列出 / The grounds; none: list")] = "",
    *,
    month: Month = "",
    about: Annotated[
        UUID | None, typer.Option(metavar="ID", help="所涉采编结果或通报 / The decision or bulletin concerned")
    ] = None,
    hub: Annotated[str, typer.Option(metavar="HUB", help="向谁申诉 / Which hub, where there are two")] = "",
    made: Annotated[bool, typer.Option("--made", help="列出本单位提出的 / List those made, not received")] = False,
    waiting: Annotated[bool, typer.Option("--open", help="只列未答复的 / List only unanswered ones")] = False,
    id: OwnId = None,
    person: Person = "officer",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Appeal to the hub concerned, or list appeals with their answers."""
    path = f"/api/v1/nodes/{node}/appeals"
    if text:
        if not month:
            raise usage("appeal.month", "请用 --month 给出月份", "Give the --month")
        body = {"month": month, "text": text, "about": about, "hub": hub or None, "id": id}
        done = ask(node, person, password_file, gateway, lambda officer: officer.post(path, body))
        return put_facts(done, (("申诉 / appeal", done["message"]),), as_json=as_json)
    found = ask(node, person, password_file, gateway, lambda one: one.get(path, made=made, open=waiting, limit=200))
    rows = (
        (one["id"], one["unit"], one["month"], one["text"], "\n".join(filter(None, (one["reason"], one["answer"]))))
        for one in found
    )
    headings = ("编号 / id", "单位 / unit", "月份 / month", "理由 / grounds", "答复、调整 / answer")
    return put_table(found, headings, rows, as_json=as_json)


def adjust(
    hub: Hub,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="理由 / Reason")],
    *,
    unit: Annotated[str, typer.Option(metavar="NODE", help="单位代码 / The unit")] = "",
    month: Month = "",
    rule: Annotated[str, typer.Option(metavar="CODE", help="扣分规则 / The deduction's rule")] = "",
    points: Annotated[str, typer.Option(metavar="N", help="准予申诉的分值 / Points that answer an appeal")] = "",
    report: Annotated[UUID | None, typer.Option(metavar="REPORT", help="所涉信息 / The report concerned")] = None,
    about: Annotated[
        UUID | None, typer.Option("--appeal", metavar="ID", help="答复该申诉 / The appeal answered")
    ] = None,
    reverse: Annotated[
        UUID | None, typer.Option(metavar="ADJUSTMENT", help="冲正该项调整 / Take this adjustment back")
    ] = None,
    id: OwnId = None,
    person: Person = "lead",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Deduct by a rule, answer an appeal with points or with a reason alone, or take an adjustment back."""
    path = f"/api/v1/nodes/{hub}/adjustments"
    body: dict[str, Any] = {"reason": reason, "id": id}
    if reverse is not None:
        if unit or month or rule or points or report or about:
            raise usage(
                "adjust.reverse", "--reverse 只须给出该项调整和理由", "Give --reverse the adjustment and a reason alone"
            )
        path = f"{path}/{reverse}/reverse"
    else:
        body |= {"lines": _lines(unit, month, rule, points, report, about), "about": about}
    done = ask(hub, person, password_file, gateway, lambda lead: lead.post(path, body))
    what = "调整 / adjustment" if reverse is None else "冲正 / reversal"
    return put_facts(done, ((what, done["message"]),), as_json=as_json)


def _lines(
    unit: str, month: str, rule: str, points: str, report: UUID | None, about: UUID | None
) -> list[dict[str, Any]]:
    """Return what is adjusted: of one unit, or nothing where an appeal is answered by the reason alone."""
    if unit:
        if not month or bool(points) == bool(rule):
            raise usage(
                "adjust.line",
                "请给出 --month，并给出 --rule 或 --points 之一",
                "Give --month, and either --rule or --points",
            )
        return [{"unit": unit, "month": month, "rule": rule or "appeal", "points": points or None, "report": report}]
    if about is None or month or rule or points or report:
        raise usage("adjust.unit", "请给出 --unit，或仅以 --appeal 答复", "Give --unit, or answer an --appeal alone")
    return []
