"""Bulletins: drafted for the hub to check and issue, kept as issued, and the year as it stands (Arts. 13, 15)."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from proto.messages import BulletinContent, BulletinType, Commendation, Node, UnitClass
from proto.messages.base import Time
from services.kit.calendar import YEARS
from services.kit.web.api import Endpoint, query_of
from services.scoring.domain.bulletin import check_period, draft_month, draft_year, lines_left_out, stated
from services.scoring.domain.obligations import missed
from services.scoring.domain.points import ZERO, plain
from services.scoring.domain.ranking import ranks
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.settlement import Settlement
from services.scoring.domain.stating import commends_every
from services.scoring.domain.units import ORDER
from services.scoring.domain.weighing import UnfitError
from services.scoring.views.room import Room, problem_of, year_in

_UNIT_TITLE = "政务信息工作先进单位"
_PERSON_TITLE = "政务信息工作先进个人"


class BulletinsQuery(Struct, frozen=True, kw_only=True):
    """Which bulletins to show."""

    year: Annotated[int, Meta(ge=YEARS[0], le=YEARS[-1])] | None = None  # that they are on


class DraftQuery(Struct, frozen=True, kw_only=True):
    """Which bulletin to draft."""

    type: BulletinType = BulletinType.MONTHLY
    period: Annotated[str, Meta(pattern=r"^[^\x00-\x1f]{1,20}$(?!\n)")]  # YYYY-MM of a month, else YYYY
    preview: bool = False  # of what could not be issued now: a month that is not over, one that was stated
    places: Annotated[int, Meta(ge=1, le=50)] = 3  # of a commendation: units of each class


class Drafted(Struct, frozen=True, kw_only=True):
    """A bulletin as the hub may check, mend and issue it."""

    content: BulletinContent
    details_left_out: bool  # there was no room for the items under the lines
    forbidden: str = ""  # of a preview: code of what forbids to issue it now


class IssuedBulletin(Struct, frozen=True, kw_only=True):
    """A bulletin that stands."""

    id: UUID
    sent_at: Time
    content: BulletinContent


class Bulletins(Struct, frozen=True, kw_only=True):
    """A hub's bulletins on a year, the oldest first."""

    hub: str
    bulletins: list[IssuedBulletin]


class YearLine(Struct, frozen=True, kw_only=True):
    """One unit's year."""

    unit: str
    name: str
    unit_class: UnitClass
    rank: int  # within its class
    adopted: int
    points: Decimal  # as they are now
    stated: Decimal  # by monthly bulletins so far
    open: Decimal  # not stated yet


class YearTable(Struct, frozen=True, kw_only=True):
    """A hub's year so far."""

    hub: str
    year: int
    lines: list[YearLine]


