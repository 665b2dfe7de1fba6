"""From the bus into the inboxes, and the receipts that this owes."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from proto.topology import INBOX_PREFIX
from services.gateway.domain.effects import coalesce, read_arrival
from services.gateway.domain.reports import sealed
from services.gateway.metrics import GatewayMetrics
from services.gateway.store.arrivals import ArrivalStore
from services.gateway.store.inbox import Inbox
from services.gateway.store.outbox import Outbox
from services.kit.batch import PacedSignal
from services.kit.bus import Incoming
from services.kit.crypto import PrivateKey
from services.kit.db import Database
from services.kit.errors import TransientError
from services.kit.ids import Clock, NewId
from services.kit.trust.state import TrustState

_log: Final = structlog.get_logger()
_RECEIPTS_AT_ONCE: Final = 1_000


class Arrivals:
    """Stores what arrives, in batches, before it is acknowledged."""

    def __init__(self, db: Database, clock: Clock, receipts_due: PacedSignal, metrics: GatewayMetrics) -> None:
        self._store = ArrivalStore(db)
        self._clock = clock
        self._due = receipts_due
        self._metrics = metrics

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Store one batch; an unreadable message raises and is parked by the consumer."""
        arrived = [read_arrival((m.consumer_tag or "").removeprefix(INBOX_PREFIX), m.body) for m in batch]
        stored = await self._store.store(arrived, self._clock())
        for odd in stored.reused:
            _log.warning(
                "id_reused", node=odd.node, message=str(odd.message.id), origin=odd.message.origin, digest=odd.digest
            )
        for entry in stored.unclaimed:
            _log.warning("receipt_unclaimed", digest=entry.digest, outcome=entry.outcome.value, reason=entry.reason)
        self._metrics.odd(reused=len(stored.reused), unclaimed=len(stored.unclaimed))
        self._due.notify()


class ReceiptWriter:
    """Turns owed receipts into messages, gathered: at idle at once, under load every ``interval`` seconds."""

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        state: TrustState,
        keys: Mapping[str, PrivateKey],
        clock: Clock,
        new_id: NewId,
        due: PacedSignal,
    ) -> None:
        self._state = state
        self._db = db
        self._inbox = Inbox(db)
        self._outbox = outbox
        self._keys = keys
        self._clock = clock
        self._new_id = new_id
        self._due = due

    async def run(self, stop: asyncio.Event) -> None:
        """Write receipts until told to stop; what is owed then waits in the database."""
        stopped = asyncio.create_task(stop.wait(), name="receipts-stop")
        stopped.add_done_callback(lambda _: self._due.hurry())
        self._due.notify()
        while True:
            await self._due.wait()
            if stop.is_set():
                return
            try:
                while await self.write() == _RECEIPTS_AT_ONCE and not stop.is_set():
                    pass
            except TransientError as error:
                _log.warning("receipts_delayed", error=str(error))
                self._due.notify()

    async def write(self) -> int:
        """Write one round; return how many receipts were owed."""
        async with self._db.transaction() as connection:
            due = await self._inbox.take_due(connection, list(self._keys), _RECEIPTS_AT_ONCE)
            await self._outbox.lock(connection)  # only now: submissions wait for it
            receipts = coalesce(due, gateway_of=self._state.gateway_of, new_id=self._new_id, at=self._clock())
            messages = [sealed(receipt, self._keys[receipt.origin]) for receipt in receipts]
            if messages:
                await self._outbox.add(connection, messages)
        self._outbox.added(messages)
        return len(due)
