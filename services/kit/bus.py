"""The bus: one connection, a publishing and a consuming channel, rebuilt whole when the line drops.

A ``Session`` lives as long as one connection. When it ends, everything that was unconfirmed or unacknowledged is
simply tried again in the next one: nothing in memory outlives its connection, which is what makes redelivery safe.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage
from aiormq.exceptions import AMQPError, ChannelInvalidStateError
from pamqp.commands import Basic

from proto.envelope import payload_type_of
from services.kit.errors import TransientError, UnavailableError

_log: Final = structlog.get_logger()
_CALL_TIMEOUT: Final = 30.0  # seconds for any one broker call
_BACKOFF: Final = (0.1, 5.0)  # seconds, first and longest pause between connection attempts
LINE_ERRORS: Final = (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError, OSError, RuntimeError)
"""What a lost line looks like through aio-pika; RuntimeError is its 'channel closed'."""

Incoming = AbstractIncomingMessage


class Session:
    """One living connection to the broker."""

    def __init__(
        self,
        connection: AbstractConnection,
        publisher: AbstractChannel,
        consumer: AbstractChannel,
        stopping: asyncio.Event,
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._consumer = consumer
        self._exchanges: dict[str, AbstractExchange] = {}
        self._user = connection.url.user if hasattr(connection, "url") else None
        self._consuming: list[tuple[Any, str]] = []
        self.closed: Final = asyncio.Event()
        self.stopping: Final = stopping

    async def publish(
        self,
        exchange: str,
        key: str,
        body: bytes,
        *,
        message_id: str,
        kind: str = "",
        sent_at: datetime | None = None,
        cc: Sequence[str] = (),
        headers: Mapping[str, Any] | None = None,
        mandatory: bool = True,
        priority: int | None = None,
    ) -> None:
        """Publish and wait for the broker's confirm; raise ``UnavailableError`` where it refuses or cannot route.

        ``message_id`` must be unique per attempt. CloudEvents 1.0 attributes go along in binary mode, as hints.
        """
        fields: dict[str, Any] = dict(headers or {})
        if kind:
            fields["cloudEvents:specversion"] = "1.0"
            fields["cloudEvents:id"] = message_id
            fields["cloudEvents:type"] = payload_type_of(kind)
            fields["cloudEvents:source"] = f"/{key.rpartition('.')[0]}"
        if cc:
            fields["CC"] = list(cc)
        message = aio_pika.Message(
            body,
            headers=fields,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message_id,
            content_type="application/vnd.yizhan.envelope.v1+msgpack",
            type=kind or None,
            timestamp=sent_at,
            user_id=self._user,
            priority=priority,
        )
        try:
            target = self._exchanges.get(exchange)
            if target is None:
                target = (
                    await self._publisher.get_exchange(exchange, ensure=False)
                    if exchange
                    else self._publisher.default_exchange
                )
                self._exchanges[exchange] = target
            outcome = await target.publish(message, key, mandatory=mandatory, timeout=_CALL_TIMEOUT)
        except aio_pika.exceptions.DeliveryError as error:
            raise UnavailableError(f"not accepted by {exchange or 'default'}") from error
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error
        if not isinstance(outcome, Basic.Ack):
            raise UnavailableError(f"not accepted by {exchange or 'default'}")

    async def consume(
        self,
        queue: str,
        on_message: Callable[[Incoming], Awaitable[None]],
        *,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Deliver a queue's messages to ``on_message``, in order; their ``consumer_tag`` is the queue's name."""
        try:
            source = await self._consumer.get_queue(queue, ensure=False)
            tag = await source.consume(
                on_message, arguments=dict(arguments or {}), consumer_tag=queue, timeout=_CALL_TIMEOUT
            )
        except LINE_ERRORS as error:
            raise TransientError(f"cannot consume {queue}") from error
        self._consuming.append((source, tag))

    async def stop_consuming(self) -> None:
        """Take no more deliveries; what was delivered may still be acknowledged."""
        try:
            for source, tag in self._consuming:
                await source.cancel(tag, timeout=_CALL_TIMEOUT)
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error
        self._consuming.clear()

    async def read_stream(self, stream: str, on_message: Callable[[Incoming], Awaitable[None]], offset: Any) -> None:
        """Deliver a stream from ``offset`` (``first``, a number, a time) on a channel of its own, acknowledging each."""
        try:
            channel = await self._connection.channel(publisher_confirms=False)
            channel.close_callbacks.add(lambda *_: self.closed.set())
            await channel.set_qos(prefetch_count=200)

            async def handle(message: Incoming) -> None:
                await on_message(message)
                await message.ack()

            source = await channel.get_queue(stream, ensure=False)
            await source.consume(handle, arguments={"x-stream-offset": offset}, timeout=_CALL_TIMEOUT)
        except LINE_ERRORS as error:
            raise TransientError(f"cannot read {stream}") from error

    async def ack(self, tag: int, *, multiple: bool = False) -> None:
        """Acknowledge a delivery, or all up to it; raise ``TransientError`` where the line is gone."""
        try:
            channel = await self._consumer.get_underlay_channel()
            await channel.basic_ack(tag, multiple=multiple)
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        try:
            found = await self._publisher.get_queue(queue, ensure=True)
        except LINE_ERRORS as error:
            raise TransientError(f"cannot see {queue}") from error
        return found.declaration_result.message_count or 0


