"""What a unit said and what it was told, decoded: each question about messages on record is asked here, in one way.

What the network refused was never said; what was taken back (冲正) answers nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import Envelope, unpack
from proto.messages import Adjustment, Appeal, Message
from services.kit.db import Database

M = TypeVar("M", bound=Message)


class Attempt(Struct, frozen=True, kw_only=True):
    """What a client said under an id of its own."""

    digest: str  # SHA-256 of the request
    message: UUID


class Heard(Struct, frozen=True, kw_only=True):
    """An appeal, and the answer to it that is in force."""

    appeal: Appeal
    answer: Adjustment | None


class Messages:
    """Reads what was sent and received, within the caller's transaction where a connection is given."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def envelope(self, node: str, id: UUID) -> Envelope | None:
        """Return a message that a node sent, as it travels."""
        async with self._db.connection() as connection:
            row = await self._q.sent_message(connection, id=id, node=node)
        return unpack(row["body"]) if row else None

    async def page(
        self, node: str, kind: str, *, after: UUID | None, count: int, most: int
    ) -> list[tuple[UUID, bytes]]:
        """Return ids and bytes of what a node sent and received of a kind, in order; a page ends at ``most`` bytes."""
        async with self._db.connection() as connection:
            rows = self._q.held_page(connection, node=node, kind=kind, after=after, limit=count, most=most)
            return [(row["id"], row["body"]) async for row in rows]

    async def sent(self, connection: Any, node: str, id: UUID, *kinds: type[M]) -> M | None:
        """Return a message of these kinds that a node sent."""
        row = await self._q.sent_message(connection, id=id, node=node)
        return _read(row["body"], kinds) if row else None

    async def received(self, connection: Any, node: str, id: UUID, *kinds: type[M]) -> M | None:
        """Return a message of these kinds that a node received."""
        row = await self._q.inbox_message(connection, node=node, id=id)
        return _read(row["body"], kinds) if row else None

    async def sent_about(self, connection: Any, node: str, kind: type[M], abouts: Collection[UUID]) -> list[M]:
        """Return what a node sent of a kind about other messages, the oldest first, without what the network refused."""
        rows = self._q.sent_about(connection, node=node, kind=kind.kind(), abouts=list(abouts), router=ROUTER_CODE)
        return [found async for row in rows if (found := _read(row["body"], (kind,))) is not None]

    async def received_about(self, connection: Any, node: str, kind: type[M], abouts: Collection[UUID]) -> list[M]:
        """Return what a node received of a kind about other messages, the oldest first."""
        rows = self._q.received_about(connection, node=node, kind=kind.kind(), abouts=list(abouts))
        return [found async for row in rows if (found := _read(row["body"], (kind,))) is not None]

    async def is_refused(self, connection: Any, id: UUID) -> bool:
        """Tell whether the network refused a message."""
        return bool([row async for row in self._q.refused_among(connection, ids=[id], router=ROUTER_CODE)])

    async def questions_since(self, connection: Any, hub: str, since: datetime) -> int:
        """Return how many questions about reports (核实) a hub has asked since a time."""
        count: int = await self._q.count_questions(connection, node=hub, since=since)
        return count

    async def appeals(
        self, node: str, *, made: bool, unanswered: bool, before: UUID | None, count: int
    ) -> Sequence[Heard]:
        """Return the appeals that a unit ``made``, else those that came to a hub, the newest first."""
        chosen = {"node": node, "unanswered": unanswered, "before": before, "count": count}
        async with self._db.connection() as connection:
            rows = (
                self._q.appeals_made(connection, **chosen)
                if made
                else self._q.appeals_received(connection, **chosen, id=None, router=ROUTER_CODE)
            )
            return [_heard(row) async for row in rows]

    async def appeal(self, connection: Any, hub: str, id: UUID) -> Heard | None:
        """Return an appeal that came to a hub."""
        rows = self._q.appeals_received(
            connection, node=hub, id=id, unanswered=False, before=None, count=1, router=ROUTER_CODE
        )
        found = [_heard(row) async for row in rows]
        return found[0] if found else None

    async def attempt(self, connection: Any, node: str, id: UUID) -> Attempt | None:
        """Return what was said under a client's own id."""
        row = await self._q.attempt(connection, node=node, id=id)
        return Attempt(**row) if row else None

    async def add_attempt(self, connection: Any, node: str, id: UUID, attempt: Attempt) -> None:
        """Remember what was said under a client's own id."""
        await self._q.add_attempt(connection, node=node, id=id, digest=attempt.digest, message=attempt.message)


def _read(body: bytes, kinds: tuple[type[M], ...]) -> M | None:
    message = codec.decode(unpack(body))
    return message if isinstance(message, kinds) else None


def _heard(row: Any) -> Heard:
    appeal = _read(row["body"], (Appeal,))
    if appeal is None:
        raise TypeError(row["id"])  # the query asks for appeals
    return Heard(appeal=appeal, answer=_read(row["answer"], (Adjustment,)) if row["answer"] else None)
