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
from proto.messages import Adjustment, Appeal, KeyPoints, Message
from services.gateway.domain.key_points import SKEW, month_named, references, said_within
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

    async def key_points_told(self, connection: Any, node: str, month: str) -> list[KeyPoints]:
        """Return the key points of a month that a node received, the oldest first."""
        since, until = said_within(month)
        rows = self._q.key_points_told(connection, node=node, since=since, until=until)
        return _of_month(month, [row["body"] async for row in rows])

    async def key_points_said(
        self, connection: Any, node: str, month: str, *, refused: bool = False
    ) -> list[KeyPoints]:
        """Return the key points of a month that a hub said, the oldest first; on demand with what the network refused."""
        since, until = said_within(month)
        rows = self._q.key_points_said(connection, node=node, since=since, until=until, router=ROUTER_CODE)
        return _of_month(month, [row["body"] async for row in rows if refused or not row["refused"]])

    async def is_unknown_point(self, node: str, answers: str) -> bool:
        """Tell whether a text looks like a key point's name and is none that the node received, or as a hub said."""
        month = month_named(answers)
        if month is None:
            return False
        async with self._db.connection() as connection:
            known = await self.key_points_told(connection, node, month)
            known += await self.key_points_said(connection, node, month)
        return answers not in references(known)

    async def answers_sent(self, connection: Any, node: str, told: Sequence[KeyPoints]) -> dict[str, int]:
        """Return how many reports of a node name each of these points, by their references; those that none names are left out."""
        if not told:
            return {}
        since = min(one.sent_at for one in told) - SKEW
        rows = self._q.answers_sent(connection, node=node, since=since, points=references(told), router=ROUTER_CODE)
        return {row["answers"]: row["reports"] async for row in rows}

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


def _of_month(month: str, bodies: Sequence[bytes]) -> list[KeyPoints]:
    found = [_read(body, (KeyPoints,)) for body in bodies]
    return [one for one in found if one is not None and one.month == month]


def _heard(row: Any) -> Heard:
    appeal = _read(row["body"], (Appeal,))
    if appeal is None:
        raise TypeError(row["id"])  # the query asks for appeals
    return Heard(appeal=appeal, answer=_read(row["answer"], (Adjustment,)) if row["answer"] else None)
