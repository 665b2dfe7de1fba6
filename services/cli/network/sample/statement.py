"""How the sample month ends: its bulletin is drafted, saved, approved, and printed; and what of it is shown (通报).

Every step may be repeated: a run that was cut off goes on, and a month that has its bulletin gets no second one.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from rich.table import Table

from proto.messages import BulletinContent, BulletinLine, BulletinType
from services.cli import words
from services.cli.enrolment import write_public
from services.cli.moments import last_month
from services.cli.network.progress import Progress
from services.cli.network.sample.client import CallError, People
from services.cli.network.sample.month import Expected, read_month
from services.cli.network.sample.papers import publish_paper
from services.cli.network.sample.past import send_month
from services.cli.network.sample.patience import patiently, until
from services.cli.network.units import PROVINCE
from services.cli.papers import Kind, paper_of
from services.cli.place import Place
from services.gateway.domain.printing import title_of
from services.kit.calendar import CHINA
from services.kit.trust.state import TrustState

_LINES: Final = 2
"""Lines of each class of units."""
_PATIENCE: Final = 60.0  # seconds for the network to come to rest
_HUB: Final = f"/api/v1/hubs/{PROVINCE}"
_PAPERS: Final = f"/api/v1/nodes/{PROVINCE}/papers"


class Issued(Struct, frozen=True, kw_only=True):
    """The month's bulletin as it stands."""

    ends: datetime  # of its month
    message: UUID
    content: BulletinContent
    pdf: Path | None  # None where this machine lacks the fonts


async def hold_month(
    place: Place, people: People, state: TrustState, *, amqp_url: str, progress: Progress
) -> Issued | None:
    """Send the sample month and issue its bulletin, unless that is done; return the bulletin.

    The month is the one before the network was made, in which its keys begin. None where they begin otherwise, as those of
    earlier versions do, or where people have stated a later month.
    """
    begins = _month_of(state)
    if begins is None:
        return None
    issued = await patiently(lambda: _issued(people, begins))
    if issued is None:
        try:
            await patiently(lambda: _draft(people, begins))
        except CallError as error:
            if error.code != "bulletin.passed":
                raise
            return None
        month = read_month()
        await send_month(place, people, state, month, begins, amqp_url=amqp_url, progress=progress)
        await until(lambda: _settled(people, begins, month.expected), "month_not_settled", _PATIENCE)
        await patiently(lambda: _issue(people, begins))
        issued = await until(lambda: _issued(people, begins), "bulletin_not_issued", _PATIENCE)
    message, content = UUID(issued["id"]), msgspec.convert(issued["content"], BulletinContent)
    pdf = await _printed(people, message, place.var / "sample" / f"bulletin-{begins:%Y-%m}.pdf")
    return Issued(ends=_end(begins), message=message, content=content, pdf=pdf)


def top_lines(bulletin: BulletinContent, state: TrustState) -> Table:
    """Return the best units of each class to print; units that share a place stand in the bulletin's own order."""
    table = Table(title=f"{title_of(bulletin)}（已印发 / issued）", title_justify="left")
    table.add_column("单位 / unit")
    table.add_column("采用 / items", justify="right")
    table.add_column("积分 / points", justify="right")
    by_class: dict[str, list[BulletinLine]] = {}
    for line in bulletin.lines:
        if line.adopted:
            by_class.setdefault(line.unit_class, []).append(line)
    for unit_class, lines in by_class.items():
        table.add_row(words.said(unit_class))
        for line in lines[:_LINES]:
            table.add_row(f"  {state.name_of(line.unit)}", str(line.adopted), str(line.points))
    return table


def _month_of(state: TrustState) -> datetime | None:
    """Return when the month begins in which the province's first key is good from its first moment."""
    province = state.node(PROVINCE)
    if province is None:
        return None
    since = min(key.valid_from for key in province.keys).astimezone(CHINA)
    return since if since == last_month(_end(since)) else None


def _end(begins: datetime) -> datetime:
    return (begins.replace(day=1) + timedelta(days=31)).replace(day=1)


async def _settled(people: People, begins: datetime, expected: Expected) -> dict[str, Any] | None:
    """Return what the archive counts once the month has come to what it must: there, at the units, and in the score."""
    stats: dict[str, Any] = await people.stats("archive", begins.isoformat())
    owed = await people.operator("scoring", "GET", f"{_HUB}/obligations/{begins:%Y-%m}")
    lines = (await _draft(people, begins)).lines
    is_there = (
        stats["accepted"] >= expected.reports
        and stats["delivered"] >= expected.delivered
        and sum(line["sent"] or 0 for line in owed["obligations"]) >= expected.research
        and sum(line.adopted for line in lines) == expected.adopted
        and sum(line.points for line in lines) == expected.points
    )
    return stats if is_there else None


async def _draft(people: People, begins: datetime) -> BulletinContent:
    found = await people.operator("scoring", "GET", f"{_HUB}/bulletins/draft?period={begins:%Y-%m}")
    return msgspec.convert(found["content"], BulletinContent)


async def _issue(people: People, begins: datetime) -> None:
    """Save the draft as an editor and approve it as the lead; the same draft again finds itself."""
    await publish_paper(people, PROVINCE, paper_of(Kind.BULLETIN, PROVINCE, await _draft(people, begins)))


async def _issued(people: People, begins: datetime) -> dict[str, Any] | None:
    """Return the month's bulletin as the score keeps it, frozen; None where there is none yet."""
    found = await people.operator("scoring", "GET", f"{_HUB}/bulletins?year={begins.year}")
    wanted = (BulletinType.MONTHLY.value, f"{begins:%Y-%m}")
    for each in found["bulletins"]:
        if (each["content"]["type"], each["content"]["period"]) == wanted:
            return dict(each)
    return None


async def _printed(people: People, message: UUID, path: Path) -> Path | None:
    """Fetch the bulletin as PDF, once."""
    if not path.exists():
        token = await people.token(PROVINCE, "editor")
        try:
            data = await people.raw("gateway", "GET", f"{_PAPERS}/{message}/document?form=pdf", token=token)
        except CallError as error:
            if error.code != "document.unavailable":
                raise
            return None
        write_public(path, data)
    return path
