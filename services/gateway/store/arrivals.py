"""Storing what other nodes and the router sent here, with all that it changes (promise 4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from proto.errors import Reason
from proto.messages import Decision, Outcome, Receipt, ReceiptEntry
from services.gateway.domain.effects import Arrived, fates, owes_receipt, verdicts
from services.gateway.domain.receipts import shares
from services.gateway.store.intake import IntakeStore
from services.kit.db import Database


class Stored(Struct, frozen=True, kw_only=True):
    """What is odd in a batch that was stored."""

    reused: Sequence[Arrived]  # other bytes under an id that the inbox knows: kept as evidence, without effect
    unclaimed: Sequence[ReceiptEntry]  # entries of receipts of which this gateway does not know whose they are


class ArrivalStore:
    """Writes arrivals and their effects."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries
        self._intake = IntakeStore(db)

    async def store(self, arrived: Sequence[Arrived], at: datetime) -> Stored:
        """Store a batch and its effects in one transaction; doing it again changes nothing."""
        async with self._db.transaction() as connection:
            mine = await self._keep(connection, arrived, at)
            good = [a for a in arrived if mine.get((a.node, a.message.id)) == a.digest]
            others = [a for a in arrived if mine.get((a.node, a.message.id)) != a.digest]
            reused = await self._keep_as_evidence(connection, others, at) if others else []
            unclaimed: list[ReceiptEntry] = []
            if reports := [(a, at) for a in good if a.facts is not None]:
                await self._intake.take_in(connection, reports)
            if told := fates(good):
                await self._store_fates(connection, told)
            if receipts := [(a.node, a.message) for a in good if isinstance(a.message, Receipt)]:
                unclaimed = await self._store_shares(connection, receipts)
            if decided := verdicts(good):
                await self._store_verdicts(connection, decided)
        return Stored(reused=reused, unclaimed=unclaimed)

    async def _keep(self, connection: Any, arrived: Sequence[Arrived], at: datetime) -> dict[tuple[str, Any], str]:
        """Store what is new; return the digests that now lie under the batch's ids."""
        new = self._q.add_arrivals(
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
        mine = {(row["node"], row["id"]): row["digest"] async for row in new}
        known = [key for a in arrived if (key := (a.node, a.message.id)) not in mine]
        if known:
            rows = self._q.inbox_digests(
                connection, nodes=[node for node, _ in known], ids=[message for _, message in known]
            )
            mine |= {(row["node"], row["id"]): row["digest"] async for row in rows}
        return mine

    async def _keep_as_evidence(self, connection: Any, others: Sequence[Arrived], at: datetime) -> list[Arrived]:
        """Keep what came under an id that is taken; return what was not kept before."""
        kept = self._q.add_conflicts(
            connection,
            nodes=[a.node for a in others],
            ids=[a.message.id for a in others],
            digests=[a.digest for a in others],
            kinds=[a.message.kind() for a in others],
            origins=[a.message.origin for a in others],
            bodies=[a.body for a in others],
            owed=[owes_receipt(a) for a in others],
            at=at,
            reason=Reason.ID_REUSED.value,
        )
        new = {(row["node"], row["id"], row["digest"]) async for row in kept}
        found = {key: a for a in others if (key := (a.node, a.message.id, a.digest)) in new}
        return list(found.values())

    async def _store_fates(self, connection: Any, told: Sequence[tuple[str, ReceiptEntry]]) -> None:
        await self._q.add_fates(
            connection,
            messages=[entry.message for _, entry in told],
            digests=[entry.digest for _, entry in told],
            givers=[giver for giver, _ in told],
            outcomes=[entry.outcome.value for _, entry in told],
            ats=[entry.at for _, entry in told],
            reasons=[entry.reason for _, entry in told],
            details=[entry.detail.replace("\x00", " ") for _, entry in told],
            router=ROUTER_CODE,
        )
        refused = [e for giver, e in told if giver == ROUTER_CODE and e.outcome is Outcome.REFUSED]
        if refused:
            rows = self._q.refused_decisions(
                connection, ids=[e.message for e in refused], digests=[e.digest for e in refused]
            )
            if decisions := [row["id"] async for row in rows]:
                await self._q.lock_outbox(connection)  # nobody decides anew while we look what stands
                await self._undo_decisions(connection, decisions)
                await self._undo_selections(connection, decisions)

    async def _undo_decisions(self, connection: Any, refused: Sequence[UUID]) -> None:
        freed = [row async for row in self._q.drop_refused_decisions(connection, refused=refused)]
        hubs, reports = [row["hub"] for row in freed], [row["report"] for row in freed]
        await self._q.restore_decisions(connection, refused=refused, hubs=hubs, reports=reports, router=ROUTER_CODE)

    async def _undo_selections(self, connection: Any, refused: Sequence[UUID]) -> None:
        dropped = [row async for row in self._q.drop_refused_selections(connection, refused=refused)]
        for hub, freed in _by_hub(row for row in dropped if row["stood"]):
            await self._q.note_unselected(connection, hub=hub, reports=freed)
        hubs, reports = [row["hub"] for row in dropped], [row["report"] for row in dropped]
        rows = self._q.restore_selections(connection, refused=refused, hubs=hubs, reports=reports, router=ROUTER_CODE)
        restored = [row async for row in rows]
        for hub, again in _by_hub(restored):
            await self._q.note_selected(connection, hub=hub, reports=again)
        await self._q.settle_refused_outcomes(connection, refused=refused)

    async def _store_shares(self, connection: Any, receipts: Sequence[tuple[str, Receipt]]) -> list[ReceiptEntry]:
        """Note whose entries are whose; return those that are nobody's here."""
        ids = {entry.message for _, receipt in receipts for entry in receipt.entries if entry.message}
        rows = self._q.senders(connection, ids=list(ids))
        senders = {(row["id"], row["digest"]): row["node"] async for row in rows}
        parts = [
            share
            for holder, receipt in receipts
            for share in shares(holder, receipt, lambda entry: senders.get((entry.message, entry.digest)))
        ]
        await self._q.add_shares(
            connection,
            nodes=[s.node for s in parts],
            receipts=[s.receipt for s in parts],
            holders=[s.holder for s in parts],
            entries=[",".join(map(str, s.entries)) for s in parts],
            wholes=[s.whole for s in parts],
        )
        claimed = {(s.holder, s.receipt, position) for s in parts for position in s.entries}
        return [
            entry
            for holder, receipt in receipts
            for position, entry in enumerate(receipt.entries)
            if (holder, receipt.id, position) not in claimed
        ]

    async def _store_verdicts(self, connection: Any, decided: Sequence[tuple[str, Decision]]) -> None:
        rows = [(node, d, item) for node, d in decided for item in d.items if item.origin == node]
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
            levels=[d.level.value if d.level else "" for _, d, _ in rows],
            forwarded_as=[d.forwarded_as for _, d, _ in rows],
        )


def _by_hub(rows: Iterable[Any]) -> Iterable[tuple[str, list[UUID]]]:
    """Return the reports of rows by their hub."""
    grouped: dict[str, list[UUID]] = {}
    for row in rows:
        grouped.setdefault(row["hub"], []).append(row["report"])
    return grouped.items()
