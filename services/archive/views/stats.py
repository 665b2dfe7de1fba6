"""Counts and refused messages over HTTP, for the operator."""

from aiohttp import web
from msgspec import Struct

from services.archive.store.stats import RefusedMessage, Stats, StatsReader
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, query_of
from services.kit.web.since import Since


class RefusedAnswer(Struct, frozen=True, kw_only=True):
    """The newest refused messages."""

    refused: list[RefusedMessage]


class StatsViews:
    """GET /api/v1/stats and /api/v1/refused."""

    def __init__(self, reader: StatsReader, access: Access) -> None:
        self._reader = reader
        self._access = access

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of this view."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/stats",
                handle=self.stats,
                summary="资源库统计 / What the repository holds",
                query=Since,
                answer=Stats,
                errors=(400, 401, 403),
            ),
            Endpoint(
                method="GET",
                path="/api/v1/refused",
                handle=self.refused,
                summary="最近被拒收的报文 / The newest refused messages",
                answer=RefusedAnswer,
                errors=(401, 403),
            ),
        ]

    async def stats(self, request: web.Request, _: None) -> Stats:
        """Return the counts of messages sent since then."""
        self._access.operator(request)
        params: Since = query_of(request, Since)
        return await self._reader.stats(params.since)

    async def refused(self, request: web.Request, _: None) -> RefusedAnswer:
        """Return the newest refused messages."""
        self._access.operator(request)
        return RefusedAnswer(refused=await self._reader.refused())
