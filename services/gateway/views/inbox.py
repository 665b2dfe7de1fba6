"""Receiving: the inbox, and opening."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import unpack
from proto.messages import KINDS, Receipt, Report, ReportContent
from services.gateway.desk import DESK, Desk
from services.gateway.domain.receipts import part_of
from services.gateway.store.inbox import InboxMessage
from services.gateway.views.auth import member
from services.gateway.views.items import item_id
from services.gateway.views.originals import OriginalView, originals
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import not_found

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


def _view(desk: Desk, message: InboxMessage) -> InboxView:
    return InboxView(
        id=message.id,
        kind=message.kind,
        origin=message.origin,
        origin_name=desk.state.name_of(message.origin),
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
)  # fmt: skip
