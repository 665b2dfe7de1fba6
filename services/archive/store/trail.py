"""Reading one message and what others said of it."""

from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from services.archive.domain.trail import Related, Subject
from services.kit.db import Database
from services.kit.web.exports import PAGE_BYTES

MAX_RELATED: Final = 500
"""Steps of one trail that are read; a message answered more often shows the first ones stored."""


class Stored(Struct, frozen=True, kw_only=True):
    """A message as it travelled, for its export."""

    kind: str
    origin: str
    recipients: tuple[str, ...]
    envelope: bytes  # exact


class TrailReader:
    """Reads stored messages on behalf of readers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._q = database.queries

    async def message(self, id: UUID, reader: str) -> Stored | None:
        """Return a message; None where there is none that the reader may see."""
        async with self._database.connection() as connection:
            row = await self._q.message_for(connection, id=id, reader=reader)
        if row is None:
            return None
        return Stored(
            kind=row["kind"], origin=row["origin"], recipients=tuple(row["recipients"]), envelope=row["envelope"]
        )

    async def page(self, kind: str, *, reader: str | None, after: UUID | None, limit: int) -> list[tuple[UUID, bytes]]:
        """Return ids and exact bytes of messages of a kind that a reader may see, the oldest after ``after`` first."""
        async with self._database.connection() as connection:
            rows = self._q.messages_page(
                connection, kind=kind, reader=reader, after=after, limit=limit, most=PAGE_BYTES
            )
            return [(row["id"], row["envelope"]) async for row in rows]

    async def trail(self, id: UUID, reader: str) -> tuple[Subject, list[Related]] | None:
        """Return a message, stored or refused, and everything that says something of it."""
        async with self._database.connection() as connection:
            row: Any = await self._q.message_for(connection, id=id, reader=reader)
            refused = row is None
            if refused:
                row = await self._q.refused_for(connection, id=id, reader=reader)
            if row is None:
                return None
            rows = self._q.related(
                connection,
                id=id,
                digest=row["digest"],
                recipients=[] if refused else row["recipients"],
                router=ROUTER_CODE,
                reader=reader,
                limit=MAX_RELATED,
            )
            related = [Related(**dict(r)) async for r in rows]
        subject = Subject(
            id=id,
            origin=row["origin"],
            digest=row["digest"].hex(),
            stored_at=row["stored_at"],
            envelope=row["envelope"],
            refused=refused,
        )
        return subject, related
