"""HTTP: the month table, the ledger, the explanation of points, the rules, the totals."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from proto.addresses import CODE_PATTERN
from proto.messages.base import Code, Month
from services.kit.ids import Clock
from services.kit.trust.state import TrustState
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import forbidden, invalid, not_found, unavailable
from services.kit.web.since import Since
from services.scoring.domain.calendar import day_of
from services.scoring.domain.explain import explain
from services.scoring.domain.points import total
from services.scoring.domain.rules import RuleBook, RuleSet
from services.scoring.domain.units import UnitClass, class_of
from services.scoring.store import LedgerLine, Store, Totals, UnitSums

_CLASSES: Final = list(UnitClass)
_EVER: Final = datetime(1, 1, 2, tzinfo=UTC)
_ZERO: Final = Decimal(0)
AnyCode = Annotated[str, Meta(pattern=rf"^$(?!\n)|{CODE_PATTERN}")]
AnyMonth = Annotated[str, Meta(pattern=r"^([0-9]{4}-(0[1-9]|1[0-2]))?$(?!\n)")]


class UnitLine(Struct, frozen=True, kw_only=True):
    """One unit's line of a month table."""

    unit: str
    name: str
    unit_class: UnitClass
    adopted: int  # items adopted, less those taken back
    merged: int  # items of merged adoptions, less those taken back
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
    """A part of the ledger in order of arrival."""

    entries: list[LedgerLine]
    next: int | None  # ``after`` of the next page; None where this is the last


class Explained(Struct, frozen=True, kw_only=True):
    """An entry with its arithmetic in words."""

    entry: LedgerLine
    zh: str
    en: str


class Explanation(Struct, frozen=True, kw_only=True):
    """Where a unit's points of a month come from."""

    unit: str
    month: str
    points: Decimal
    lines: list[Explained]


class RuleVersion(Struct, frozen=True, kw_only=True):
    """A version of the rules."""

    rules: RuleSet
    in_force: bool  # today


class Rules(Struct, frozen=True, kw_only=True):
    """The rule versions by which this service scores."""

    versions: list[RuleVersion]


class LedgerQuery(Struct, frozen=True, kw_only=True):
    """Query of the ledger; '' stands for any."""

    hub: AnyCode = ""
    unit: AnyCode = ""
    month: AnyMonth = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    reader: AnyCode = ""  # the node as which the request reads; '' for the operator


class ExplainQuery(Struct, frozen=True, kw_only=True):
    """Query of an explanation."""

    hub: AnyCode = ""
    reader: AnyCode = ""


class Views:
    """The handlers of the endpoints."""

    def __init__(
        self,
        store: Store,
        state: TrustState,
        book: RuleBook,
        recorded: Mapping[tuple[str, str], RuleSet],
        access: Access,
        clock: Clock,
    ) -> None:
        self._store = store
        self._state = state
        self._book = book
        self._recorded = recorded
        self._access = access
        self._clock = clock

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
                path="/api/v1/rules",
                handle=self.rules,
                summary="计分规则 / The rules by which decisions score",
                answer=Rules,
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
        """Return a hub's table."""
        code = self._access.reader(request, request.match_info["hub"])
        month = _month_in(request)
        if not self._state.ready:
            raise unavailable()
        hub = self._state.node(code)
        if hub is None:
            raise not_found("hub.unknown", "名录中没有该单位", "There is no such unit in the directory")
        sums = {each.unit: each for each in await self._store.month(code, month)}
        for node in self._state.nodes():
            listed = class_of(node, hub) is not UnitClass.OTHER
            if listed and node.code not in sums and code in self._state.hubs_of(node.code):
                sums[node.code] = UnitSums(unit=node.code, adopted=0, merged=0, points=_ZERO, year_points=_ZERO)
        lines = [self._unit_line(code, each) for each in sums.values()]
        lines.sort(key=lambda line: (_CLASSES.index(line.unit_class), -line.points, line.unit))
        return MonthTable(
            hub=code,
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
        self._may_read(request, query.reader, query.hub, query.unit)
        found = await self._store.page(
            hub=query.hub, unit=query.unit, month=query.month, after=query.after, limit=query.limit + 1
        )
        entries = found[: query.limit]
        return LedgerPage(entries=entries, next=entries[-1].number if len(found) > query.limit else None)

    async def explain(self, request: web.Request, _: None) -> Explanation:
        """Return a unit's entries of a month in words."""
        query: ExplainQuery = query_of(request, ExplainQuery)
        unit, month = _unit_in(request), _month_in(request)
        self._may_read(request, query.reader, query.hub, unit)
        lines = []
        for entry in await self._store.unit_month(unit, month, query.hub):
            zh, en = explain(entry, self._recorded.get((entry.rule_set, entry.rule_version)))
            lines.append(Explained(entry=entry, zh=zh, en=en))
        points = total(line.entry.points for line in lines)
        return Explanation(unit=unit, month=month, points=points, lines=lines)

    async def rules(self, request: web.Request, _: None) -> Rules:
        """Return the rules: whoever has a token may know how points are given."""
        self._access.nodes(request)
        today: date = day_of(self._clock())
        in_force = self._book.in_force(today)
        return Rules(versions=[RuleVersion(rules=each, in_force=each is in_force) for each in self._book])

    async def stats(self, request: web.Request, _: None) -> Totals:
        """Return the totals."""
        self._access.operator(request)
        query: Since = query_of(request, Since)
        return await self._store.totals(query.since or _EVER)

    def _may_read(self, request: web.Request, reader: str, hub: str, unit: str) -> None:
        """Let a hub read what it decided, a unit what it earned, the operator all."""
        if not reader:
            self._access.operator(request)
            return
        self._access.reader(request, reader)
        if reader not in (hub, unit):
            raise forbidden(
                "ledger.not_yours", "只能查阅本单位的积分", "A reader sees the entries of its own hub or its own unit"
            )

    def _unit_line(self, hub: str, sums: UnitSums) -> UnitLine:
        node = self._state.node(sums.unit)
        return UnitLine(
            unit=sums.unit,
            name=node.name if node else "",
            unit_class=class_of(node, self._state.node(hub)),
            adopted=sums.adopted,
            merged=sums.merged,
            points=sums.points,
            year_points=sums.year_points,
        )


def _unit_in(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["unit"], Code)
    except msgspec.ValidationError as error:
        raise invalid("unit: a node code") from error


def _month_in(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["month"], Month)
    except msgspec.ValidationError as error:
        raise invalid("month: YYYY-MM") from error
