"""For operators: accounts, sealed registry messages, the state of the line. No report text passes here (Art. 17)."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import digest_of, from_json
from proto.errors import Reason
from proto.messages import Directory, NodeKind, Roster
from services.gateway.desk import DESK
from services.gateway.domain.reports import Sealed
from services.gateway.store.accounts import Account
from services.gateway.store.inbox import Conflict
from services.gateway.views.auth import member, operator
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import not_found, refused
from services.kit.web.since import Since


class NodeView(msgspec.Struct):
    """A hosted unit and its line (在线/离线, 待发 n)."""

    code: str
    name: str
    type: NodeKind | None
    online: bool
    waiting: int  # messages not yet confirmed by the broker
    enrolled: bool  # in the directory, with a key that this gateway holds


class Stats(msgspec.Struct):
    """What happened here since a time."""

    items: int
    blocked: int  # classified, stopped at the origin
    waiting: int


_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
_CONFLICTS: Final = 100


async def put_accounts(request: web.Request, read: Read[list[Account]]) -> None:
    """Create or replace accounts of hosted units; passwords arrive hashed, keys encrypted."""
    operator(request)
    desk = request.app[DESK]
    body = await read()
    if any(a.node not in desk.keys for a in body):
        raise not_found("node.not_hosted", "该单位不在本网关", "That unit is not hosted here")
    await desk.accounts.put(body)


async def put_envelope(request: web.Request, _: None) -> None:
    """Send a sealed directory or roster of a hosted unit on its way."""
    operator(request)
    desk = request.app[DESK]
    envelope = from_json(await request.read())
    message = codec.decode(envelope)
    if not isinstance(message, Directory | Roster):
        raise refused(Reason.PAYLOAD_UNKNOWN_KIND, "not a registry message")
    if message.origin not in desk.keys:
        raise not_found("node.not_hosted", "该单位不在本网关", "That unit is not hosted here")
    await desk.registry.take(envelope)
    body = envelope.packed()
    sealed = Sealed(
        id=message.id,
        node=message.origin,
        kind=message.kind(),
        about=None,
        to=(),
        sent_at=message.sent_at,
        body=body,
        digest=digest_of(body),
    )
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        if await desk.messages.sent(connection, sealed.node, sealed.id, type(message)) is not None:
            return
        await desk.outbox.add(connection, [sealed])
    desk.outbox.added([sealed])


async def list_nodes(request: web.Request, _: None) -> list[NodeView]:
    """List the hosted units and their line."""
    operator(request)
    desk = request.app[DESK]
    return [_node_view(request, code) for code in desk.keys]


async def one_node(request: web.Request, _: None) -> NodeView:
    """Show the signed-in member's own unit and its line."""
    who = await member(request)
    return _node_view(request, who.node)


async def conflicts(request: web.Request, _: None) -> list[Conflict]:
    """List the newest messages that came under another message's id; their bytes are kept as evidence."""
    operator(request)
    desk = request.app[DESK]
    return await desk.inbox.conflicts(list(desk.keys), _CONFLICTS)


async def stats(request: web.Request, _: None) -> Stats:
    """Count items, and what was stopped here."""
    operator(request)
    desk = request.app[DESK]
    query: Since = query_of(request, Since)
    since = query.since or _EVER
    events = await desk.items.count_events(since)
    return Stats(await desk.items.count_sent(since), events.get(Reason.REPORT_CLASSIFIED.value, 0), desk.outbox.total)


def _node_view(request: web.Request, code: str) -> NodeView:
    desk = request.app[DESK]
    node = desk.state.node(code)
    enrolled = node is not None and any(k.keyid == desk.keys[code].keyid for k in node.keys)
    return NodeView(
        code,
        node.name if node else "",
        node.type if node else None,
        desk.bus.online,
        desk.outbox.waiting(code),
        enrolled,
    )


ENDPOINTS: Final = (
    Endpoint(method="GET", path="/api/v1/nodes", handle=list_nodes, summary="本网关各单位 / Hosted units", answer=list[NodeView]),
    Endpoint(method="GET", path="/api/v1/nodes/{code}", handle=one_node, summary="本单位线路 / My unit's line", answer=NodeView),
    Endpoint(
        method="PUT", path="/api/v1/accounts", handle=put_accounts, summary="建立账号 / Put accounts", body=list[Account],
        status=204,
    ),
    Endpoint(
        method="POST", path="/api/v1/envelopes", handle=put_envelope,
        summary="发布名录或名册 / Publish a sealed directory or roster", status=204, errors=(400, 401, 403, 404, 422),
    ),
    Endpoint(
        method="GET", path="/api/v1/conflicts", handle=conflicts,
        summary="以同一编号收到的不同报文 / Other bytes under a known id", answer=list[Conflict],
    ),
    Endpoint(method="GET", path="/api/v1/stats", handle=stats, summary="统计 / Statistics", query=Since, answer=Stats),
)  # fmt: skip
