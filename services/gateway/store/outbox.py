"""The outbox: what this gateway's nodes said and the broker has not yet confirmed (promises 1, 2, 7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from services.gateway.domain.reports import Sealed
from services.kit.db import Database
from services.kit.errors import UnavailableError

_FETCH_ROWS: Final = 500
_FETCH_BYTES: Final = 2_000_000


class Waiting(Struct, frozen=True, kw_only=True):
    """One message that waits for its confirm."""

    seq: int
    node: str
    id: UUID
    kind: str
    sent_at: datetime
    body: bytes


class Outbox:
    """Adds to, reads and clears the outbox; knows how much waits without asking the database."""

    def __init__(self, db: Database, nodes: Sequence[str], limit: int) -> None:
        self._db = db
        self._nodes = sorted(nodes)
        self._limit = limit
        self._waiting: dict[str, int] = {}
        self._total = 0

    async def load(self) -> None:
        """Count what waits from before."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._db.queries.count_outbox(connection, nodes=self._nodes)]
        self._waiting = {row["node"]: row["waiting"] for row in rows}
        self._total = sum(self._waiting.values())

    @property
    def place(self) -> str:
        """What processes that host the same units have in common: one of them relays."""
        return ",".join(self._nodes)

    @property
    def total(self) -> int:
        """How many messages wait."""
        return self._total

    def waiting(self, node: str) -> int:
        """How many messages of a node wait (待发)."""
        return self._waiting.get(node, 0)

    def check_room(self) -> None:
        """Raise ``UnavailableError`` where the outbox is full."""
        if self._total >= self._limit:
            raise UnavailableError("the outbox is full")

    async def lock(self, connection: Any) -> None:
        """Become the one writer until the transaction ends; messages are given ids and numbers under this lock."""
        await self._db.queries.lock_outbox(connection)

    async def add(self, connection: Any, messages: Sequence[Sealed]) -> None:
        """Add messages within the caller's transaction; call ``added`` once it has committed."""
        await self._db.queries.add_sent(
            connection,
            ids=[m.id for m in messages],
            nodes=[m.node for m in messages],
            kinds=[m.kind for m in messages],
            abouts=[m.about for m in messages],
            recipients=[",".join(m.to) for m in messages],
            sent_ats=[m.sent_at for m in messages],
            digests=[m.digest for m in messages],
            bodies=[m.body for m in messages],
        )

    def added(self, messages: Sequence[Sealed]) -> None:
        """Count messages whose transaction has committed."""
        for message in messages:
            self._waiting[message.node] = self._waiting.get(message.node, 0) + 1
        self._total += len(messages)

    async def after(self, seq: int) -> list[Waiting]:
        """Return the next waiting messages after a number, bounded in count and bytes."""
        async with self._db.connection() as connection:
            rows = [
                row
                async for row in self._db.queries.next_outbox(
                    connection, nodes=self._nodes, after=seq, count=_FETCH_ROWS, bytes=_FETCH_BYTES
                )
            ]
        return [Waiting(**row) for row in rows]

    async def confirmed(self, done: Sequence[Waiting]) -> list[None]:
        """Remove what the broker confirmed."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._db.queries.done_outbox(connection, seqs=[w.seq for w in done])]
        for row in rows:  # an earlier session may have removed some of them already
            self._waiting[row["node"]] = max(0, self._waiting.get(row["node"], 0) - 1)
        self._total = max(0, self._total - len(rows))
        return [None] * len(done)
