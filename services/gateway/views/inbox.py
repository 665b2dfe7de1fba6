"""Receiving: the inbox, opening, decisions of a hub, exports and the way of a message."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import unpack
from proto.messages import KINDS, Decision, PublicationRef, Receipt, Report, ReportContent, Role, Verdict
from proto.messages.base import check_decimal
from services.gateway.desk import DESK, Desk
from services.gateway.domain.decisions import DecisionError, check_decision
from services.gateway.domain.receipts import part_of
from services.gateway.domain.reports import outgoing
from services.gateway.store.inbox import InboxMessage
from services.gateway.views.auth import Principal, member
from services.gateway.views.items import checked_words, item_id
from services.gateway.views.originals import OriginalView, originals
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import ProblemError, not_found

Kind = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(KINDS)})$(?!\n)")]
"""A kind of message."""


class InboxQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages."""

    kind: Kind | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class InboxView(msgspec.Struct, kw_only=True):
    """A received message; both times are shown (Art. 8)."""

    id: UUID
    kind: str
    origin: str
    origin_name: str
    about: UUID | None
    title: str
    sent_at: datetime
    received_at: datetime
    opened_at: datetime | None
    opened_by: str | None
    shared: bool  # a receipt that also holds entries of other units: only your own are shown, and it is not exported
    content: ReportContent | None = None  # of a report, not in lists
    forwarded: list[OriginalView] = []  # what came inside a report, not in lists (转报原件)
    message: msgspec.Raw | None = None  # of another kind, not in lists; of a receipt your own entries


class ItemShare(msgspec.Struct, forbid_unknown_fields=True):
    """A report under a decision."""

    report: UUID
    share: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        check_decimal(self.share, -1, 1)  # finite, of few places; what the shares must add up to is the domain's rule


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """采编结果."""

    verdict: Verdict
    items: Annotated[list[ItemShare], msgspec.Meta(max_length=100)] = []
    publication: PublicationRef | None = None
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    reverses: UUID | None = None  # the decision that a reversal takes back


class Decided(msgspec.Struct):
    """The decision that was stored and will be sent."""

    decision: UUID
    reports: list[UUID]


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


async def list_inbox(request: web.Request, _: None) -> list[InboxView]:
    """List what was received."""
    who = await member(request)
    desk = request.app[DESK]
    query: InboxQuery = query_of(request, InboxQuery)
    kinds = [query.kind] if query.kind else list(KINDS)
    return [_view(desk, m) for m in await desk.inbox.page(who.node, kinds, query.before, query.limit)]


async def one_message(request: web.Request, _: None) -> InboxView:
    """Show one received message; this does not count as opening it."""
    who = await member(request)
    desk = request.app[DESK]
    found = await desk.inbox.one(who.node, item_id(request))
    if found is None:
        raise not_found("message.unknown")
    return _full(desk, found)


async def open_message(request: web.Request, _: None) -> InboxView:
    """Open a message: the sender learns of the first time (回执)."""
    who = await member(request)
    desk = request.app[DESK]
    found = await desk.inbox.one(who.node, item_id(request))
    if found is None:
        raise not_found("message.unknown")
    if await desk.inbox.open(who.node, found.id, who.person, desk.clock()):
        desk.receipts_due.notify()
    return _full(desk, await desk.inbox.one(who.node, found.id) or found)


async def decide(request: web.Request, read: Read[DecisionRequest]) -> Decided:
    """Return or decline reports, which their origins learn at once, or reverse a decision that was told (Art. 13).

    Adopting and merging go into an issue (``views/issues.py``) and are told when that is final.
    """
    who = await member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    appears = body.publication
    await checked_words(desk, who, body.reason, *((appears.series, appears.issue) if appears else ()))
    if body.verdict in _ELSEWHERE:
        raise ProblemError(422, *_ELSEWHERE[body.verdict])
    desk.outbox.check_room()
    shares = [(i.report, i.share) for i in body.items]
    try:
        async with desk.db.transaction() as connection:
            await desk.outbox.lock(connection)
            if body.verdict is Verdict.REVERSED:
                decision = await _reversal(desk, connection, who, body)
            else:
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
                decision = _decision(desk, who, body, items, id=desk.new_id())
                await desk.inbox.decide(connection, who.node, decision.id, body.verdict, reports)
            messages = [outgoing(desk.state, desk.keys[who.node], decision, now=decision.sent_at)]
            await desk.outbox.add(connection, messages)
    except DecisionError as error:
        raise ProblemError(422, error.code, error.zh, error.en) from error
    desk.outbox.added(messages)
    return Decided(decision.id, [item.report for item in decision.items])


