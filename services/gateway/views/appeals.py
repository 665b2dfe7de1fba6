"""积分申诉: a unit asks its hub to look at its points again; a lead of the hub answers (``adjustments.py``)."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.limits import MAX_NOTE_CHARS
from proto.messages import AdjustmentLine, Appeal, Bulletin, Decision, Message, Role
from proto.messages.base import Code, Month
from services.gateway.desk import DESK, Desk
from services.gateway.domain.adjustments import check_month
from services.gateway.store.messages import Heard
from services.gateway.views.auth import Principal, member
from services.gateway.views.items import checked_words
from services.gateway.views.saying import Said, say
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import ProblemError

_Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]


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
    answer: UUID | None = None  # the adjustment in force
    answered_at: datetime | None = None
    reason: str = ""
    lines: tuple[AdjustmentLine, ...] = ()


class AppealQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which appeals."""

    open: bool = False  # those alone that wait for an answer
    made: bool = False  # those that the unit made itself; else those that came to it
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def appeal(request: web.Request, read: Read[AppealRequest]) -> Said | web.Response:
    """Ask the hub concerned to look at the unit's points again."""
    who = await member(request, Role.INFORMATION_OFFICER)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.text)
    if not body.text.strip():
        raise ProblemError(422, "appeal.no_text", "须写明申诉理由", "An appeal gives its grounds")

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        check_month(body.month, now, "appeal")
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
    found = await desk.messages.appeals(
        who.node, made=query.made, unanswered=query.open, before=query.before, count=query.limit
    )
    return [_view(each) for each in found]


async def _hub_concerned(desk: Desk, connection: Any, who: Principal, body: AppealRequest) -> str:
    hubs = desk.state.hubs_of(who.node)
    hub = body.hub
    if body.about is not None:
        message: Message | None = await desk.messages.received(connection, who.node, body.about, Decision, Bulletin)
        if message is None or hub not in (None, message.origin):
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


def _view(heard: Heard) -> AppealView:
    one, answer = heard.appeal, heard.answer
    view = AppealView(
        id=one.id, unit=one.origin, hub=one.to[0], month=one.month, person=one.person, text=one.text, about=one.about,
        sent_at=one.sent_at,
    )  # fmt: skip
    if answer is not None:
        view.answer, view.answered_at, view.reason, view.lines = answer.id, answer.sent_at, answer.reason, answer.lines
    return view


_APPEALS: Final = "/api/v1/nodes/{code}/appeals"
_ERRORS: Final = (400, 401, 403, 409, 422)
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=_APPEALS, handle=appeal, summary="积分申诉 / Appeal about points",
        body=AppealRequest, answer=Said, status=201, again=200, errors=_ERRORS,
    ),
    Endpoint(
        method="GET", path=_APPEALS, handle=list_appeals, summary="申诉列表 / List appeals", query=AppealQuery,
        answer=list[AppealView],
    ),
)  # fmt: skip
