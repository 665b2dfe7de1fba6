"""What a unit holds, as it was signed: all that it sent and received, or one message, to be followed anew by whoever doubts."""

from typing import Any, Final

from aiohttp import web

from proto.envelope import unpack
from services.gateway.desk import DESK
from services.gateway.views.auth import member
from services.gateway.views.items import item_id
from services.kit.web.api import Endpoint, query_of
from services.kit.web.exports import PAGE_BYTES, ExportPage, ExportQuery, page_of
from services.kit.web.problem import ProblemError, not_found


async def held(request: web.Request, _: None) -> ExportPage:
    """Return a page of the messages of a kind that the unit sent or received."""
    who = await member(request)
    desk = request.app[DESK]
    query: ExportQuery = query_of(request, ExportQuery)
    return page_of(
        await desk.messages.page(who.node, query.kind, after=query.after, count=query.limit, most=PAGE_BYTES)
    )


async def export(request: web.Request, _: None) -> web.Response:
    """Return a message that the unit sent or received as DSSE JSON, verifiable by any DSSE tool.

    A receipt that holds entries of other units is not exported: its signed bytes would show them.
    """
    who = await member(request)
    desk = request.app[DESK]
    message = item_id(request)
    envelope = await desk.messages.envelope(who.node, message)
    if envelope is None:
        received = await desk.inbox.one(who.node, message)
        if received is None:
            raise not_found("message.unknown")
        if not received.whole:
            raise ProblemError(
                403,
                "receipt.shared",
                "此回执兼及其他单位，不能导出；请在流转轨迹中查看已验签的回执",
                "This receipt also concerns other units and is not exported; the message's trail shows your entry, verified",
            )
        envelope = unpack(received.body)
    return web.Response(body=envelope.json(), content_type="application/json")


_MESSAGES: Final = "/api/v1/nodes/{code}/messages"
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path=_MESSAGES, handle=held,
        summary="批量导出本单位收发的报文（DSSE JSON）/ Export what the unit sent and received, by kind", query=ExportQuery,
        answer=ExportPage,
    ),
    Endpoint(
        method="GET", path=f"{_MESSAGES}/{{id}}", handle=export, summary="导出报文（DSSE）/ Export a message (DSSE)",
        answer=dict[str, Any],
    ),
)  # fmt: skip
