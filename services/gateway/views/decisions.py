"""采编结果: a hub returns or declines reports, or takes back what it decided; their origins learn of it at once (Art. 13).

Adopting and merging go into an issue (``issue_items.py``) and are told when that is final (``issue_final.py``).
"""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.messages import DecidedItem, Decision, Message, PublicationRef, Role, Verdict
from services.gateway.desk import DESK, Desk
from services.gateway.domain.decisions import DecisionError, check_decision, check_reversal, no_such_decision
from services.gateway.views.auth import Principal, member
from services.gateway.views.hub import ItemShare
from services.gateway.views.items import checked_words
from services.gateway.views.saying import Said, say
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """采编结果."""

    verdict: Verdict
    items: Annotated[list[ItemShare], msgspec.Meta(max_length=100)] = []
    publication: PublicationRef | None = None
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    reverses: UUID | None = None  # the decision that a reversal takes back
    id: UUID | None = None  # the client's own id, so that trying again does not decide twice


_NEEDS_ISSUE: Final = (
    "decision.needs_issue",
    "采用、综合采用须编入一期刊物，定版后生效",
    "Adopting and merging go into an issue and are told when it is final: POST …/issues/{id}/items",
)
_ELSEWHERE: Final = {
    Verdict.ADOPTED: _NEEDS_ISSUE,
    Verdict.MERGED: _NEEDS_ISSUE,
    Verdict.SELECTED: (
        "decision.needs_forward",
        "选送须通过转报或上报办理",
        "Selecting is done by forwarding: POST …/forwards or …/selections",
    ),
}
"""What is decided in another way: code, Chinese, English."""


async def decide(request: web.Request, read: Read[DecisionRequest]) -> Said | web.Response:
    """Return or decline reports, or reverse a decision that was told."""
    who = await member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    appears = body.publication
    await checked_words(desk, who, body.reason, *((appears.series, appears.issue) if appears else ()))
    if body.verdict in _ELSEWHERE:
        raise ProblemError(422, *_ELSEWHERE[body.verdict])

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        reversing = body.verdict is Verdict.REVERSED
        items = await (_taken_back if reversing else _decided)(desk, connection, who, body, id)
        return Decision(
            id=id, origin=who.node, to=tuple(dict.fromkeys(item.origin for item in items)), sent_at=now,
            about=body.reverses if reversing else None, verdict=body.verdict, items=items, editor=who.person,
            reason=body.reason,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


async def _decided(
    desk: Desk, connection: Any, who: Principal, body: DecisionRequest, id: UUID
) -> tuple[DecidedItem, ...]:
    """Note the decision; return its items."""
    shares = [(one.report, one.share) for one in body.items]
    reports = [report for report, _ in shares]
    items = check_decision(
        body.verdict,
        shares,
        origins=await desk.inbox.origins(connection, who.node, reports),
        decided=await desk.inbox.decided(connection, who.node, reports),
        held=await desk.intake.held(connection, who.node, reports),
        publication=body.publication,
        reason=body.reason,
    )
    await desk.inbox.decide(connection, who.node, id, body.verdict, reports)
    return items


async def _taken_back(
    desk: Desk, connection: Any, who: Principal, body: DecisionRequest, id: UUID
) -> tuple[DecidedItem, ...]:
    """Take back a decision, a selection or the outcome of one; return its items."""
    extra = bool(body.items) or body.publication is not None
    reverses = check_reversal(body.reverses, body.reason, extra=extra)
    freed = await desk.inbox.undecide(connection, who.node, reverses, id)
    freed = freed or await desk.selections.take_back(connection, who.node, reverses, id)
    if not freed and await desk.selections.one(connection, who.node, reverses):
        raise DecisionError("selection.told", "请先冲正该项选送的结果", "Reverse the outcome of the selection first")
    original = await desk.messages.sent(connection, who.node, reverses, Decision) if freed else None
    if original is None:
        raise no_such_decision()
    return original.items


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path="/api/v1/nodes/{code}/decisions", handle=decide,
        summary="退改、不采用、冲正 / Return, decline, reverse", body=DecisionRequest, answer=Said, status=201, again=200,
        errors=(400, 401, 403, 409, 422),
    ),
)  # fmt: skip
