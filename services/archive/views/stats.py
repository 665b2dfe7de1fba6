"""Counts and refused messages over HTTP, for the operator."""

from aiohttp import web
from msgspec import Struct

from proto.limits import YEARS
from proto.messages.base import Time
from services.archive.store.stats import RefusedMessage, Stats, StatsReader
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import invalid


class StatsParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted."""

    since: Time | None = None  # messages sent at or after; RFC 3339 with zone


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
                query=StatsParams,
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
        """Return the counts."""
        self._access.operator(request)
        params: StatsParams = query_of(request, StatsParams)
        if params.since is not None and not YEARS[0] <= params.since.year <= YEARS[1]:
            raise invalid(f"since: year outside {YEARS[0]} to {YEARS[1]}")
        return await self._reader.stats(params.since)

    async def refused(self, request: web.Request, _: None) -> RefusedAnswer:
        """Return the newest refused messages."""
        self._access.operator(request)
        return RefusedAnswer(refused=await self._reader.refused())
