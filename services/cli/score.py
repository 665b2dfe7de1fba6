"""``yizhan score``: a hub's tables, and where each point comes from (积分)."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli import asking, score_bulletin, score_recompute, score_records, words
from services.cli.failures import Exit
from services.cli.options import Json, Scoring
from services.cli.score_words import PROVINCE, Hub, Month, Year, number, this_month
from services.cli.tree import Tree

tree: Final = Tree(
    help="积分：月表、明细、通报、年度、任务、复算 / Points: tables, explanations, bulletins, recomputation"
)
score_bulletin.add_to(tree)
score_records.add_to(tree)
score_recompute.add_to(tree)


@tree.command("month", help="月度采用和积分表 / A hub's table of a month")
def month(
    hub: Hub = PROVINCE,
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="月份，默认本月 / Month, this one by default")] = "",
    *,
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Show a hub's month: every unit that reports to it, by class, then points."""
    found = asking.ask_service(scoring, "scoring", f"/api/v1/months/{hub}/{month or this_month()}")
    rows = [
        (
            one["unit"], one["name"], words.said(one["unit_class"]), one["adopted"], one["merged"], one["points"],
            one["year_points"],
        )
        for one in found["lines"]
    ]  # fmt: skip
    total = ("", "合计 / total", "", found["adopted"], found["merged"], found["points"], found["year_points"])
    headings = (
        "单位 / unit", "名称 / name", "类别 / class", "采用 / adopted", "综合 / merged", "积分 / points", "本年 / year",
    )  # fmt: skip
    title = f"{found['hub']} {found['month']}"
    return asking.put_table(found, headings, [*rows, total], title=title, as_json=as_json)


@tree.command(
    "explain", help="积分明细：每一分的信息、刊期、规则和理由 / Each point with its item, issue, rule and why"
)
def explain(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="单位代码 / The unit")],
    month: Month,
    *,
    hub: Annotated[str, typer.Option(metavar="CODE", help="只看该上级办公室 / Of this hub only")] = "",
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Say of each line of a unit's month what it rests on, and why it counts or does not."""
    from services.cli import credentials  # noqa: PLC0415

    reader = unit if credentials.token() else ""  # the operator reads as nobody in particular
    found = asking.ask_service(scoring, "scoring", f"/api/v1/explain/{unit}/{month}", hub=hub, reader=reader)
    headings = (
        "时间 / at",
        "计分单位 / hub",
        "信息 / item",
        "台账 / entry",
        "计 / counts",
        "刊期、规则、理由 / issue, rule, why",
    )
    sums: dict[str, Decimal] = {}
    for line in found["lines"]:
        sums[line["hub"]] = sums.get(line["hub"], Decimal(0)) + Decimal(line["points"])
    accounts = (f"{code}：{number(points)} 分 / points" for code, points in sums.items())
    title = "\n".join((f"{found['unit']} {found['month']}", *accounts))
    return asking.put_table(found, headings, map(_explained, found["lines"]), title=title, as_json=as_json)


def _explained(line: dict[str, Any]) -> tuple[Any, ...]:
    """Return a line as cells; a rule about the whole month has no entry."""
    from services.cli import output  # noqa: PLC0415

    entry, said = line["entry"], f"{line['zh']}\n{line['en']}"
    if entry is None:
        return "", line["hub"], "", "", number(line["points"]), said
    points = number(entry["points"]), number(line["points"])
    return output.time_of(entry["at"]), line["hub"], entry["report"], *points, said


@tree.command("year", help="年度积分和类内名次 / A hub's year so far, ranked by class")
def year(hub: Hub, year: Year, *, scoring: Scoring = "", as_json: Json = False) -> int:
    """Show a hub's year, what bulletins stated of it, and what is not stated yet."""
    found = asking.ask_service(scoring, "scoring", f"/api/v1/hubs/{hub}/years/{year}")
    rows = (
        (
            words.said(one["unit_class"]), one["rank"], one["unit"], one["name"], one["adopted"], one["points"],
            one["stated"], one["open"],
        )
        for one in found["lines"]
    )  # fmt: skip
    headings = (
        "类别 / class", "名次 / rank", "单位 / unit", "名称 / name", "采用 / adopted", "积分 / points",
        "已通报 / stated", "未通报 / open",
    )  # fmt: skip
    return asking.put_table(found, headings, rows, title=f"{hub} {year}", as_json=as_json)


@tree.command(
    "try", help="规则试算：各单位差额，不存数据 / Dry run of a rule file: each unit's difference, nothing is stored"
)
def dry_run(
    hub: Hub,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="规则草案，TOML / Draft of rules, TOML")],
    *,
    months: Annotated[int, typer.Option(metavar="N", min=1, max=24, help="试算几个完整月份 / Whole months past")] = 12,
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Show what a draft would have made of the past months."""
    from services.cli import output  # noqa: PLC0415
    from services.cli.papers import Kind, content_of  # noqa: PLC0415

    body = {"content": content_of(Kind.RULES, file), "months": months}
    found = asking.ask_service(scoring, "scoring", f"/api/v1/hubs/{hub}/rules/dry-run", body=body)
    if as_json:
        output.put_json(found)
        return Exit.GOOD
    forbidden = f"{found['forbidden']} {found['forbidden_detail']}".strip()
    output.put_facts(
        (
            ("版本 / version", found["version"]), ("月份 / months", f"{found['months'][0]} … {found['months'][-1]}"),
            ("现行合计 / now", found["now"]), ("草案合计 / then", found["then"]), ("不得发布 / forbidden", forbidden),
        )
    )  # fmt: skip
    if found["unknown_series"]:
        listed = "、".join(found["unknown_series"])
        output.say(
            f"草案未列本单位的刊物，其采用不计分：{listed} / "
            f"The draft does not know these series of the hub, which would score nothing: {listed}"
        )
    output.put_table(
        ("单位 / unit", "现行 / now", "草案 / then", "差额 / difference"),
        ((one["unit"], one["now"], one["then"], one["difference"]) for one in found["changes"]),
    )
    return Exit.GOOD
