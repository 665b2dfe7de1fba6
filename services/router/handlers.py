"""One session's routing: verify, deliver, receipt, and only then acknowledge (promise 3).

Arrivals are verified in batches on a thread (Ed25519 releases the GIL) and published in their order, many confirms in
flight. A delivery is acknowledged when its outputs and its receipt are confirmed; receipts of one sender go out together.
A message whose sender or signer is unknown waits briefly for the registry before it is refused: a new roster may
have overtaken nobody, but arrives on another queue.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import structlog

from proto.addresses import ROUTER_CODE, routing_key
from proto.envelope import unpack
from proto.errors import Reason, RefusedError
from proto.messages import Receipt, ReceiptEntry
from proto.topology import DELIVER, REFUSED, REGISTRY_KINDS, ROUTER_QUEUE
from services.kit.batch import PacedSignal
from services.kit.bus import Incoming, Session
from services.kit.consumer import publish_dead
from services.kit.crypto import PrivateKey
from services.kit.errors import UnavailableError
from services.kit.ids import Clock, NewId
from services.kit.registry import Registry
from services.kit.tasks import TaskScope
from services.kit.trust.enrol import seal_message
from services.kit.trust.state import GRACE_REASONS
from services.router.acks import AckWindow
from services.router.domain import Accepted, Arrival, Judgement, Refused, judge
from services.router.metrics import RouterMetrics
from services.router.receipts import coalesce, entry_for
from services.router.settings import RouterSettings

_log: Final = structlog.get_logger()
_ATTEMPTS: Final = 6
_BACKOFF: Final = 0.2  # seconds, doubled each time: about 6 s in all before a full queue's message is parked


class Routing:
    """The router's work on one session."""

    def __init__(
        self,
        session: Session,
        registry: Registry,
        key: PrivateKey,
        settings: RouterSettings,
        metrics: RouterMetrics,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._session = session
        self._registry = registry
        self._key = key
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._new_id = new_id
        self._arrived: list[Incoming] = []
        self._wake = asyncio.Event()
        self._receipts: list[tuple[int, str | None, ReceiptEntry]] = []
        self._due = PacedSignal(settings.receipt_interval)
        self._acks = AckWindow()
        self._held = 0
        self._idle = asyncio.Event()
        self._scope = TaskScope()

    async def run(self) -> None:
        """Route until cancelled or the line drops."""
        await self._registry.follow(self._session)
        await self._session.consume(ROUTER_QUEUE, self._on_message)
        async with self._scope:
            self._scope.spawn(self._verify_loop(), "router-verify")
            self._scope.spawn(self._receipt_loop(), "router-receipts")
            await self._scope.until(self._session.stopping)
            await self._drain()

    async def _drain(self) -> None:
        """Take no more, finish what is held, within the patience of whoever stops us."""
        await self._session.stop_consuming()
        while self._held:
            self._due.hurry()
            self._idle.clear()
            await self._scope.until(self._idle)

    async def _on_message(self, message: Incoming) -> None:
        self._arrived.append(message)
        self._held += 1
        self._wake.set()

    async def _verify_loop(self) -> None:
        size = self._settings.batch
        while True:
            await self._wake.wait()
            batch, self._arrived = self._arrived[:size], self._arrived[size:]
            if not self._arrived:
                self._wake.clear()
            start = 0
            for index, message in enumerate(batch):
                if (message.routing_key).rpartition(".")[2] in REGISTRY_KINDS:
                    await self._judge_and_send(batch[start:index])
                    await self._take_registry(message)
                    start = index + 1
            await self._judge_and_send(batch[start:])

    async def _judge_and_send(self, batch: Sequence[Incoming]) -> None:
        if not batch:
            return
        state, now = self._registry.state, self._clock()
        arrivals = [_arrival(message) for message in batch]
        generation = state.generation
        judgements = await asyncio.to_thread(lambda: [judge(state, arrival, now) for arrival in arrivals])
        for message, judgement in zip(batch, judgements, strict=True):
            unknown = isinstance(judgement, Refused) and judgement.reason in GRACE_REASONS
            self._scope.spawn(
                self._judge_again(message, generation) if unknown else self._send(message, judgement), "router-send"
            )

    async def _judge_again(self, message: Incoming, generation: int) -> None:
        await self._registry.wait_newer(generation, self._settings.registry_grace)
        await self._send(message, judge(self._registry.state, _arrival(message), self._clock()))

    async def _take_registry(self, message: Incoming) -> None:
        """Directories and rosters change what the next message is judged by: apply at once, in order, then publish."""
        judgement = judge(self._registry.state, _arrival(message), self._clock())
        if isinstance(judgement, Accepted):
            try:
                await self._registry.take(unpack(message.body))
            except RefusedError as error:
                judgement = Refused(
                    claimed_id=judgement.message.id,
                    sender=judgement.message.origin,
                    digest=judgement.digest,
                    reason=error.reason,
                    detail=error.detail,
                )
        self._scope.spawn(self._send(message, judgement), "router-send")

    async def _send(self, message: Incoming, judgement: Judgement) -> None:
        try:
            await self._publish_outputs(message, judgement)
        except UnavailableError as error:
            _log.warning("delivery_parked", digest=judgement.digest, error=str(error))
            await publish_dead(self._session, message, error)
            self._finish(message.delivery_tag)
            return
        if isinstance(judgement, Refused):
            _log.info("message_refused", reason=judgement.reason.value, digest=judgement.digest)
        self._metrics.judged(judgement)
        sender, entry = entry_for(judgement, self._clock())
        self._receipts.append((message.delivery_tag, sender, entry))
        if self._held >= self._settings.prefetch // 2:
            self._due.hurry()
        else:
            self._due.notify()

    async def _publish_outputs(self, message: Incoming, judgement: Judgement) -> None:
        pause = _BACKOFF
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if isinstance(judgement, Accepted):
                    accepted = judgement.message
                    await self._session.publish(
                        DELIVER,
                        judgement.keys[0],
                        message.body,
                        message_id=str(accepted.id),
                        kind=accepted.kind(),
                        sent_at=accepted.sent_at,
                        cc=judgement.keys[1:],
                    )
                elif judgement.reason is not Reason.REPORT_CLASSIFIED:  # of that, no copy is kept: only the receipt
                    await self._session.publish(REFUSED, message.routing_key, message.body, message_id=str(uuid4()))
            except UnavailableError:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return

    async def _receipt_loop(self) -> None:
        while True:
            await self._due.wait()
            due, self._receipts = self._receipts, []
            receipts = list(coalesce(((s, e) for _, s, e in due), new_id=self._new_id, at=self._clock()))
            await asyncio.gather(*(self._publish_receipt(receipt) for receipt in receipts))
            for tag, _, _ in due:
                self._finish(tag)
            done_up_to = self._acks.advance()
            if done_up_to is not None:
                await self._session.ack(done_up_to, multiple=True)

    def _finish(self, tag: int) -> None:
        self._acks.finish(tag)
        self._held -= 1
        self._idle.set()

    async def _publish_receipt(self, receipt: Receipt) -> None:
        known = receipt.to and self._registry.state.node(receipt.to[0]) is not None
        # Where nobody can be told, the receipt still goes to the archive, under the router's own address.
        key = routing_key(receipt.to[0] if known else ROUTER_CODE, receipt.kind())
        envelope = seal_message(receipt, receipt.kind(), self._key)
        await self._session.publish(
            DELIVER, key, envelope.packed(), message_id=str(receipt.id), kind=receipt.kind(), sent_at=receipt.sent_at
        )


def _arrival(message: Incoming) -> Arrival:
    return Arrival(body=message.body, routing_key=message.routing_key, user_id=message.user_id or "")
