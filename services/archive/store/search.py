"""Searching documents."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from services.kit.db import Database
from services.kit.errors import UnavailableError


class Filters(Struct, frozen=True, kw_only=True):
    """What is asked besides the words; None leaves a thing open."""

    origin: str | None = None  # a unit, or the beginning of codes where ``subtree``
    subtree: bool = False
    category: str | None = None
    stage: str | None = None
    urgency: str | None = None
    importance: str | None = None
    research: bool | None = None
    adopted: bool | None = None
    sent_from: datetime | None = None  # inclusive
    sent_before: datetime | None = None  # exclusive


class Found(Struct, frozen=True, kw_only=True):
    """A document on a result page."""

    id: UUID
    origin: str
    title: str
    body: str
    category: str
    sent_at: datetime
    adopted: bool
    same_as: tuple[UUID, ...]  # documents of other units with the same text, as far as the reader may see them


class Searcher:
    """Reads documents on behalf of readers."""

    def __init__(self, database: Database, *, seconds: float, at_once: int) -> None:
        self._database = database
        self._q = database.queries
        self._turns = asyncio.Semaphore(at_once)  # so that storing always finds a connection
        self._milliseconds = str(int(seconds * 1000))

    async def find(
        self,
        reader: str,
        *,
        tsquery: str | None,
        phrases: Sequence[str],
        banned: Sequence[str],
        filters: Filters,
        by_relevance: bool,
        limit: int,
        offset: int,
    ) -> tuple[int, list[Found]]:
        """Return the total and one page. ``UnavailableError`` where the search takes too long."""
        try:
            async with self._turns, self._database.transaction() as connection:
                await self._q.limit_reading(connection, milliseconds=self._milliseconds)
                found_rows = self._q.find(
                    connection,
                    reader=reader,
                    tsquery=tsquery,
                    phrases=list(phrases),
                    banned=list(banned),
                    by_relevance=by_relevance and tsquery is not None,
                    limit=limit,
                    offset=offset,
                    origin=filters.origin,
                    subtree=filters.subtree,
                    category=filters.category,
                    stage=filters.stage,
                    urgency=filters.urgency,
                    importance=filters.importance,
                    research=filters.research,
                    adopted=filters.adopted,
                    sent_from=filters.sent_from,
                    sent_before=filters.sent_before,
                )
                rows = [row async for row in found_rows]
        except asyncpg.QueryCanceledError as error:
            raise UnavailableError("search took too long") from error
        found = [
            Found(
                id=row["id"],
                origin=row["origin"],
                title=row["title"],
                body=row["body"],
                category=row["category"],
                sent_at=row["sent_at"],
                adopted=row["adopted"],
                same_as=tuple(row["same_as"]),
            )
            for row in rows
            if row["id"] is not None
        ]
        return rows[0]["total"], found
