"""All that a unit holds, in bulk: what it sent and what it received, to be followed anew by whoever doubts it."""

from typing import Final

from aiohttp import web

from services.gateway.desk import DESK
from services.gateway.views.auth import member
from services.kit.web.api import Endpoint, query_of
from services.kit.web.exports import PAGE_BYTES, ExportPage, ExportQuery, page_of


async def held(request: web.Request, _: None) -> ExportPage:
    """Return a page of the messages of a kind that the unit sent or received."""
    who = await member(request)
    desk = request.app[DESK]
    query: ExportQuery = query_of(request, ExportQuery)
    async with desk.db.connection() as connection:
        rows = desk.db.queries.held_page(
            connection, node=who.node, kind=query.kind, after=query.after, limit=query.limit, most=PAGE_BYTES
        )
        return page_of([(row["id"], row["body"]) async for row in rows])


ENDPOINTS: Final = (
    Endpoint(
        method="GET", path="/api/v1/nodes/{code}/messages", handle=held,
        summary="批量导出本单位收发的报文（DSSE JSON）/ Export what the unit sent and received, by kind", query=ExportQuery,
        answer=ExportPage,
    ),
)  # fmt: skip
