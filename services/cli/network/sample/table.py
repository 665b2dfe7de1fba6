"""The totals of the sample day, beside what they must be."""

from typing import Any, Final

from rich.table import Table
from rich.text import Text

from services.cli.network.sample.day import Day

_ROWS: Final = (
    ("sent", "报送 / sent"),
    ("blocked_at_origin", "源头拦截 / blocked at the origin"),
    ("accepted", "接收 / accepted"),
    ("refused", "拒收 / refused"),
    ("delivered", "送达 / delivered"),
    ("opened", "已阅 / opened"),
    ("adopted", "采用 / adopted"),
    ("points", "积分 / points"),
    ("archived", "入库 / archived"),
    ("searchable", "可检索 / searchable"),
    ("dead", "死信 / dead letters"),
)


def table_of(day: Day, totals: dict[str, Any], wrong: list[str]) -> Table:
    """Return the table to print."""
    table = Table(title="样例日 / Sample day 2026-11-23", title_justify="left")
    table.add_column("")
    table.add_column("实际 / is", justify="right")
    table.add_column("应为 / should be", justify="right")
    table.add_column("")
    for name, label in _ROWS:
        wanted, have = day.expected[name], totals.get(name)
        good = name not in wrong
        if isinstance(wanted, dict):
            have_all = have if isinstance(have, dict) else {}
            table.add_row(label, str(sum(have_all.values())), str(sum(wanted.values())), _mark(good))
            for reason in sorted({*wanted, *have_all}):
                is_, should = have_all.get(reason, 0), wanted.get(reason, 0)
                table.add_row(f"  {reason}", str(is_), str(should), _mark(is_ == should))
        else:
            table.add_row(label, str(have), str(wanted), _mark(good))
    latency = totals.get("latency_ms") or {}
    table.add_row("时延 / latency p50, p99 (ms)", f"{latency.get('p50')}, {latency.get('p99')}", "", "")
    return table


def _mark(good: bool) -> Text:  # noqa: FBT001 - a plain predicate to a mark
    return Text("✓", style="green") if good else Text("✗", style="red")
