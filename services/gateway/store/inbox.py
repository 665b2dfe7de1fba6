"""The inbox: what a unit may see of what other nodes and the router sent here, and what its hubs decide about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.messages import Outcome, Verdict
from services.gateway.domain.effects import ReceiptDue
from services.kit.db import Database


class InboxMessage(Struct, frozen=True, kw_only=True):
    """One received message as lists show it; ``body`` is empty there."""

    node: str
    id: UUID
    kind: str
    origin: str
    about: UUID | None
    title: str
    sent_at: datetime  # by the sender's clock
    received_at: datetime  # by ours
    opened_at: datetime | None
    opened_by: str | None
    digest: str
    body: bytes
    entries: list[int] | None  # positions of the unit's own entries; None where it is no receipt
    whole: bool  # False: a receipt that holds entries of other units


class Conflict(Struct, frozen=True, kw_only=True):
    """Other bytes under an id that a unit's inbox knows: kept as evidence, without effect."""

    node: str  # whose inbox
    id: UUID
    kind: str
    origin: str
    digest: str  # SHA-256 of the bytes as they travelled
    received_at: datetime
    first_origin: str  # of the message that holds the id
    first_digest: str


class Inbox:
    """Reads the inbox, notes openings and decisions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def take_due(self, connection: Any, nodes: Sequence[str], count: int) -> list[ReceiptDue]:
        """Take receipts that these nodes owe, within the caller's transaction."""
        rows = [row async for row in self._q.take_receipts_due(connection, nodes=list(nodes), count=count)]
        return [
            ReceiptDue(
                node=r["node"],
                to=r["recipient"],
                message=r["message"],
                digest=r["digest"],
                outcome=Outcome(r["outcome"]),
                at=r["at"],
                reason=r["reason"],
            )
            for r in rows
        ]

    async def page(self, node: str, kinds: Sequence[str], before: UUID | None, count: int) -> list[InboxMessage]:
        """Return a page of a node's inbox, newest first, without bodies."""
        async with self._db.connection() as connection:
            rows = [
                row async for row in self._q.inbox(connection, node=node, kinds=list(kinds), before=before, count=count)
            ]
        return [InboxMessage(**row) for row in rows]

    async def one(self, node: str, id: UUID) -> InboxMessage | None:
        """Return one message."""
        async with self._db.connection() as connection:
            row = await self._q.inbox_message(connection, node=node, id=id)
        return InboxMessage(**row) if row else None

    async def open(self, node: str, id: UUID, person: str, at: datetime) -> bool:
        """Note the first opening; True where this was it and a receipt is now owed."""
        async with self._db.connection() as connection:
            row = await self._q.open_message(connection, node=node, id=id, person=person, at=at)
        return row is not None

    async def conflicts(self, nodes: Sequence[str], count: int) -> list[Conflict]:
        """Return the newest conflicts in the inboxes of these nodes."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._q.conflicts(connection, nodes=list(nodes), count=count)]
        return [Conflict(**row) for row in rows]

    async def origins(self, connection: Any, hub: str, reports: Sequence[UUID]) -> dict[UUID, str]:
        """Return the origins of those of ``reports`` that lie in the hub's inbox."""
        rows = [row async for row in self._q.report_origins(connection, hub=hub, reports=list(reports))]
        return {row["id"]: row["origin"] for row in rows}

    async def decided(self, connection: Any, hub: str, reports: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of ``reports`` that the hub has decided."""
        rows = [row async for row in self._q.decided(connection, hub=hub, reports=list(reports))]
        return frozenset(row["report"] for row in rows)

    async def decide(
        self, connection: Any, hub: str, decision: UUID, verdict: Verdict, reports: Sequence[UUID]
    ) -> None:
        """Note a decision."""
        await self._q.add_decided(connection, hub=hub, decision=decision, verdict=verdict.value, reports=list(reports))

    async def undecide(self, connection: Any, hub: str, decision: UUID, reversal: UUID) -> list[UUID]:
        """Take a decision back; return its reports, none where no such decision is in force."""
        rows = self._q.reverse_decided(connection, hub=hub, decision=decision, reversal=reversal)
        return [row["report"] async for row in rows]
