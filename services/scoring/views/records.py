"""What is proposed or followed on the record: obligations, direct-report points, commendations, appeals (Arts. 5, 10, 15)."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from proto.messages import Level, Node, NodeKind, Standing
from services.kit.calendar import last_day
from services.kit.trust.units import level_of
from services.kit.web.api import Endpoint, query_of
from services.scoring.domain.awards import Nominee
from services.scoring.domain.bulletin import check_off_year
from services.scoring.domain.obligations import STAFF, Obligation, missed
from services.scoring.domain.points import ZERO
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.settlement import Settlement
from services.scoring.domain.standing import MIN_STAFF, Proposal, Record, propose
from services.scoring.domain.stating import commends_every, full_time
from services.scoring.domain.weighing import UnfitError
from services.scoring.store import Answered
from services.scoring.views.ledger import AnyCode
from services.scoring.views.room import Room, problem_of, year_in


class Calendar(Struct, frozen=True, kw_only=True):
    """Who owes what in a month (应报、已报、认可、缺报)."""

    hub: str
    month: str
    over: bool
    obligations: list[Obligation]


class CalendarQuery(Struct, frozen=True, kw_only=True):
    """Query of the calendar: a unit reads its own lines."""

    unit: AnyCode = ""


class StandingQuery(Struct, frozen=True, kw_only=True):
    """By what direct-report points are judged."""

    places: Annotated[int, Meta(ge=0, le=500)] | None = None  # how many there shall be; as many as now where not given
    tolerated: Annotated[int, Meta(ge=0, le=12)] = 2  # months with an unmet obligation that do not count as failing


class StandingProposal(Struct, frozen=True, kw_only=True):
    """The ranked proposal for direct-report points (直报点建议): a lead must sign what becomes of it."""

    hub: str
    year: int
    proposals: list[Proposal]


class AwardsQuery(Struct, frozen=True, kw_only=True):
    """Query of a proposal for commendation."""

    places: Annotated[int, Meta(ge=1, le=50)] = 3  # units of each class


class AwardsProposal(Struct, frozen=True, kw_only=True):
    """Who might be commended (表彰建议)."""

    hub: str
    years: list[int]
    nominees: list[Nominee]


class Appeals(Struct, frozen=True, kw_only=True):
    """The appeals to a hub (积分申诉), the oldest first."""

    hub: str
    appeals: list[Answered]


class RecordViews:
    """The handlers of these endpoints."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def endpoints(self) -> list[Endpoint]:
        """Return the table of operations."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/obligations/{month}",
                handle=self.obligations,
                summary="报送任务月历 / Who owes what in a month: all for the hub, its own for a unit",
                query=CalendarQuery,
                answer=Calendar,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/standing/{year}",
                handle=self.standing,
                summary="直报点建议 / The ranked proposal for direct-report points, for the province",
                query=StandingQuery,
                answer=StandingProposal,
                errors=(400, 401, 403, 404, 409),
            ),
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/awards/{year}",
                handle=self.awards,
                summary="表彰建议 / Who might be commended, on totals rebuilt from the ledger",
                query=AwardsQuery,
                answer=AwardsProposal,
                errors=(400, 401, 403, 404, 409),
            ),
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/appeals",
                handle=self.appeals,
                summary="积分申诉 / The appeals to a hub and their answers",
                answer=Appeals,
            ),
        ]

    async def obligations(self, request: web.Request, _: None) -> Calendar:
        """Return the calendar of a month."""
        query: CalendarQuery = query_of(request, CalendarQuery)
        hub, month = self._room.hub(request.match_info["hub"], request, query.unit), self._room.begun(request)
        if query.unit:
            self._room.check_unit(query.unit)
        settled = await self._room.settled(hub.code, month)
        listed = await self._room.obligations(hub, month, settled)
        return Calendar(
            hub=hub.code,
            month=month,
            over=last_day(month) < self._room.today(),
            obligations=[each for each in listed if query.unit in ("", each.unit)],
        )

    async def standing(self, request: web.Request, _: None) -> StandingProposal:
        """Return the ranked proposal on a year's record."""
        hub, year = self._room.hub_of(request), year_in(request)
        query: StandingQuery = query_of(request, StandingQuery)
        if level_of(hub) is not Level.PROVINCE:
            raise problem_of(UnfitError(Refusal.DESIGNATION_HUB))
        records = await self._records(hub, year)
        rules = self._room.books(hub.code).in_force(self._room.today())
        asked = rules.obligations.get(STAFF, {}).get("direct_report") if rules else None
        staff = asked or MIN_STAFF
        proposals = propose(records, places=query.places, staff=staff, tolerated=query.tolerated)
        return StandingProposal(hub=hub.code, year=year, proposals=proposals)

    async def awards(self, request: web.Request, _: None) -> AwardsProposal:
        """Return who might be commended for a year and those before it that belong to it."""
        hub, year = self._room.hub_of(request), year_in(request)
        query: AwardsQuery = query_of(request, AwardsQuery)
        every = commends_every(hub.code, self._room.state)
        try:
            check_off_year(year, await self._room.store.issued_heads(hub.code, str(year)), every)
        except UnfitError as error:
            raise problem_of(error) from error
        found = await self._room.nominees(hub, year, query.places)
        return AwardsProposal(hub=hub.code, years=found.years, nominees=found.nominees)

    async def appeals(self, request: web.Request, _: None) -> Appeals:
        """Return the appeals to a hub."""
        hub = self._room.hub_of(request)
        return Appeals(hub=hub.code, appeals=await self._room.store.appeals(hub.code))

    async def _records(self, hub: Node, year: int) -> list[Record]:
        state, today = self._room.state, self._room.today()
        settled = await self._room.settled(hub.code, f"{year}-12")
        unmet = await self._unmet(hub, year, settled, today)
        warned: dict[str, Standing] = {}
        for each in await self._room.store.designations(hub.code):
            if each.effective_from <= today and each.effective_from.year >= year - 1:
                warned[each.unit] = each.standing
        counties = [node for node in state.nodes() if node.type is NodeKind.COUNTY]
        cities = {node.parent for node in counties if node.parent}
        at_city = {city: await self._room.settled(city, f"{year}-12") for city in sorted(cities)}
        return [
            Record(
                unit=node.code,
                name=node.name,
                city=node.parent or "",
                direct=node.direct_report,
                points=settled.year_points(node.code),
                city_points=_points_at(at_city, node),
                adopted=settled.year_adopted(node.code),
                missed=unmet.get(node.code, 0),
                staff=full_time(state, node.code, today),
                warned=warned.get(node.code) is Standing.WARNED,
            )
            for node in counties
        ]

    async def _unmet(self, hub: Node, year: int, settled: Settlement, today: date) -> dict[str, int]:
        """Return by unit in how many months of the year that are over an obligation was not met."""
        counts: dict[str, int] = {}
        for month in (f"{year}-{number:02}" for number in range(1, 13)):
            if last_day(month) < today:
                for unit in missed(await self._room.obligations(hub, month, settled)):
                    counts[unit] = counts.get(unit, 0) + 1
        return counts


def _points_at(at_city: dict[str, Settlement], node: Node) -> Decimal:
    settled = at_city.get(node.parent or "")
    return settled.year_points(node.code) if settled else ZERO
