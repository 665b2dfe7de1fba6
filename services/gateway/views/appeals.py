"""积分申诉与调整: a unit asks its hub to look at its points again, a lead of the hub answers or takes points away."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import unpack
from proto.limits import MAX_ITEMS, MAX_NOTE_CHARS
from proto.messages import Adjustment, AdjustmentLine, Appeal, Bulletin, Decision, Message, Role
from proto.messages.base import Code, Month
from services.gateway.desk import DESK, Desk
from services.gateway.domain.adjustments import check_adjustment
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.papers import CHINA, reporting_to
from services.gateway.views.asked import received_about, said_about
from services.gateway.views.auth import Principal, member
from services.gateway.views.hub import LEADS, hub_member, refusal_of
from services.gateway.views.items import checked_words
from services.gateway.views.saying import Said, say
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import ProblemError

_Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]


class AdjustmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Deductions, or the answer to an appeal."""

    lines: Annotated[tuple[AdjustmentLine, ...], msgspec.Meta(max_length=MAX_ITEMS)]
    reason: _Note
    about: UUID | None = None  # the appeal
    id: UUID | None = None  # the client's own id, so that trying again does not count twice


class AppealRequest(msgspec.Struct, forbid_unknown_fields=True):
    """申诉."""

    month: Month
    text: _Note
    about: UUID | None = None  # the decision or the bulletin concerned
    hub: Code | None = None  # where ``about`` does not say and the unit reports to two
    id: UUID | None = None


class AppealView(msgspec.Struct, kw_only=True):
    """An appeal and its answer."""

    id: UUID
    unit: str
    hub: str
    month: str
    person: str
    text: str
    about: UUID | None
    sent_at: datetime
    answer: UUID | None = None  # the adjustment
    answered_at: datetime | None = None
    reason: str = ""
    lines: tuple[AdjustmentLine, ...] = ()


class AppealQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which appeals."""

    open: bool = False  # those alone that wait for an answer
    made: bool = False  # those that the unit made itself; else those that came to it
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def adjust(request: web.Request, read: Read[AdjustmentRequest]) -> Said | web.Response:
    """Take points away by a rule, or answer an appeal; a lead decides, the unit's key signs.

    Asked of the score first: an appeal is answered once, and a line that the score ignores would be its answer for good.
    """
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.reason, *(line.rule for line in body.lines))
    await _check_with_score(desk, who, body)

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        appeal = await _checked(desk, connection, who, body, now)
        to = dict.fromkeys([*([appeal.origin] if appeal else []), *(line.unit for line in body.lines)])
        return Adjustment(
            id=id, origin=who.node, to=tuple(to), sent_at=now, about=body.about, lines=body.lines, person=who.person,
            reason=body.reason,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


async def appeal(request: web.Request, read: Read[AppealRequest]) -> Said | web.Response:
    """Ask the hub concerned to look at the unit's points again."""
    who = await member(request, Role.INFORMATION_OFFICER)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.text)
    if not body.text.strip():
        raise ProblemError(422, "appeal.no_text", "须写明申诉理由", "An appeal gives its grounds")

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        hub = await _hub_concerned(desk, connection, who, body)
        return Appeal(
            id=id, origin=who.node, to=(hub,), sent_at=now, about=body.about, month=body.month, person=who.person,
            text=body.text,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


async def list_appeals(request: web.Request, _: None) -> list[AppealView]:
    """List the appeals that came to a hub, or that a unit made, with their answers."""
    who = await member(request)
    desk = request.app[DESK]
    query: AppealQuery = query_of(request, AppealQuery)
    chosen = {"node": who.node, "before": query.before, "open": query.open, "count": query.limit}
    async with desk.db.connection() as connection:
        queries = desk.db.queries
        rows = (
            queries.appeals_made(connection, **chosen)
            if query.made
            else queries.appeals_received(connection, **chosen, router=ROUTER_CODE)
        )
        appeals = {row["id"]: _view(codec.decode(unpack(row["body"]))) async for row in rows}
        look = received_about if query.made else said_about
        for one in await look(desk, connection, who.node, "adjustment", list(appeals)):
            view = appeals[one.about]
            if one.origin != view.hub:  # nobody else can answer
                continue
            view.answer, view.answered_at, view.reason, view.lines = one.id, one.sent_at, one.reason, one.lines
    return list(appeals.values())


async def _check_with_score(desk: Desk, who: Principal, body: AdjustmentRequest) -> None:
    """Refuse what may not be said here, then what the score would ignore; what was said before is not asked about again."""
    async with desk.db.connection() as connection:
        if body.id is not None and await desk.db.queries.attempt(connection, node=who.node, id=body.id) is not None:
            return
        try:
            await _checked(desk, connection, who, body, desk.clock())
        except DecisionError as error:
            raise refusal_of(error) from error
    if body.lines:
        await desk.scores.check_adjustment(who.node, body.lines)


async def _checked(
    desk: Desk, connection: Any, who: Principal, body: AdjustmentRequest, now: datetime
) -> Appeal | None:
    """Return the appeal that an adjustment answers, if any; refuse where it may not be made."""
    appeal = await _appeal(desk, connection, who, body.about) if body.about else None
    reports = [line.report for line in body.lines if line.report]
    check_adjustment(
        body.lines,
        body.reason,
        appellant=appeal.origin if appeal else None,
        units=frozenset(reporting_to(desk.state, who.node)),
        origins=await desk.inbox.origins(connection, who.node, reports),
        this_month=f"{now.astimezone(CHINA):%Y-%m}",
    )
    return appeal


async def _appeal(desk: Desk, connection: Any, who: Principal, about: UUID) -> Appeal:
    """Return the appeal that waits for an answer."""
    row = await desk.db.queries.inbox_message(connection, node=who.node, id=about)
    message = codec.decode(unpack(row["body"])) if row is not None and row["kind"] == "appeal" else None
    if not isinstance(message, Appeal):
        raise ProblemError(422, "appeal.unknown", "没有收到该申诉", "No such appeal came to this hub")
    if await said_about(desk, connection, who.node, "adjustment", [about]):
        raise ProblemError(409, "appeal.answered", "该申诉已答复", "This appeal has been answered")
    return message


async def _hub_concerned(desk: Desk, connection: Any, who: Principal, body: AppealRequest) -> str:
    hubs = desk.state.hubs_of(who.node)
    hub = body.hub
    if body.about is not None:
        row = await desk.db.queries.inbox_message(connection, node=who.node, id=body.about)
        message = codec.decode(unpack(row["body"])) if row is not None else None
        if not isinstance(message, Decision | Bulletin) or hub not in (None, message.origin):
            raise ProblemError(
                422,
                "appeal.about",
                "申诉须针对收到的采编结果或通报",
                "An appeal is about a decision or a bulletin received",
            )
        hub = message.origin
    hub = hub or (hubs[0] if len(hubs) == 1 else None)
    if hub is None or hub not in hubs:
        raise ProblemError(422, "appeal.which_hub", "请注明向哪一上级办公室申诉", "Name the hub that you appeal to")
    return hub


def _view(one: Any) -> AppealView:
    return AppealView(
        id=one.id, unit=one.origin, hub=one.to[0], month=one.month, person=one.person, text=one.text, about=one.about,
        sent_at=one.sent_at,
    )  # fmt: skip


_NODE: Final = "/api/v1/nodes/{code}"
_ERRORS: Final = (400, 401, 403, 409, 422)
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=f"{_NODE}/adjustments", handle=adjust,
        summary="积分扣减，或答复申诉 / Deduct points, or answer an appeal", body=AdjustmentRequest, answer=Said, status=201,
        again=200, errors=_ERRORS,
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/appeals", handle=appeal, summary="积分申诉 / Appeal about points",
        body=AppealRequest, answer=Said, status=201, again=200, errors=_ERRORS,
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/appeals", handle=list_appeals, summary="申诉列表 / List appeals", query=AppealQuery,
        answer=list[AppealView],
    ),
)  # fmt: skip
