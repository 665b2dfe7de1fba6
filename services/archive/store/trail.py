"""Reading one message and what others said of it."""

from typing import Any, Final
from uuid import UUID

from services.archive.domain.trail import Related, Subject
from services.kit.db import Database

MAX_RELATED: Final = 500
"""Steps of one trail that are read; a message answered more often shows the first ones found."""


class TrailReader:
    """Reads stored messages on behalf of readers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._q = database.queries

    async def message(self, id: UUID, reader: str) -> bytes | None:
        """Return the exact bytes of a message; None where there is none that the reader may see."""
        async with self._database.connection() as connection:
            row = await self._q.message_for(connection, id=id, reader=reader)
        return None if row is None else row["envelope"]

    async def trail(self, id: UUID, reader: str) -> tuple[Subject, list[Related]] | None:
        """Return a message, stored or refused, and everything that says something of it."""
        async with self._database.connection() as connection:
            row: Any = await self._q.message_for(connection, id=id, reader=reader)
            refused = row is None
            if refused:
                row = await self._q.refused_for(connection, id=id, reader=reader)
            if row is None:
                return None
            related = [r async for r in self._q.related(connection, id=id, reader=reader, limit=MAX_RELATED)]
        subject = Subject(
            id=id,
            origin=row["origin"],
            digest=row["digest"].hex(),
            stored_at=row["stored_at"],
            envelope=row["envelope"],
            refused=refused,
        )
        return subject, [Related(**dict(r)) for r in related]
