"""积分调整: a lead of a hub takes points away by a rule or answers an appeal, and takes that back (冲正)."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.limits import MAX_ITEMS, MAX_NOTE_CHARS
from proto.messages import Adjustment, AdjustmentLine, Appeal, Decision, Message
from services.gateway.desk import DESK, Desk
from services.gateway.domain.adjustments import check_adjustment, check_reason, reversal_of
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.papers import reporting_to
from services.gateway.views.auth import Principal
from services.gateway.views.hub import LEADS, hub_member, refusal_of
from services.gateway.views.items import checked_words, item_id
from services.gateway.views.saying import Said, say
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError, not_found

_Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]


class AdjustmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Deductions from a unit, or the answer to an appeal."""

    lines: Annotated[tuple[AdjustmentLine, ...], msgspec.Meta(max_length=MAX_ITEMS)]
    reason: _Note
    about: UUID | None = None  # the appeal
    id: UUID | None = None  # the client's own id, so that trying again does not count twice


class ReversalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """冲正."""

    reason: _Note
    id: UUID | None = None


async def adjust(request: web.Request, read: Read[AdjustmentRequest]) -> Said | web.Response:
    """Take points away by a rule, or answer an appeal; a lead decides, the unit's key signs.

    Asked of the score first: a line that the score ignores would stand as the answer to an appeal until it is taken back.
    """
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.reason, *(line.rule for line in body.lines))
    await _check_with_score(desk, who, body)

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        appeal = await _checked(desk, connection, who, body, now)
        unit = appeal.origin if appeal else body.lines[0].unit
        return Adjustment(
            id=id, origin=who.node, to=(unit,), sent_at=now, about=body.about, lines=body.lines, person=who.person,
            reason=body.reason,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


async def reverse(request: web.Request, read: Read[ReversalRequest]) -> Said | web.Response:
    """Take back an adjustment that the hub made; an appeal that it answered is open again."""
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.reason)
    about = item_id(request)

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        check_reason(body.reason)
        adjustment = await desk.messages.sent(connection, who.node, about, Adjustment)
        if adjustment is None:
            raise not_found("adjustment.unknown", "本单位没有作出该项调整", "This hub made no such adjustment")
        if await desk.messages.is_refused(connection, about):
            raise ProblemError(
                409, "adjustment.refused", "该项调整已被拒收，无须冲正", "The network refused this adjustment: it never counted"
            )  # fmt: skip
        if await desk.messages.sent_about(connection, who.node, Decision, [about]):
            raise ProblemError(409, "adjustment.reversed", "该项调整已冲正", "This adjustment has been taken back")
        return reversal_of(adjustment, id=id, editor=who.person, reason=body.reason, at=now)

    return await say(request, who, body, body.id, make)


async def _check_with_score(desk: Desk, who: Principal, body: AdjustmentRequest) -> None:
    """Refuse what may not be said here, then what the score would ignore; what was said before is not asked about again."""
    async with desk.db.connection() as connection:
        if body.id is not None and await desk.messages.attempt(connection, who.node, body.id) is not None:
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
        now=now,
    )
    return appeal


async def _appeal(desk: Desk, connection: Any, who: Principal, about: UUID) -> Appeal:
    """Return the appeal that waits for an answer."""
    heard = await desk.messages.appeal(connection, who.node, about)
    if heard is None:
        raise ProblemError(422, "appeal.unknown", "没有收到该申诉", "No such appeal came to this hub")
    if heard.answer is not None:
        raise ProblemError(409, "appeal.answered", "该申诉已答复", "This appeal has been answered")
    return heard.appeal


_ADJUSTMENTS: Final = "/api/v1/nodes/{code}/adjustments"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=_ADJUSTMENTS, handle=adjust, summary="积分扣减，或答复申诉 / Deduct points, or answer an appeal",
        body=AdjustmentRequest, answer=Said, status=201, again=200, errors=(400, 401, 403, 409, 422),
    ),
    Endpoint(
        method="POST", path=f"{_ADJUSTMENTS}/{{id}}/reverse", handle=reverse,
        summary="冲正积分调整 / Take an adjustment back", body=ReversalRequest, answer=Said, status=201, again=200,
        errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
