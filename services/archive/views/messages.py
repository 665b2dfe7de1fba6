"""Messages over HTTP: their export, one or many, and the way of one."""

import asyncio
from datetime import datetime
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from proto.envelope import Envelope, unpack
from proto.messages import Receipt
from proto.messages.base import Code
from services.archive.domain.trail import Step, steps
from services.archive.store.trail import TrailReader
from services.kit.trust.state import TrustState
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, query_of
from services.kit.web.exports import ExportPage, ExportQuery, page_of
from services.kit.web.problem import ProblemError, invalid, not_found


class ReaderParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As which node somebody reads."""

    reader: Code  # the token must stand for it


class ExportParams(ExportQuery, frozen=True, kw_only=True):
    """Which messages, as which node: what it sent or received."""

    reader: Code | None = None  # None: all, for the operator


class Trail(Struct, frozen=True, kw_only=True):
    """The way of one message (流转轨迹)."""

    id: UUID
    origin: str
    digest: str  # SHA-256 of the bytes as they travelled, hex
    stored_at: datetime
    refused: bool  # kept as evidence only
    steps: list[Step]


class MessageViews:
    """GET /api/v1/messages, /api/v1/messages/{id} and /api/v1/trail/{id}."""

    def __init__(self, reader: TrailReader, state: TrustState, access: Access) -> None:
        self._reader = reader
        self._state = state
        self._access = access

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of this view."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/messages",
                handle=self.messages,
                summary="批量导出报文（DSSE JSON）/ Export messages of a kind, the oldest first",
                query=ExportParams,
                answer=ExportPage,
                errors=(400, 401, 403),
            ),
            Endpoint(
                method="GET",
                path="/api/v1/messages/{id}",
                handle=self.message,
                summary="导出报文（DSSE JSON）/ Export a message as DSSE JSON",
                query=ReaderParams,
                answer=Envelope,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/trail/{id}",
                handle=self.trail,
                summary="报文流转轨迹 / The way of a message",
                query=ReaderParams,
                answer=Trail,
            ),
        ]

    async def messages(self, request: web.Request, _: None) -> ExportPage:
        """Return a page of what a node sent or received, or, for the operator, of all."""
        params: ExportParams = query_of(request, ExportParams)
        if params.reader is None:
            self._access.operator(request)
        else:
            self._access.reader(request, params.reader)
        return page_of(
            await self._reader.page(params.kind, reader=params.reader, after=params.after, limit=params.limit)
        )

    async def message(self, request: web.Request, _: None) -> web.Response:
        """Return the signed bytes in the form that any DSSE tool verifies; 404 also where the reader may not see it.

        A receipt that several units share is given to its origin alone: its signed bytes would show each unit what the
        others sent. The trail of each message shows the entry about it.
        """
        asked, reader = self._asked(request)
        found = await self._reader.message(asked, reader)
        if found is None:
            raise not_found()
        if found.kind == Receipt.kind() and reader != found.origin and set(found.recipients) != {reader}:
            raise ProblemError(
                403,
                "receipt.shared",
                "此回执兼及其他单位，不能导出；请在各报文的流转轨迹中查看已验签的回执",
                "This receipt also concerns other units and is not exported; each message's trail shows its entry, verified",
            )
        return web.Response(body=unpack(found.envelope).json(), content_type="application/json")

    async def trail(self, request: web.Request, _: None) -> Trail:
        """Return what happened to a message; for its origin and its recipients."""
        asked, reader = self._asked(request)
        found = await self._reader.trail(asked, reader)
        if found is None:
            raise not_found()
        subject, related = found
        return Trail(
            id=asked,
            origin=subject.origin,
            digest=subject.digest,
            stored_at=subject.stored_at,
            refused=subject.refused,
            steps=await asyncio.to_thread(steps, self._state, subject, related),
        )

    def _asked(self, request: web.Request) -> tuple[UUID, str]:
        params: ReaderParams = query_of(request, ReaderParams)
        reader = self._access.reader(request, params.reader)
        try:
            return UUID(request.match_info["id"]), reader
        except ValueError as error:
            raise invalid("id") from error
