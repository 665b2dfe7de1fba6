"""The month table, the ledger, the explanation of points, the totals."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from proto.addresses import CODE_PATTERN
from proto.messages import UnitClass
from services.kit.calendar import december_of
from services.kit.web.api import Endpoint, query_of
from services.kit.web.since import Since
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.explain import explain
from services.scoring.domain.points import total
from services.scoring.domain.settlement import Because, UnitMonth
from services.scoring.domain.units import ORDER
from services.scoring.store import LedgerLine, Totals
from services.scoring.views.room import Room, unit_in

_EVER: Final = datetime(1, 1, 2, tzinfo=UTC)
_GONE: Final = (Because.REVERSED, Because.SUPERSEDED)
AnyCode = Annotated[str, Meta(pattern=rf"^$(?!\n)|{CODE_PATTERN}")]
AnyMonth = Annotated[str, Meta(pattern=r"^([0-9]{4}-(0[1-9]|1[0-2]))?$(?!\n)")]


class UnitLine(Struct, frozen=True, kw_only=True):
    """One unit's line of a month table."""

    unit: str
    name: str
    unit_class: UnitClass
    adopted: int  # reports that stand adopted
    merged: int  # reports that stand in a merged item
    points: Decimal  # of the month
    year_points: Decimal  # from January to the month


class MonthTable(Struct, frozen=True, kw_only=True):
    """A hub's table of a month (月度采用和积分表): every unit that reports to it, by class, then points."""

    hub: str
    month: str
    lines: list[UnitLine]
    adopted: int
    merged: int
    points: Decimal
    year_points: Decimal


class LedgerPage(Struct, frozen=True, kw_only=True):
    """A part of the ledger in order of arrival: gross entries, before caps and the like."""

    entries: list[LedgerLine]
    next: int | None  # ``after`` of the next page; None where this is the last


class Explained(Struct, frozen=True, kw_only=True):
    """A line of a unit's month with its arithmetic in words."""

    hub: str
    entry: Entry | None  # None where a rule about the whole month makes the line
    points: Decimal  # as it counts
    why: str  # why it counts otherwise than the entry says; "" where it does not
    rule: str  # version and rule
    zh: str
    en: str


class Explanation(Struct, frozen=True, kw_only=True):
    """Where a unit's points of a month come from."""

    unit: str
    month: str
    points: Decimal
    lines: list[Explained]


class LedgerQuery(Struct, frozen=True, kw_only=True):
    """Query of the ledger; '' stands for any."""

    hub: AnyCode = ""
    unit: AnyCode = ""
    month: AnyMonth = ""
    limit: Annotated[int, Meta(ge=1, le=5000)] = 100
    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    reader: AnyCode = ""  # the node as which the request reads; '' for the operator


class ExplainQuery(Struct, frozen=True, kw_only=True):
    """Query of an explanation."""

    hub: AnyCode = ""
    reader: AnyCode = ""


class LedgerViews:
    """The handlers of these endpoints."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def endpoints(self) -> list[Endpoint]:
        """Return the table of operations."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/months/{hub}/{month}",
                handle=self.month,
                summary="月度采用和积分表 / A hub's month table, for that hub",
                answer=MonthTable,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/ledger",
                handle=self.ledger,
                summary="积分台账 / The ledger: a hub's own, a unit's own, or all for the operator",
                query=LedgerQuery,
                answer=LedgerPage,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/explain/{unit}/{month}",
                handle=self.explain,
                summary="积分明细说明 / Where a unit's points of a month come from",
                query=ExplainQuery,
                answer=Explanation,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/stats",
                handle=self.stats,
                summary="合计 / Totals, for the operator",
                query=Since,
                answer=Totals,
            ),
        ]

    async def month(self, request: web.Request, _: None) -> MonthTable:
        """Return a hub's table as it is now: what was taken back later counts in no month, so twelve tables are the year."""
        hub, month = self._room.hub_of(request), self._room.begun(request)
        settled = await self._room.settled(hub.code, december_of(month))
        lines = []
        for unit, unit_class in self._room.roll(hub, settled).classes.items():
            node, this = self._room.state.node(unit), settled.of(unit, month)
            lines.append(
                UnitLine(
                    unit=unit,
                    name=node.name if node else "",
                    unit_class=unit_class,
                    adopted=_standing(this, Kind.ADOPTED),
                    merged=_standing(this, Kind.MERGED),
                    points=this.points,
                    year_points=settled.year_points(unit, month),
                )
            )
        lines.sort(key=lambda line: (ORDER.index(line.unit_class), -line.points, line.unit))
        return MonthTable(
            hub=hub.code,
            month=month,
            lines=lines,
            adopted=sum(line.adopted for line in lines),
            merged=sum(line.merged for line in lines),
            points=total(line.points for line in lines),
            year_points=total(line.year_points for line in lines),
        )

    async def ledger(self, request: web.Request, _: None) -> LedgerPage:
        """Return a page of entries."""
        query: LedgerQuery = query_of(request, LedgerQuery)
        self._room.may_read(request, query.reader, query.hub, query.unit)
        found = await self._room.store.page(
            hub=query.hub, unit=query.unit, month=query.month, after=query.after, limit=query.limit + 1
        )
        entries = found[: query.limit]
        return LedgerPage(entries=entries, next=entries[-1].number if len(found) > query.limit else None)

    async def explain(self, request: web.Request, _: None) -> Explanation:
        """Return a unit's lines of a month in words, of each hub unless one is named."""
        query: ExplainQuery = query_of(request, ExplainQuery)
        unit, month = unit_in(request), self._room.begun(request)
        self._room.may_read(request, query.reader, query.hub, unit)
        accounts = await self._room.store.accounts_of(unit, month)
        if not accounts:  # one that the directory lists no longer keeps its points
            self._room.check_unit(unit)
        if query.hub:
            self._room.check_unit(query.hub)
        hubs = [query.hub] if query.hub else {*self._room.state.hubs_of(unit), *accounts}
        lines = []
        for hub in sorted(hubs):
            settled = await self._room.settled(hub, december_of(month))
            book = self._room.books(hub)
            for line in settled.of(unit, month).counted:
                zh, en = explain(line, book)
                lines.append(
                    Explained(
                        hub=hub,
                        entry=line.entry,
                        points=line.points,
                        why=line.why.value,
                        rule=f"{line.rule_version}/{line.rule}",
                        zh=zh,
                        en=en,
                    )
                )
        return Explanation(unit=unit, month=month, points=total(line.points for line in lines), lines=lines)

    async def stats(self, request: web.Request, _: None) -> Totals:
        """Return the totals."""
        self._room.access.operator(request)
        query: Since = query_of(request, Since)
        return await self._room.store.totals(query.since or _EVER)


def _standing(month: UnitMonth, kind: Kind) -> int:
    return len(
        {
            line.entry.report
            for line in month.counted
            if line.entry is not None and line.entry.kind is kind and line.entry.items > 0 and line.why not in _GONE
        }
    )
