"""One session's routing: verify, deliver, receipt, and only then acknowledge (promise 3).

Arrivals are verified in batches, their signatures by a worker process, and published in their order, many confirms in
flight. A delivery is acknowledged when its outputs and its receipt are confirmed; receipts for one gateway go out together.
A message whose sender or signer is unknown waits briefly for the registry before it is refused: a new roster may
have overtaken nobody, but arrives on another queue.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import uuid4

import structlog

from proto.addresses import ROUTER_CODE, routing_key
from proto.envelope import digest_of
from proto.errors import Reason
from proto.messages import Receipt
from proto.topology import DEAD_LETTERS, DELIVER, REFUSED, REGISTRY_KINDS, ROUTER_QUEUE
from services.kit.batch import PacedSignal
from services.kit.bus import Incoming, Session
from services.kit.consumer import publish_dead
from services.kit.crypto import PrivateKey
from services.kit.errors import TransientError, UnavailableError
from services.kit.ids import Clock, NewId
from services.kit.registry import Registry
from services.kit.tasks import TaskScope
from services.kit.trust.enrol import seal_message
from services.router.acks import AckWindow
from services.router.claims import ClaimChecker
from services.router.domain import Accepted, Judgement, Refused
from services.router.metrics import RouterMetrics
from services.router.receipts import Due, by_gateway, coalesce, due_for
from services.router.settings import RouterSettings
from services.router.verifying import Outcome, Verifying

_log: Final = structlog.get_logger()
_ATTEMPTS: Final = 6
_ROUND: Final = 1.0  # seconds that a round of receipts waits for its slowest: one full inbox must not hold up all
_BACKOFF: Final = 0.2  # seconds, doubled each time: about 6 s in all before a full queue's message is parked


class Routing:
    """The router's work on one session."""

    def __init__(
        self,
        session: Session,
        registry: Registry,
        checker: ClaimChecker,
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
        self._receipts: list[Due] = []
        self._due = PacedSignal(settings.receipt_interval)
        self._acks = AckWindow()
        self._acking = asyncio.Lock()
        self._held = 0
        self._idle = asyncio.Event()
        self._scope = TaskScope()
        self._verifying = Verifying(registry, checker, settings, clock, self._scope, self._on_judged)

    async def run(self) -> None:
        """Route until cancelled or the line drops."""
        await self._registry.follow(self._session)
        async with self._scope:
            self._verifying.start()
            await self._session.consume(ROUTER_QUEUE, self._on_message)
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
        self._held += 1
        await self._verifying.take(message)

    def _on_judged(self, message: Incoming, outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            self._scope.spawn(self._set_aside(message, outcome), "router-park")
        else:
            self._scope.spawn(self._send(message, outcome), "router-send")

    async def _send(self, message: Incoming, judgement: Judgement) -> None:
        judged_at = self._clock()  # before the recipients can say that they have it
        try:
            await self._publish_outputs(message, judgement)
        except UnavailableError as error:
            if isinstance(judgement, Accepted) and judgement.message.kind() in REGISTRY_KINDS:
                # This router has taken it in already; the others must too, so it is tried until it passes.
                raise TransientError("a registry message was not accepted") from error
            return await self._set_aside(message, error)
        if isinstance(judgement, Refused):
            _log.info("message_refused", reason=judgement.reason.value, digest=judgement.digest)
        self._metrics.judged(judgement)
        self._receipts.append(due_for(message.delivery_tag, judgement, judged_at))
        if self._held >= self._settings.prefetch // 2 or self._session.stopping.is_set():
            self._due.hurry()
        else:
            self._due.notify()
        return None

    async def _set_aside(self, message: Incoming, error: Exception) -> None:
        """Park what we cannot deliver or judge, so that the rest goes on (promise 5)."""
        _log.error("delivery_parked", digest=digest_of(message.body), error=type(error).__name__)
        await publish_dead(self._session, message, error)
        await self._settle([message.delivery_tag])

    async def _publish_outputs(self, message: Incoming, judgement: Judgement) -> None:
        if isinstance(judgement, Accepted):
            accepted = judgement.message
            await _patiently(
                lambda: self._session.publish(
                    DELIVER,
                    judgement.keys[0],
                    message.body,
                    message_id=str(accepted.id),
                    kind=accepted.kind(),
                    sent_at=accepted.sent_at,
                    cc=judgement.keys[1:],
                )
            )
        elif judgement.reason is not Reason.REPORT_CLASSIFIED:  # of that, no copy is kept: only the receipt
            await _patiently(
                lambda: self._session.publish(REFUSED, message.routing_key, message.body, message_id=str(uuid4()))
            )

    async def _receipt_loop(self) -> None:
        while True:
            await self._due.wait()
            due, self._receipts = self._receipts, []
            listed = by_gateway(due, self._registry.state.gateway_of)
            told = [self._scope.spawn(self._answer(*one), "router-answer") for one in listed.items()]
            if told:
                await asyncio.wait(told, timeout=_ROUND)

    async def _answer(self, gateway: str | None, due: Sequence[Due]) -> None:
        """Publish the receipts for one gateway, then acknowledge what they are about."""
        receipts = coalesce(due, gateway=gateway, new_id=self._new_id, at=self._clock())
        await asyncio.gather(*(self._publish_receipt(receipt) for receipt in receipts))
        await self._settle([one.tag for one in due])

    async def _settle(self, tags: Sequence[int]) -> None:
        """Acknowledge these deliveries, as far as all before them are done."""
        async with self._acking:
            for tag in tags:
                self._acks.finish(tag)
            done_up_to = self._acks.advance()
            if done_up_to is not None:
                await self._session.ack(done_up_to, multiple=True)
            self._held -= len(tags)
            self._idle.set()

    async def _publish_receipt(self, receipt: Receipt) -> None:
        # All in ``to`` share a gateway: one inbox is enough. Where nobody can be told, the archive still is.
        key = routing_key(receipt.to[0] if receipt.to else ROUTER_CODE, receipt.kind())
        body = seal_message(receipt, receipt.kind(), self._key).packed()

        def publish(exchange: str, **headers: str) -> Awaitable[None]:
            return self._session.publish(
                exchange, key, body, message_id=str(receipt.id), kind=receipt.kind(), sent_at=receipt.sent_at,
                headers=headers,
            )  # fmt: skip

        try:
            await _patiently(lambda: publish(DELIVER))
        except UnavailableError as error:
            reason = type(error).__name__
            _log.error("receipt_parked", receipt=str(receipt.id), error=reason)
            await publish(DEAD_LETTERS, **{"x-yz-exchange": DELIVER, "x-yz-reason": reason})


async def _patiently(publish: Callable[[], Awaitable[None]]) -> None:
    """Publish, trying again with back-off where a queue is full; ``UnavailableError`` where it stays so."""
    pause = _BACKOFF
    for _ in range(_ATTEMPTS - 1):
        try:
            return await publish()
        except UnavailableError:
            await asyncio.sleep(pause)
            pause *= 2
    return await publish()