async def _reversal(desk: Desk, connection: Any, who: Principal, body: DecisionRequest) -> Decision:
    if body.reverses is None or not body.reason.strip():
        raise DecisionError(
            "decision.reversal", "冲正须注明原采编结果和理由", "A reversal names its decision and a reason"
        )
    stored = await desk.db.queries.sent_message(connection, id=body.reverses, node=who.node)
    reversal = desk.new_id()
    freed = await desk.inbox.undecide(connection, who.node, body.reverses, reversal)
    freed = freed or await desk.selections.take_back(connection, who.node, body.reverses, reversal)
    if not freed and await desk.selections.one(connection, who.node, body.reverses):
        raise DecisionError("selection.told", "请先冲正该项选送的结果", "Reverse the outcome of the selection first")
    if not freed or stored is None:
        raise DecisionError("decision.not_in_force", "没有生效的该采编结果", "There is no such decision in force")
    original = codec.decode(unpack(stored["body"]))
    if not isinstance(original, Decision):
        raise DecisionError("decision.not_in_force", "没有生效的该采编结果", "There is no such decision in force")
    return _decision(desk, who, body, original.items, id=reversal, about=original.id)


def _decision(
    desk: Desk, who: Principal, body: DecisionRequest, items: tuple[Any, ...], *, id: UUID, about: UUID | None = None
) -> Decision:
    return Decision(
        id=id,
        origin=who.node,
        to=tuple(dict.fromkeys(item.origin for item in items)),
        sent_at=desk.clock(),
        about=about,
        verdict=body.verdict,
        items=items,
        publication=body.publication,
        editor=who.person,
        reason=body.reason,
    )


async def export(request: web.Request, _: None) -> web.Response:
    """Return a message that the unit sent or received as DSSE JSON, verifiable by any DSSE tool.

    A receipt that holds entries of other units is not exported: its signed bytes would show them.
    """
    who = await member(request)
    desk = request.app[DESK]
    message_id = item_id(request)
    async with desk.db.connection() as connection:
        sent = await desk.db.queries.sent_message(connection, id=message_id, node=who.node)
    received = await desk.inbox.one(who.node, message_id) if sent is None else None
    if received is not None and not received.whole:
        raise ProblemError(
            403,
            "receipt.shared",
            "此回执兼及其他单位，不能导出；请在流转轨迹中查看已验签的回执",
            "This receipt also concerns other units and is not exported; the message's trail shows your entry, verified",
        )
    body = sent["body"] if sent is not None else received.body if received is not None else None
    if body is None:
        raise not_found("message.unknown")
    return web.Response(body=unpack(body).json(), content_type="application/json")


def _view(desk: Desk, message: InboxMessage) -> InboxView:
    node = desk.state.node(message.origin)
    return InboxView(
        id=message.id,
        kind=message.kind,
        origin=message.origin,
        origin_name=node.name if node else message.origin,
        about=message.about,
        title=message.title,
        sent_at=message.sent_at,
        received_at=message.received_at,
        opened_at=message.opened_at,
        opened_by=message.opened_by,
        shared=not message.whole,
    )


def _full(desk: Desk, message: InboxMessage) -> InboxView:
    view = _view(desk, message)
    envelope = unpack(message.body)
    match codec.decode(envelope):
        case Report() as report:
            view.content = codec.decode_content(report.content)
            view.forwarded = originals(desk, report)
        case Receipt() as receipt:
            view.message = part_of(receipt, message.node, message.entries or ())
        case _:
            view.message = msgspec.Raw(envelope.payload)
    return view


_NODE: Final = "/api/v1/nodes/{code}"
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path=f"{_NODE}/inbox", handle=list_inbox, summary="收件箱 / Inbox", query=InboxQuery,
        answer=list[InboxView],
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/inbox/{{id}}", handle=one_message, summary="查看来件 / Look at a message",
        answer=InboxView,
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/inbox/{{id}}/open", handle=open_message,
        summary="打开来件（发出已阅回执）/ Open a message, which tells its sender", answer=InboxView,
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/decisions", handle=decide,
        summary="退改、不采用、冲正 / Return, decline, reverse", body=DecisionRequest,
        answer=Decided, status=201, errors=(400, 401, 403, 422),
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/messages/{{id}}", handle=export, summary="导出报文（DSSE）/ Export a message (DSSE)",
        answer=dict[str, Any],
    ),
)  # fmt: skip
