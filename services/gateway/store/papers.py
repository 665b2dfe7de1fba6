"""Papers: what a hub's lead approves before it is said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from services.gateway.domain.papers import Draft, PaperKind, PaperState
from services.kit.db import Database


class Paper(Struct, frozen=True, kw_only=True):
    """One paper of a hub (文稿)."""

    id: UUID
    node: str
    kind: PaperKind
    state: PaperState
    subject: str  # what there is one of: a version, monthly/2026-10, a county
    content: str  # the text that the approval covers; empty in lists
    author: str  # who wrote it as it stands
    created_at: datetime
    updated_at: datetime
    approver: str | None
    approved_at: datetime | None
    message: UUID | None  # as which it was sent


class Papers:
    """Reads and writes papers; changes happen within the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def one(self, node: str, id: UUID) -> Paper | None:
        """Return one paper by its own id or its message's."""
        async with self._db.connection() as connection:
            row = await self._q.paper(connection, node=node, id=id)
        return _paper(row) if row else None

    async def page(
        self, node: str, kind: PaperKind | None, state: PaperState | None, before: UUID | None, count: int
    ) -> list[Paper]:
        """Return a page of a hub's papers, newest first, without their content."""
        async with self._db.connection() as connection:
            found = self._q.papers(connection, node=node, kind=kind, state=state, before=before, count=count)
            return [_paper(row) async for row in found]

    async def known(self, connection: Any, id: UUID) -> Paper | None:
        """Return the paper of an id, whosesoever it is."""
        row = await self._q.any_paper(connection, id=id)
        return _paper(row) if row else None

    async def for_update(self, connection: Any, node: str, id: UUID) -> Paper | None:
        """Return one paper and keep others from changing it until the transaction ends."""
        row = await self._q.paper_for_update(connection, node=node, id=id)
        return _paper(row) if row else None

    async def add(self, connection: Any, id: UUID, node: str, draft: Draft, *, author: str, at: datetime) -> None:
        """Store a draft."""
        await self._q.add_paper(
            connection, id=id, node=node, kind=draft.kind.value, subject=draft.subject, content=draft.content,
            author=author, at=at,
        )  # fmt: skip

    async def change(self, connection: Any, id: UUID, draft: Draft, *, author: str, at: datetime) -> None:
        """Change a draft."""
        await self._q.set_paper(connection, id=id, subject=draft.subject, content=draft.content, author=author, at=at)

    async def approve(self, connection: Any, id: UUID, *, approver: str, at: datetime, message: UUID) -> None:
        """Note the approval; from here on the paper stands, the database itself refuses any change."""
        await self._q.approve_paper(connection, id=id, approver=approver, at=at, message=message)

    async def drop(self, connection: Any, id: UUID) -> None:
        """Throw a draft away."""
        await self._q.drop_paper(connection, id=id)

    async def standing(self, connection: Any, node: str, kind: PaperKind, subject: str) -> UUID | None:
        """Return the approved paper on a subject; one that the network refused does not stand."""
        found: UUID | None = await self._q.standing_paper(
            connection, node=node, kind=kind.value, subject=subject, router=ROUTER_CODE
        )
        return found

    async def last_said(self, connection: Any, node: str, since: datetime) -> UUID | None:
        """Return as which message a hub's last paper since a time was sent; one that the network refused is none."""
        found: UUID | None = await self._q.last_said_paper(connection, node=node, since=since, router=ROUTER_CODE)
        return found

    async def titles(self, node: str, reports: Sequence[UUID]) -> dict[UUID, str]:
        """Return the titles of those of ``reports`` that the node received or sent."""
        async with self._db.connection() as connection:
            return {r["id"]: r["title"] async for r in self._q.titles(connection, node=node, reports=list(reports))}


def _paper(row: Any) -> Paper:
    return Paper(**{**row, "kind": PaperKind(row["kind"]), "state": PaperState(row["state"])})