class BulletinViews:
    """The handlers of these endpoints."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def endpoints(self) -> list[Endpoint]:
        """Return the table of operations."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/bulletins",
                handle=self.issued,
                summary="已发通报 / A hub's bulletins on a year, this one by default, as they were issued",
                query=BulletinsQuery,
                answer=Bulletins,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/bulletins/draft",
                handle=self.draft,
                summary="通报草稿 / The draft of a bulletin, for that hub to check and issue",
                query=DraftQuery,
                answer=Drafted,
                errors=(400, 401, 403, 404, 409),
            ),
            Endpoint(
                method="GET",
                path="/api/v1/hubs/{hub}/years/{year}",
                handle=self.year,
                summary="年度积分和排名 / A hub's year so far, ranked by class",
                answer=YearTable,
            ),
        ]

    async def issued(self, request: web.Request, _: None) -> Bulletins:
        """Return a hub's bulletins."""
        hub = self._room.hub_of(request)
        query: BulletinsQuery = query_of(request, BulletinsQuery)
        year = str(query.year or self._room.today().year)
        listed = [
            IssuedBulletin(id=each.id, sent_at=each.sent_at, content=each.content)
            for each in await self._room.store.issued(hub.code, year)
            if each.content.period[:4] == year
        ]
        return Bulletins(hub=hub.code, bulletins=listed)

    async def draft(self, request: web.Request, _: None) -> Drafted:
        """Return a draft; refuse what may not be issued now, unless it is a mere preview."""
        hub = self._room.hub_of(request)
        query: DraftQuery = query_of(request, DraftQuery)
        heads = await self._room.store.issued_heads(hub.code, query.period[:4])
        every = commends_every(hub.code, self._room.state)
        forbidden = ""
        try:
            check_period(query.type, query.period, self._room.today(), heads, every=every)
        except UnfitError as error:
            if not query.preview or error.why is Refusal.BULLETIN_PERIOD:
                raise problem_of(error) from error
            forbidden = error.why.value
        if query.type is BulletinType.COMMENDATION:
            content = await self._commendation(hub, int(query.period), query.places, final=not forbidden)
            if not content.commended and not forbidden:
                if not query.preview:
                    raise problem_of(UnfitError(Refusal.BULLETIN_NOBODY, query.period))
                forbidden = Refusal.BULLETIN_NOBODY.value
            return Drafted(content=content, details_left_out=False, forbidden=forbidden)
        monthly = query.type is BulletinType.MONTHLY
        settled = await self._room.settled(hub.code, query.period if monthly else f"{query.period}-12")
        roll = self._room.roll(hub, settled)
        issued = await self._room.store.issued(hub.code, query.period[:4])
        if monthly:
            owed = await self._room.obligations(hub, query.period, settled)
            content = draft_month(roll, query.period, settled, issued, missed(owed))
        else:
            content = draft_year(roll, query.period, settled, issued)
        return Drafted(content=content, details_left_out=monthly and lines_left_out(content), forbidden=forbidden)

    async def year(self, request: web.Request, _: None) -> YearTable:
        """Return a hub's year so far."""
        hub, year = self._room.hub_of(request), year_in(request)
        settled = await self._room.settled(hub.code, f"{year}-12")
        before = stated(await self._room.store.issued(hub.code, str(year)), str(year))
        return YearTable(hub=hub.code, year=year, lines=self._year_lines(hub, settled, before))

    def _year_lines(self, hub: Node, settled: Settlement, before: dict[str, Decimal]) -> list[YearLine]:
        classes = self._room.roll(hub, settled).classes
        points = {unit: settled.year_points(unit) for unit in classes}
        places = ranks(points, classes)
        lines = []
        for unit, unit_class in classes.items():
            node = self._room.state.node(unit)
            lines.append(
                YearLine(
                    unit=unit,
                    name=node.name if node else "",
                    unit_class=unit_class,
                    rank=places[unit],
                    adopted=settled.year_adopted(unit),
                    points=points[unit],
                    stated=plain(before.get(unit, ZERO)),
                    open=plain(points[unit] - before.get(unit, ZERO)),
                )
            )
        return sorted(lines, key=lambda line: (ORDER.index(line.unit_class), line.rank, line.unit))

    async def _commendation(self, hub: Node, year: int, places: int, *, final: bool) -> BulletinContent:
        found = await self._room.nominees(hub, year, places)
        commended = [Commendation(unit=each.unit, title=_UNIT_TITLE) for each in found.nominees]
        commended += [
            Commendation(unit=each.unit, person=name, title=_PERSON_TITLE)
            for each in found.nominees
            for name in each.people
        ]
        when = f"{found.years[0]}至{year}年" if len(found.years) > 1 else f"{year}年"
        return BulletinContent(
            type=BulletinType.COMMENDATION,
            period=str(year),
            lines=(),
            commended=tuple(commended),
            rules=tuple(found.rules),
            text=f"根据{when}政务信息采用和积分情况，{'决定' if final else '拟'}对下列单位和个人予以表彰。",
        )
