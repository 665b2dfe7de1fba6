"""报送要点: a hub says what it wants reported in a month; its units see it, and which points their reports answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.limits import MAX_ITEMS, MAX_NOTE_CHARS, MAX_RECIPIENTS
from proto.messages import KeyPoint, KeyPoints, Message, UnitClass
from proto.messages.base import Code, Month
from services.gateway.desk import DESK, Desk
from services.gateway.domain.key_points import asked, check_month, numbered, references
from services.gateway.views.auth import member
from services.gateway.views.hub import check_written, hub_member
from services.gateway.views.items import checked_words
from services.gateway.views.saying import Said, say
from services.kit.calendar import YEARS, month_of
from services.kit.trust.units import listed_under
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import invalid

_Text = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]


class KeyPointsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Points to add to a month, for the units of some classes, for named ones, or for all."""

    month: Month
    points: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
    classes: Annotated[tuple[UnitClass, ...], msgspec.Meta(max_length=len(UnitClass))] = ()
    units: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MAX_RECIPIENTS)] = ()
    id: UUID | None = None  # the client's own id, so that trying again does not say it twice


class MonthQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which month; this one by default."""

    month: Month | None = None


class PointView(msgspec.Struct):
    """One point."""

    number: int
    reference: str  # what a report that answers it has in ``answers``
    text: str
    reports: int | None = None  # how many the unit sent that name it; None of a hub's own points, see the coverage


class KeyPointsView(msgspec.Struct):
    """Points that a hub said at one time."""

    id: UUID
    hub: str
    hub_name: str
    month: str
    sent_at: datetime
    to: list[str]  # whom it asked
    points: list[PointView]


class UnitCoverage(msgspec.Struct):
    """What a unit reported of a point."""

    unit: str
    name: str
    reports: int  # that name the point
    adopted: int  # of these, adopted or merged by the hub


class PointCoverage(msgspec.Struct):
    """A point and the units that were asked."""

    number: int
    reference: str
    text: str
    units: list[UnitCoverage]


class Coverage(msgspec.Struct):
    """How a hub's points of a month are answered (要点落实)."""

    hub: str
    month: str
    points: list[PointCoverage]


async def add_points(request: web.Request, read: Read[KeyPointsRequest]) -> Said | web.Response:
    """Say what the hub wants reported; the points are numbered on from what it said for the month before."""
    who = await hub_member(request)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, *body.points)
    check_written(*body.points)

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        check_month(body.month, now)
        units = asked(listed_under(who.node, desk.state), classes=body.classes, units=body.units)
        before = await desk.messages.key_points_said(connection, who.node, body.month, refused=True)
        return KeyPoints(
            id=id, origin=who.node, to=units, sent_at=now, month=body.month, points=numbered(body.points, before)
        )

    return await say(request, who, body, body.id, make)


async def list_points(request: web.Request, _: None) -> list[KeyPointsView]:
    """List what the unit's hubs want reported in a month and, at a hub, what it wants itself; in the order of sending."""
    who = await member(request)
    desk = request.app[DESK]
    month = _month(request, desk)
    async with desk.db.connection() as connection:
        told = await desk.messages.key_points_told(connection, who.node, month)
        said = await desk.messages.key_points_said(connection, who.node, month)
        reports = await desk.messages.answers_sent(connection, who.node, told)
    views = [_view(desk, each, reports) for each in told] + [_view(desk, each, None) for each in said]
    return sorted(views, key=lambda view: (view.sent_at, view.id))


async def show_coverage(request: web.Request, _: None) -> Coverage:
    """Show of each point of a month which unit that was asked reported on it how often, and what the hub adopted."""
    who = await hub_member(request)
    desk = request.app[DESK]
    month = _month(request, desk)
    async with desk.db.connection() as connection:
        said = await desk.messages.key_points_said(connection, who.node, month)
        counts = await desk.intake.answers(connection, who.node, references(said))
    points = [_covered(desk, message, point, counts) for message in said for point in message.points]
    return Coverage(who.node, month, points)


def _month(request: web.Request, desk: Desk) -> str:
    query: MonthQuery = query_of(request, MonthQuery)
    month = query.month or month_of(desk.clock())
    if int(month[:4]) not in YEARS:
        raise invalid("month")
    return month


def _view(desk: Desk, said: KeyPoints, reports: Mapping[str, int] | None) -> KeyPointsView:
    points = [PointView(point.number, said.reference(point.number), point.text) for point in said.points]
    if reports is not None:
        for point in points:
            point.reports = reports.get(point.reference, 0)
    name = desk.state.name_of(said.origin)
    return KeyPointsView(said.id, said.origin, name, said.month, said.sent_at, list(said.to), points)


def _covered(
    desk: Desk, said: KeyPoints, point: KeyPoint, counts: Mapping[tuple[str, str], tuple[int, int]]
) -> PointCoverage:
    reference = said.reference(point.number)
    units = [UnitCoverage(unit, desk.state.name_of(unit), *counts.get((reference, unit), (0, 0))) for unit in said.to]
    return PointCoverage(point.number, reference, point.text, units)


_POINTS: Final = "/api/v1/nodes/{code}/key-points"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=_POINTS, handle=add_points, summary="下发报送要点 / Say what is to be reported",
        body=KeyPointsRequest, answer=Said, status=201, again=200, errors=(400, 401, 403, 409, 422),
    ),
    Endpoint(
        method="GET", path=_POINTS, handle=list_points, summary="报送要点 / Key points of a month", query=MonthQuery,
        answer=list[KeyPointsView],
    ),
    Endpoint(
        method="GET", path=f"{_POINTS}/coverage", handle=show_coverage, summary="要点落实情况 / How points are answered",
        query=MonthQuery, answer=Coverage,
    ),
)  # fmt: skip
