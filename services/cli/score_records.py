"""``yizhan score obligations|standing|awards``: what is followed and proposed on the record (Arts. 5, 10, 15)."""

from typing import Annotated, Any, Final

import typer

from services.cli import asking, output, words
from services.cli.failures import not_so, usage
from services.cli.options import Gateway, Json, PasswordFile, Person, Scoring
from services.cli.papers import Kind, save, say_saved
from services.cli.score_words import OBLIGATIONS, Hub, Month, Year
from services.cli.tree import Tree
from services.kit.calendar import day_of

_STATES: Final = {
    "due": "应报 / due",
    "sent": "已报 / sent",
    "met": "认可 / met",
    "not_accepted": "未认可 / not accepted",
    "missed": "缺报 / missed",
}


def add_to(tree: Tree) -> None:
    """Add the commands."""
    for name, command, help_text in (
        ("obligations", obligations, "报送任务：应报、已报、认可、缺报 / Who owes what in a month"),
        ("standing", standing, "直报点建议 / The ranked proposal for direct-report points"),
        ("awards", awards, "表彰建议 / Who might be commended"),
    ):
        tree.command(name, help=help_text)(command)


def obligations(
    hub: Hub,
    month: Month,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="只看该单位 / Of this unit only")] = "",
    *,
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Show the calendar of a month: one line for each unit and obligation."""
    found = asking.ask_service(scoring, "scoring", f"/api/v1/hubs/{hub}/obligations/{month}", unit=unit)
    rows = (
        (
            one["unit"], words.said(one["unit_class"]), OBLIGATIONS.get(one["code"], one["code"]), one["owed"], one["sent"],
            one["done"], _STATES.get(one["state"], one["state"]),
        )
        for one in found["obligations"]
    )  # fmt: skip
    headings = (
        "单位 / unit", "类别 / class", "任务 / obligation", "应 / owed", "报 / sent", "计 / done", "情况 / state",
    )  # fmt: skip
    return asking.put_table(found, headings, rows, title=f"{hub} {month}", as_json=as_json)


def standing(
    hub: Hub,
    year: Year,
    *,
    places: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=500, help="直报点总数，默认同现有 / Points in all, as now")
    ] = None,
    tolerated: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=12, help="容许未完成任务的月数 / Months with an unmet obligation that pass"
        ),
    ] = 2,
    keep: Annotated[
        str,
        typer.Option(
            "--save",
            metavar="UNIT",
            help="将对该单位的建议存为文稿，待签发 / Save what is proposed for this unit as a paper",
        ),
    ] = "",
    since: Annotated[
        str, typer.Option("--from", metavar="DAY", help="--save：何日起，默认今日 / In force from that day, today")
    ] = "",
    grounds: Annotated[
        str, typer.Option(metavar="TEXT", help="--save：依据，默认用建议的理由 / Grounds, else the proposal's why")
    ] = "",
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Show all counties by their year, each with what is proposed; nothing follows before a lead has signed it."""
    if (since or grounds) and not keep:
        raise usage("standing.save", "--from、--grounds 须与 --save 同用", "--from and --grounds go with --save")
    path = f"/api/v1/hubs/{hub}/standing/{year}"
    found = asking.ask_service(scoring, "scoring", path, places=places, tolerated=tolerated)
    paper = None
    if keep:
        content = _designation(found["proposals"], keep, since or day_of(output.now()).isoformat(), grounds)
        paper = save(Kind.DESIGNATION, hub, content, person, password_file, gateway)
        found["paper"] = paper["id"]
    rows = (
        (
            one["rank"], one["record"]["unit"], one["record"]["name"], one["record"]["direct"], one["record"]["points"],
            one["record"]["city_points"], one["record"]["missed"], one["record"]["staff"], words.said(one["step"]),
            one["replaces"], f"{one['zh']}\n{one['en']}",
        )
        for one in found["proposals"]
    )  # fmt: skip
    headings = (
        "名次 / rank", "单位 / unit", "名称 / name", "直报 / direct", "省级积分 / points", "市级积分 / city",
        "缺月 / missed", "专职 / staff", "建议 / proposed", "递补 / replaces", "理由 / why",
    )  # fmt: skip
    done = asking.put_table(found, headings, rows, title=f"{hub} {year}", as_json=as_json)
    if paper:
        say_saved(hub, paper)
    return done


def _designation(proposals: list[dict[str, Any]], unit: str, since: str, grounds: str) -> dict[str, Any]:
    """Return what is proposed for a unit as the content of a designation; refuse where nothing is."""
    proposal = next((one for one in proposals if one["record"]["unit"] == unit), None)
    if proposal is None or proposal["step"] is None:
        raise not_so(
            "standing.nothing_proposed",
            "对该单位没有建议；可用 yizhan paper add 另行起草",
            "Nothing is proposed for that unit; draft one of your own by yizhan paper add",
            unit,
        )
    return {
        "unit": unit, "standing": proposal["step"], "replaces": proposal["replaces"], "effective_from": since,
        "grounds": grounds or proposal["zh"],
    }  # fmt: skip


def awards(
    hub: Hub,
    year: Year,
    *,
    places: Annotated[int, typer.Option(metavar="N", min=1, max=50, help="每类几名 / Units of each class")] = 3,
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Show the best of each class with their information officers."""
    found = asking.ask_service(scoring, "scoring", f"/api/v1/hubs/{hub}/awards/{year}", places=places)
    rows = (
        (
            words.said(one["unit_class"]), one["rank"], one["unit"], one["points"],
            "、".join(f"{year}: {points}" for year, points in one["by_year"].items()), one["people"],
        )
        for one in found["nominees"]
    )  # fmt: skip
    headings = ("类别 / class", "名次 / rank", "单位 / unit", "积分 / points", "各年 / by year", "人员 / people")
    title = f"{hub} {'、'.join(map(str, found['years']))}"
    return asking.put_table(found, headings, rows, title=title, as_json=as_json)
