"""The top lines of the month's bulletin as it stands: a preview of what the province's lead has not signed yet."""

from datetime import datetime
from typing import Any, Final

import aiohttp
from rich.table import Table

from services.cli import words
from services.cli.moments import CHINA
from services.cli.network.sample.client import People
from services.cli.network.units import PROVINCE
from services.cli.place import Place

_LINES: Final = 2
"""Lines of each class of units."""


async def month_so_far(place: Place, now: datetime) -> Table | None:
    """Return the best units of each class; None where nobody has earned anything this month."""
    month = f"{now.astimezone(CHINA):%Y-%m}"
    async with aiohttp.ClientSession() as http:
        people = People(place, http)
        hub = f"/api/v1/hubs/{PROVINCE}"
        draft = await people.operator("scoring", "GET", f"{hub}/bulletins/draft?period={month}&preview=true")
        year = await people.operator("scoring", "GET", f"{hub}/years/{month[:4]}")
    return top_lines(draft["content"], {line["unit"]: line["name"] for line in year["lines"]})


def top_lines(bulletin: dict[str, Any], names: dict[str, str]) -> Table | None:
    """Return the table to print; units that share a place stand in the bulletin's own order."""
    table = Table(title=f"{bulletin['period']} 通报草稿（省，未签发）/ Draft of the bulletin", title_justify="left")
    table.add_column("单位 / unit")
    table.add_column("采用 / items", justify="right")
    table.add_column("积分 / points", justify="right")
    by_class: dict[str, list[dict[str, Any]]] = {}
    for line in bulletin["lines"]:
        if line["adopted"]:
            by_class.setdefault(line["unit_class"], []).append(line)
    for unit_class, lines in by_class.items():
        table.add_row(words.said(unit_class))
        for line in lines[:_LINES]:
            table.add_row(f"  {names.get(line['unit'], line['unit'])}", str(line["adopted"]), str(line["points"]))
    return table if by_class else None
