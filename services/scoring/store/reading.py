"""Reading: the ledger, and what was said beside it."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, cast
from uuid import UUID

from msgspec import Struct

from proto.messages import Adjustment, Standing
from services.kit.db import Database
from services.scoring.domain.bulletin import Head, Issued
from services.scoring.domain.entry import Entry
from services.scoring.domain.known import Fact
from services.scoring.domain.obligations import Handed
from services.scoring.domain.points import plain
from services.scoring.store.rows import entry_fields, entry_of, fact_of
from services.scoring.store.statements import heads_by, issued_by

_PAGE: Final = 5_000


class LedgerLine(Entry, frozen=True, kw_only=True):
    """An entry as it stands in the ledger."""

    number: int  # order of arrival; the cursor of ``after``


class Totals(Struct, frozen=True, kw_only=True):
    """What the service holds."""

    decisions: int  # recorded, returned and declined ones and reversals included
    facts: int  # decisions, instructions, adjustments, answers and their acceptance
    reports: int
    rules: int  # versions
    bulletins: int
    entries: int
    points: Decimal  # gross, as the entries say
    adopted_reports: int  # distinct reports that stand adopted or merged
    waiting_reversals: int  # reversals whose decision has not come
    ignored: dict[str, int]  # messages that do not count, by reason


class Designated(Struct, frozen=True, kw_only=True):
    """What was decided on a direct-report point."""

    id: UUID
    unit: str
    standing: Standing
    replaces: str | None
    effective_from: date
    sent_at: datetime


class Answered(Struct, frozen=True, kw_only=True):
    """An appeal, and what became of it."""

    id: UUID
    unit: str
    month: str
    about: UUID | None
    person: str
    text: str
    sent_at: datetime
    answer: UUID | None  # the adjustment that answers it; None while it is open
    points: Decimal | None  # what the answer gave; None while it is open
    reason: str  # the answer's; "" while it is open


class Reading:
    """Reads tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = database.queries

    async def page(self, *, hub: str, unit: str, month: str, after: int, limit: int) -> list[LedgerLine]:
        """Return the entries that follow ``after``; '' stands for any hub, unit or month."""
        async with self._database.connection() as connection:
            rows = self._queries.ledger_page(connection, hub=hub, unit=unit, month=month, after=after, limit=limit)
            return [LedgerLine(**entry_fields(row)) async for row in rows]

    async def entries(self, hub: str, first: str, last: str) -> list[Entry]:
        """Return a hub's entries of the months from ``first`` to ``last``."""
        async with self._database.connection() as connection:
            rows = self._queries.hub_year(connection, hub=hub, first=first, last=last)
            return [entry_of(row) async for row in rows]

    async def accounts_of(self, unit: str, month: str) -> list[str]:
        """Return the hubs in whose accounts a unit has entries of a month."""
        async with self._database.connection() as connection:
            return [row["hub"] async for row in self._queries.accounts_of(connection, unit=unit, month=month)]

    async def totals(self, since: datetime) -> Totals:
        """Return what is held of messages sent since a time, and what was ignored since then."""
        async with self._database.connection() as connection:
            sums = dict(await self._queries.totals(connection, since=since))
            adopted = await self._queries.adopted_reports(connection, since=since)
            reasons = [row async for row in self._queries.ignored_reasons(connection, since=since)]
        return Totals(
            **(sums | {"points": plain(sums["points"])}),
            adopted_reports=adopted,
            ignored={row["reason"]: row["number"] for row in reasons},
        )

    async def issued(self, hub: str, year: str) -> list[Issued]:
        """Return a hub's bulletins on a year, the oldest first."""
        async with self._database.connection() as connection:
            return await issued_by(self._queries, connection, hub, year)

    async def issued_heads(self, hub: str, year: str) -> list[Head]:
        """Return which bulletins on a year a hub has issued, and which commendations of all years."""
        async with self._database.connection() as connection:
            return await heads_by(self._queries, connection, hub, year)

    async def handed(self, hub: str, month: str) -> list[Handed]:
        """Return the research reports sent to a hub in a month."""
        async with self._database.connection() as connection:
            rows = self._queries.handed_research(connection, hub=hub, month=month)
            return [Handed(**(dict(row) | {"joint": tuple(row["joint"])})) async for row in rows]

    async def designations(self, hub: str) -> list[Designated]:
        """Return what a hub has decided on direct-report points, the oldest first."""
        async with self._database.connection() as connection:
            rows = self._queries.designations_of(connection, hub=hub)
            return [Designated(**(dict(row) | {"standing": Standing(row["standing"])})) async for row in rows]

    async def has_recorded(self, hub: str, message: UUID) -> bool:
        """Tell whether something that a hub stated is recorded, as a statement or as ignored."""
        async with self._database.connection() as connection:
            return bool(await self._queries.has_recorded(connection, hub=hub, message=message))

    async def appeals(self, hub: str) -> list[Answered]:
        """Return the appeals to a hub, the oldest first."""
        async with self._database.connection() as connection:
            found = []
            async for row in self._queries.appeals_to(connection, hub=hub):
                fields = dict(row)
                content = fields.pop("content")
                answer = cast("Adjustment", fact_of(content).event) if content else None
                points = (
                    plain(sum((line.points or Decimal(0) for line in answer.lines), Decimal(0))) if answer else None
                )
                found.append(Answered(**fields, points=points, reason=answer.reason if answer else ""))
            return found

    async def facts(self, hubs: Sequence[str], since: datetime, until: datetime) -> AsyncIterator[list[Fact]]:
        """Yield what these hubs said within a time and what answers them, page by page in the order of ids."""
        after = UUID(int=0)
        while True:
            async with self._database.connection() as connection:
                rows = self._queries.facts_of(connection, hubs=hubs, since=since, until=until, after=after, limit=_PAGE)
                listed = [row async for row in rows]
            if not listed:
                return
            yield [fact_of(row["content"]) for row in listed]
            after = listed[-1]["id"]