class Bus:
    """Keeps a session alive: connects, runs ``serve(session)``, and begins anew when the line drops.

    ``stop`` asks the session in hand to drain: ``serve`` sees it as ``session.stopping`` and returns when done.
    """

    def __init__(self, url: str, name: str, prefetch: int, stop: asyncio.Event) -> None:
        self._url = url
        self._name = name
        self._prefetch = prefetch
        self._stop = stop
        self.online = False

    async def run(self, serve: Callable[[Session], Awaitable[None]]) -> None:
        """Serve session after session until stopped or cancelled. Errors of the line are absorbed; others are raised."""
        pause = _BACKOFF[0]
        while not self._stop.is_set():
            try:
                await self._one_session(serve)
            except (TransientError, *LINE_ERRORS) as error:
                if self.online:
                    pause = _BACKOFF[0]
                self.online = False
                _log.warning("line_down", error=type(error).__name__, retry_in=round(pause, 2))
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not secrecy
                pause = min(pause * 2, _BACKOFF[1])

    async def _one_session(self, serve: Callable[[Session], Awaitable[None]]) -> None:
        async with open_session(self._url, self._name, self._prefetch, self._stop) as session:
            self.online = True
            _log.info("line_up")
            work = asyncio.ensure_future(serve(session))
            ended = asyncio.create_task(session.closed.wait(), name="session-closed")
            try:
                await asyncio.wait([work, ended], return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return work.result()
                raise TransientError("the line to the broker dropped")
            finally:
                for task in (work, ended):
                    task.cancel()
                await asyncio.wait([work, ended])
                if not work.cancelled():
                    work.exception()


class open_session:  # noqa: N801 - used as a function, `async with open_session(…)`
    """Open one session for the length of the block."""

    def __init__(self, url: str, name: str, prefetch: int = 100, stopping: asyncio.Event | None = None) -> None:
        self._url, self._name, self._prefetch = url, name, prefetch
        self._stopping = stopping or asyncio.Event()
        self._connection: AbstractConnection | None = None

    async def __aenter__(self) -> Session:
        try:
            connection = await aio_pika.connect(
                self._url, client_properties={"connection_name": self._name}, timeout=_CALL_TIMEOUT
            )
        except LINE_ERRORS as error:
            raise TransientError(f"no broker: {type(error).__name__}") from error
        self._connection = connection
        publisher = await connection.channel(publisher_confirms=True, on_return_raises=True)
        consumer = await connection.channel(publisher_confirms=False)
        await consumer.set_qos(prefetch_count=self._prefetch)
        session = Session(connection, publisher, consumer, self._stopping)

        def ended(*_: object) -> None:
            session.closed.set()

        connection.close_callbacks.add(ended)
        publisher.close_callbacks.add(ended)
        consumer.close_callbacks.add(ended)
        return session

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            try:
                await asyncio.wait_for(self._connection.close(), 5)
            except LINE_ERRORS:
                _log.debug("close_failed")
