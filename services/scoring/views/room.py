"""What every view needs, and how a request's parts are read."""

import asyncio
import re
from datetime import date, datetime
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from proto.messages import Node
from proto.messages.base import Code, Month
from services.kit.calendar import YEARS, day_of, last_day
from services.kit.ids import Clock
from services.kit.trust.state import TrustState
from services.kit.trust.units import LEVELS, class_of, listed_under
from services.kit.web.access import Access
from services.kit.web.problem import ProblemError, forbidden, invalid, not_found, unavailable
from services.scoring.domain.awards import Nominee, nominate, years_of
from services.scoring.domain.bulletin import Roll
from services.scoring.domain.obligations import STAFF, Obligation, Owing, calendar
from services.scoring.domain.rules import RuleBook
from services.scoring.domain.settlement import Settlement, settle
from services.scoring.domain.stating import commends_every, full_time, officers
from services.scoring.domain.units import or_by_code
from services.scoring.domain.weighing import UnfitError
from services.scoring.store import Awaiting, Reading, Rulebooks

_YEAR: Final = re.compile(r"[0-9]{4}")


class Nominations(Struct, frozen=True, kw_only=True):
    """Who might be commended, and what that rests on."""

    years: list[int]
    nominees: list[Nominee]
    rules: list[str]  # versions


class Room:
    """The parts that views share."""

    def __init__(
        self,
        store: Reading,
        awaiting: Awaiting,
        books: Rulebooks,
        state: TrustState,
        access: Access,
        clock: Clock,
    ) -> None:
        self.store = store
        self.awaiting = awaiting
        self.books = books
        self.state = state
        self.access = access
        self._clock = clock

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()

    def today(self) -> date:
        """Return the day in Jiangsu."""
        return day_of(self._clock())

    def hub_of(self, request: web.Request) -> Node:
        """Return the hub that a request is about; refuse whoever may not read for it."""
        return self.hub(request.match_info["hub"], request)

    def hub(self, code: str, request: web.Request, unit: str = "") -> Node:
        """Return a hub; refuse whoever may read neither for it nor, where one is named, for the unit that it asks about."""
        self.access.reader(request, unit or code)
        if not self.state.ready:
            raise unavailable()
        hub = self.state.node(code)
        if hub is None or hub.type not in LEVELS:
            raise not_found("hub.unknown", "名录中没有该上级办公室", "There is no such hub in the directory")
        return hub

    def begun(self, request: web.Request) -> str:
        """Return the month of the path; refuse one that has not begun."""
        month = month_in(request)
        if month > f"{self.today():%Y-%m}":
            raise ProblemError(400, "score.month_ahead", "该月份尚未开始", "That month has not begun", month)
        return month

    def check_unit(self, unit: str) -> None:
        """Refuse a unit that the directory does not know."""
        if not self.state.ready:
            raise unavailable()
        if self.state.node(unit) is None:
            raise not_found("unit.unknown", "名录中没有该单位", "There is no such unit in the directory")

    def may_read(self, request: web.Request, reader: str, hub: str, unit: str) -> None:
        """Let a hub read what it decided, a unit what it earned, the operator all."""
        if not reader:
            self.access.operator(request)
            return
        self.access.reader(request, reader)
        if reader not in (hub, unit):
            raise forbidden(
                "ledger.not_yours", "只能查阅本单位的积分", "A reader sees the entries of its own hub or its own unit"
            )

    async def book(self, hub: str) -> RuleBook:
        """Return a hub's rules as they are now."""
        await self.books.refresh()
        return self.books(hub)

    async def settled(self, hub: str, through: str) -> Settlement:
        """Return what a hub's year counts up to a month; computed beside the event loop."""
        book = await self.book(hub)
        entries = await self.store.entries(hub, f"{through[:4]}-01", through)
        return await asyncio.to_thread(settle, entries, book, through, listed_under(hub, self.state))

    def roll(self, hub: Node, settled: Settlement) -> Roll:
        """Return whom a hub's bulletins list: who reports to it, and who has points there from when it did."""
        classes = listed_under(hub.code, self.state)
        for unit in settled.units():
            if unit not in classes:
                classes[unit] = or_by_code(class_of(self.state.node(unit), hub), unit)
        return Roll(hub=hub.code, level=LEVELS[hub.type], classes=classes)

    async def obligations(self, hub: Node, month: str, settled: Settlement) -> list[Obligation]:
        """Return the calendar of a month; empty where the rules then in force ask for nothing."""
        end = last_day(month)
        rules = self.books(hub.code).in_force(end)
        if rules is None or not rules.obligations:
            return []
        owing = []
        asks_staff = STAFF in rules.obligations
        for unit, unit_class in listed_under(hub.code, self.state).items():
            node, count = self.state.node(unit), settled.of(unit, month)
            owing.append(
                Owing(
                    unit=unit,
                    unit_class=unit_class,
                    research_class=node.research_class if node else None,
                    adopted=count.adopted,
                    points=count.points,
                    staff=full_time(self.state, unit, min(end, self.today())) if asks_staff else 0,
                )
            )
        handed = await self.store.handed(hub.code, month)
        return calendar(owing, handed, rules.obligations, over=end < self.today())

    async def nominees(self, hub: Node, year: int, places: int) -> Nominations:
        """Return who might be commended for a year, on the totals of all years that belong to it."""
        years = years_of(year, commends_every(hub.code, self.state) or 1)
        settled = {each: await self.settled(hub.code, f"{each}-12") for each in years}
        classes = self.roll(hub, settled[year]).classes
        totals = {each: {unit: of.year_points(unit) for unit in of.units()} for each, of in settled.items()}
        people = {unit: officers(self.state, unit, years) for unit in classes}
        return Nominations(
            years=list(years),
            nominees=nominate(totals, classes, people, places=places),
            rules=sorted({version for of in settled.values() for version in of.versions()}),
        )


def problem_of(error: UnfitError) -> ProblemError:
    """409: what stands forbids it, or it would not count."""
    return ProblemError(409, error.why.value, error.why.zh, error.why.en, error.detail)


def unit_in(request: web.Request) -> str:
    """Return the unit of the path."""
    try:
        return msgspec.convert(request.match_info["unit"], Code)
    except msgspec.ValidationError as error:
        raise invalid("unit: a node code") from error


def month_in(request: web.Request) -> str:
    """Return the month of the path."""
    try:
        month = msgspec.convert(request.match_info["month"], Month)
    except msgspec.ValidationError as error:
        raise invalid("month: YYYY-MM") from error
    if int(month[:4]) not in YEARS:
        raise invalid(f"month: a year from {YEARS[0]} to {YEARS[-1]}")
    return month


def year_in(request: web.Request) -> int:
    """Return the year of the path."""
    text = request.match_info["year"]
    if not _YEAR.fullmatch(text) or int(text) not in YEARS:
        raise invalid(f"year: YYYY, from {YEARS[0]} to {YEARS[-1]}")
    return int(text)
