"""Consuming into a database: batches, committed before they are acknowledged (promise 4).

What fails for a passing reason is tried again with back-off; what one message alone makes fail is parked in ``yz.dead``
with its reason (promise 5), so that the rest goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import uuid4

import structlog

from proto.topology import DEAD_LETTERS
from services.kit.batch import PacedSignal
from services.kit.bus import Incoming, Session
from services.kit.errors import PoisonError, TransientError

_log: Final = structlog.get_logger()
_PACE: Final = 0.02  # seconds
_BYTES: Final = 1024 * 1024
"""Of a batch, at most, or a single larger message: what is decoded and stored at a time is a multiple of it."""
_BACKOFF: Final = (0.2, 10.0)  # seconds

Handler = Callable[[Sequence[Incoming]], Awaitable[None]]


class BatchConsumer:
    """Feeds everything that one session's queues deliver, in order, to ``handle`` in batches of at most ``size`` and 1 MiB.

    Under load there are ``pace`` seconds from one batch to the next, unless one is full; the first after a quiet time
    does not wait. Where nobody waits for the outcome a slower pace makes fewer transactions of the same work.
    """

    def __init__(
        self, session: Session, handle: Handler, *, size: int, pace: float = _PACE, park: "Park | None" = None
    ) -> None:
        self._park = park or publish_dead
        self._session = session
        self._handle = handle
        self._size = size
        self._arrived: list[Incoming] = []
        self._rejected: set[int] = set()
        self._due = PacedSignal(pace)

    async def run(self, queues: Sequence[str]) -> None:
        """Consume until the session is asked to stop, the line drops (``TransientError``) or we are cancelled."""
        for queue in queues:
            await self._session.consume(queue, self._on_message)
        stopping = self._session.stopping
        waker = asyncio.create_task(stopping.wait(), name="consumer-stopping")
        waker.add_done_callback(lambda _: self._due.hurry())
        try:
            await self._loop(stopping)
        finally:
            waker.cancel()

    async def _loop(self, stopping: asyncio.Event) -> None:
        while True:
            await self._due.wait()
            if stopping.is_set():  # what is not yet handled goes back to the queue with the connection
                return
            batch = self._take()
            if self._arrived:
                self._due.notify()
            if not batch:
                continue
            await self._handle_or_park(batch)
            await self._ack(batch)

    def _take(self) -> Sequence[Incoming]:
        count = size = 0
        for message in self._arrived[: self._size]:
            size += len(message.body)
            if count and size > _BYTES:
                break
            count += 1
        batch, self._arrived = self._arrived[:count], self._arrived[count:]
        return batch

    async def _ack(self, batch: Sequence[Incoming]) -> None:
        """Deliveries on a channel are numbered across its queues and batches keep their order: one ack covers all."""
        last = max((m.delivery_tag for m in batch if m.delivery_tag not in self._rejected), default=None)
        self._rejected.clear()
        if last is not None:
            await self._session.ack(last, multiple=True)

    async def _on_message(self, message: Incoming) -> None:
        self._arrived.append(message)
        if len(self._arrived) >= self._size:
            self._due.hurry()
        else:
            self._due.notify()

    async def _handle_or_park(self, batch: Sequence[Incoming]) -> None:
        try:
            await self._until_it_passes(batch)
        except Exception as error:  # noqa: BLE001 - the database refuses some of it: find which
            if len(batch) > 1:
                for message in batch:
                    await self._handle_or_park([message])
                return
            _log.exception("message_parked", queue=batch[0].routing_key, amqp_id=batch[0].message_id)
            if await self._park(self._session, batch[0], error):
                self._rejected.add(batch[0].delivery_tag)

    async def _until_it_passes(self, batch: Sequence[Incoming]) -> None:
        pause = _BACKOFF[0]
        while True:
            try:
                return await self._handle(batch)
            except TransientError as error:
                _log.warning("batch_retried", size=len(batch), error=str(error), retry_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _BACKOFF[1])


Park = Callable[[Session, Incoming, Exception], Awaitable[bool]]
"""Puts away what a consumer can never handle; True where the delivery is thereby settled."""


async def publish_dead(session: Session, message: Incoming, error: Exception) -> bool:
    """Put a message into ``yz.dead`` with where and why; it is still to be acknowledged."""
    await session.publish(
        DEAD_LETTERS,
        message.routing_key,
        message.body,
        message_id=str(uuid4()),
        headers={
            "x-yz-exchange": message.exchange,
            "x-yz-consumer": message.consumer_tag,
            "x-yz-reason": str(error)
            if isinstance(error, PoisonError)
            else type(error).__name__,  # only ours is safe to show
            "x-yz-user": message.user_id or "",
        },
    )
    return False


async def reject(session: Session, message: Incoming, error: Exception) -> bool:  # noqa: ARG001 - a ``Park``
    """Let the broker dead-letter it: for a gateway, which may not write to ``yz.dead`` itself. The log has the reason."""
    await session.reject(message.delivery_tag)
    return True
