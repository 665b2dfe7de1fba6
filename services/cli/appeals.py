"""``yizhan appeal`` and ``adjust``: a unit asks to have its points looked at, a lead answers or deducts, or takes that back."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import not_so, usage
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.score_words import number
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

_POINTS: Final = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", re.ASCII)
_PAGE: Final = 200
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
        (
            one["id"], one["unit"], one["month"], one["text"], _given(one),
            "\n".join(filter(None, (one["reason"], one["answer"]))),
        )
        for one in found
    )  # fmt: skip
    headings = ("编号 / id", "单位 / unit", "月份 / month", "理由 / grounds", "给分 / points", "答复、调整 / answer")
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
    if reverse is not None and (unit or month or rule or points or report or about):
        raise usage(
            "adjust.reverse", "--reverse 只须给出该项调整和理由", "Give --reverse the adjustment and a reason alone"
        )
    if reverse is None:
        _check(unit, month, rule, points, report, about)

    async def run(lead: "Api") -> Any:
        if reverse is not None:
            return await lead.post(f"{path}/{reverse}/reverse", body)
        whose, when = unit, month
        if about is not None and points and not (unit and month):
            made = await _appeal(lead, hub, about)
            whose, when = unit or made["unit"], month or made["month"]
        line = {"unit": whose, "month": when, "rule": rule or "appeal", "points": points or None, "report": report}
        return await lead.post(path, body | {"lines": [line] if whose else [], "about": about})

    done = ask(hub, person, password_file, gateway, run)
    what = "调整 / adjustment" if reverse is None else "冲正 / reversal"
    return put_facts(done, ((what, done["message"]),), as_json=as_json)


def _check(unit: str, month: str, rule: str, points: str, report: UUID | None, about: UUID | None) -> None:
    """Refuse what contradicts itself: an adjustment is of one unit, or answers an appeal by its reason alone."""
    if points and not _POINTS.fullmatch(points):
        raise usage(
            "adjust.points",
            "分值须为数字，至多四位小数，如 2 或 -0.5",
            "Points are a number with at most four decimal places, such as 2 or -0.5",
            points,
        )
    if rule and points:
        raise usage("adjust.line", "--rule 和 --points 只能给出一个", "Give either --rule or --points")
    if about is not None and rule and not (unit and month):
        raise usage("adjust.unit", "扣分须给出 --unit 和 --month", "A deduction needs --unit and --month")
    if about is not None and not (rule or points):
        if unit or month or report:
            raise usage(
                "adjust.line", "只说明理由的答复不写单位和月份；给分请用 --points",
                "An answer by its reason alone names no unit and month; give points by --points",
            )  # fmt: skip
        return
    if about is not None:
        return
    if points:
        raise usage(
            "adjust.appeal", "只有答复申诉才给分，请用 --appeal", "Points answer an appeal alone: name it by --appeal"
        )
    if not unit:
        raise usage("adjust.unit", "请给出 --unit，或以 --appeal 答复申诉", "Give --unit, or answer an --appeal")
    if not (month and rule):
        raise usage("adjust.line", "请给出 --month 和 --rule", "Give --month and --rule")


async def _appeal(lead: "Api", hub: str, about: UUID) -> Any:
    """Return an appeal that came to the hub."""
    before = None
    while True:
        page = await lead.get(f"/api/v1/nodes/{hub}/appeals", before=before, limit=_PAGE)
        for one in page:
            if one["id"] == str(about):
                return one
        if len(page) < _PAGE:
            raise not_so("appeal.unknown", "没有收到该申诉", "No such appeal came to this hub", str(about))
        before = page[-1]["id"]


def _given(one: dict[str, Any]) -> str:
    """Return the points that an answer gives; nothing where there is no answer."""
    if one["answer"] is None:
        return ""
    return number(sum((Decimal(line["points"]) for line in one["lines"] if line["points"] is not None), Decimal(0)))
