"""The inbox: what other nodes and the router sent here (promise 4)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from proto.messages import Decision, Outcome, ReceiptEntry, Verdict
from services.gateway.domain.effects import Arrived, ReceiptDue, owes_receipt
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


class Inbox:
    """Reads and writes the inbox and what its messages change."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def store(
        self,
        arrived: Sequence[Arrived],
        fates: Sequence[tuple[str, ReceiptEntry]],
        verdicts: Sequence[tuple[str, Decision]],
        at: datetime,
    ) -> None:
        """Store a batch and its effects in one transaction; doing it again changes nothing."""
        async with self._db.transaction() as connection:
            await self._q.add_arrivals(
                connection,
                nodes=[a.node for a in arrived],
                ids=[a.message.id for a in arrived],
                kinds=[a.message.kind() for a in arrived],
                origins=[a.message.origin for a in arrived],
                abouts=[a.message.about for a in arrived],
                titles=[a.title.replace("\x00", " ") for a in arrived],
                sent_ats=[a.message.sent_at for a in arrived],
                digests=[a.digest for a in arrived],
                bodies=[a.body for a in arrived],
                owed=[owes_receipt(a) for a in arrived],
                at=at,
            )
            if fates:
                await self._store_fates(connection, fates)
            if verdicts:
                await self._store_verdicts(connection, verdicts)

    async def _store_fates(self, connection: Any, fates: Sequence[tuple[str, ReceiptEntry]]) -> None:
        await self._q.add_fates(
            connection,
            messages=[entry.message for _, entry in fates],
            givers=[giver for giver, _ in fates],
            outcomes=[entry.outcome.value for _, entry in fates],
            ats=[entry.at for _, entry in fates],
            reasons=[entry.reason for _, entry in fates],
            details=[entry.detail.replace("\x00", " ") for _, entry in fates],
            router=ROUTER_CODE,
        )
        refused = [e.message for giver, e in fates if giver == ROUTER_CODE and e.outcome is Outcome.REFUSED]
        if refused:
            await self._q.drop_refused_decisions(connection, decisions=refused)

    async def _store_verdicts(self, connection: Any, verdicts: Sequence[tuple[str, Decision]]) -> None:
        rows = [(node, d, item) for node, d in verdicts for item in d.items if item.origin == node]
        await self._q.add_verdicts(
            connection,
            decisions=[d.id for _, d, _ in rows],
            reports=[item.report for _, _, item in rows],
            nodes=[node for node, _, _ in rows],
            hubs=[d.origin for _, d, _ in rows],
            verdicts=[d.verdict.value for _, d, _ in rows],
            series=[d.publication.series if d.publication else "" for _, d, _ in rows],
            issues=[d.publication.issue if d.publication else "" for _, d, _ in rows],
            reasons=[d.reason.replace("\x00", " ") for _, d, _ in rows],
            ats=[d.sent_at for _, d, _ in rows],
        )

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

    async def undecide(self, connection: Any, hub: str, decision: UUID) -> list[UUID]:
        """Take a decision back; return its reports, none where there is no such decision."""
        return [row["report"] async for row in self._q.drop_decided(connection, hub=hub, decision=decision)]
