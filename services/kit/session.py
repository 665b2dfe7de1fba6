"""One living connection to the broker: publish with confirms, consume, acknowledge.

aio-pika opens the connection and the channels; messages go through their underlying aiormq channels, since aio-pika's
own publish holds the channel until each write is drained and wraps every delivery, which costs half of the rate.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as Wire
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError
from msgspec import Struct
from pamqp.commands import Basic

from proto.envelope import payload_type_of
from services.kit.amqp import tolerate_any_property
from services.kit.errors import TransientError, UnavailableError

_log: Final = structlog.get_logger()
CALL_TIMEOUT: Final = 30.0  # seconds for any one broker call
_WATCH: Final = 5.0  # seconds between two looks for a confirm that does not come
LINE_ERRORS: Final = (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError, OSError, RuntimeError)
"""What a lost line looks like through aio-pika; RuntimeError is its 'channel closed'."""
_CONTENT_TYPE: Final = "application/vnd.yizhan.envelope.v1+msgpack"
_STREAM_PREFETCH: Final = 200


class Incoming(Struct, frozen=True, gc=False):
    """One delivery. ``user_id`` is the only property that the broker vouches for; all others are the sender's word."""

    body: bytes
    exchange: str
    routing_key: str
    consumer_tag: str  # the name of the queue
    delivery_tag: int
    redelivered: bool
    message_id: str | None
    user_id: str | None
    headers: dict[str, Any]


OnMessage = Callable[[Incoming], Awaitable[None]]


class Session:
    """One living connection to the broker."""

    def __init__(
        self,
        connection: AbstractConnection,
        publisher: AbstractChannel,
        publishing: Wire,
        consuming: Wire,
        user: str | None,
        stopping: asyncio.Event,
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._publishing = publishing
        self._consuming = consuming
        self._user = user
        self._tags: list[str] = []
        self._unconfirmed: dict[int, float] = {}  # since when, oldest first
        self._attempts = 0
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
    ) -> None:
        """Publish and wait for the broker's confirm; raise ``UnavailableError`` where it refuses or cannot route.

        ``message_id`` must be unique per attempt. CloudEvents 1.0 attributes (binary mode) and a W3C ``traceparent``,
        whose trace is the message id, go along as hints for tools.
        """
        fields: dict[str, Any] = dict(headers or {})
        if kind:
            fields["cloudEvents:specversion"] = "1.0"
            fields["cloudEvents:id"] = message_id
            fields["cloudEvents:type"] = payload_type_of(kind)
            fields["cloudEvents:source"] = f"/{key.rpartition('.')[0]}"
            trace = message_id.replace("-", "")
            fields["traceparent"] = f"00-{trace:0>32.32}-{trace[-16:]:0>16}-01"
        if cc:
            fields["CC"] = list(cc)
        properties = Basic.Properties(
            content_type=_CONTENT_TYPE,
            headers=fields,
            delivery_mode=2,
            message_id=message_id,
            message_type=kind or None,
            timestamp=sent_at,
            user_id=self._user,
        )
        self._attempts = attempt = self._attempts + 1
        self._unconfirmed[attempt] = asyncio.get_running_loop().time()
        try:
            outcome = await self._publishing.basic_publish(
                body, exchange=exchange, routing_key=key, properties=properties, mandatory=True, wait=False
            )
        except DeliveryError as error:
            raise UnavailableError(f"not accepted by {exchange or 'default'}") from error
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error
        finally:
            del self._unconfirmed[attempt]
        if not isinstance(outcome, Basic.Ack):
            raise UnavailableError(f"not accepted by {exchange or 'default'}")

    async def consume(self, queue: str, on_message: OnMessage, *, arguments: Mapping[str, Any] | None = None) -> None:
        """Deliver a queue's messages to ``on_message``, in order; their ``consumer_tag`` is the queue's name."""
        try:
            await self._consuming.basic_consume(
                queue,
                _adapted(on_message),
                arguments=dict(arguments or {}),
                consumer_tag=queue,
                timeout=CALL_TIMEOUT,
            )
        except LINE_ERRORS as error:
            raise TransientError(f"cannot consume {queue}") from error
        self._tags.append(queue)

    async def stop_consuming(self) -> None:
        """Take no more deliveries; what was delivered may still be acknowledged."""
        try:
            for tag in self._tags:
                await self._consuming.basic_cancel(tag, timeout=CALL_TIMEOUT)
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error
        self._tags.clear()

    async def read_stream(self, stream: str, on_message: OnMessage, offset: Any) -> None:
        """Deliver a stream from ``offset`` (``first``, a number, a time) on a channel of its own, acknowledging each."""
        try:
            channel = await self._connection.channel(publisher_confirms=False)
            channel.close_callbacks.add(lambda *_: self.closed.set())
            await channel.set_qos(prefetch_count=_STREAM_PREFETCH)
            wire = await _wire(channel)

            async def handle(message: Incoming) -> None:
                try:
                    await on_message(message)
                    await wire.basic_ack(message.delivery_tag)
                except Exception:  # noqa: BLE001 - without its acknowledgements the stream would fall silent: begin anew
                    if not self.closed.is_set():
                        _log.exception("stream_reader_failed", stream=stream)
                    self.closed.set()

            wire.on_consumer_cancel_callbacks.add(lambda _: self.closed.set())

            await wire.basic_consume(
                stream, _adapted(handle), arguments={"x-stream-offset": offset}, timeout=CALL_TIMEOUT
            )
        except LINE_ERRORS as error:
            raise TransientError(f"cannot read {stream}") from error

    async def last_offset(self, stream: str, patience: float) -> int | None:
        """Return an offset near the end of a stream, all after it in one chunk; None where nothing comes in time."""
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def handle(message: Incoming) -> None:
            if not found.done():
                found.set_result(message.headers["x-stream-offset"])

        try:
            channel = await self._connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=1)
            wire = await _wire(channel)
            await wire.basic_consume(
                stream, _adapted(handle), arguments={"x-stream-offset": "last"}, timeout=CALL_TIMEOUT
            )
            try:
                return await asyncio.wait_for(found, patience)
            except TimeoutError:
                return None
            finally:
                await channel.close()
        except LINE_ERRORS as error:
            raise TransientError(f"cannot read {stream}") from error

    async def ack(self, tag: int, *, multiple: bool = False) -> None:
        """Acknowledge a delivery, or all up to it; raise ``TransientError`` where the line is gone."""
        try:
            await self._consuming.basic_ack(tag, multiple=multiple)
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error

    async def reject(self, tag: int) -> None:
        """Hand one delivery to the broker's own dead-lettering."""
        try:
            await self._consuming.basic_nack(tag, requeue=False)
        except LINE_ERRORS as error:
            raise TransientError("the line to the broker dropped") from error

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        try:
            found = await self._publisher.declare_queue(queue, passive=True, timeout=CALL_TIMEOUT)
        except LINE_ERRORS as error:
            raise TransientError(f"cannot see {queue}") from error
        return found.declaration_result.message_count or 0

    async def watch(self) -> None:
        """End the session when a confirm does not come: a line that is up but silent is no line."""
        loop = asyncio.get_running_loop()
        while not self.closed.is_set():
            oldest = next(iter(self._unconfirmed.values()), None)
            if oldest is not None and loop.time() - oldest > CALL_TIMEOUT:
                _log.error("confirm_overdue", seconds=round(loop.time() - oldest))
                self.closed.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closed.wait(), _WATCH)


async def _wire(channel: AbstractChannel) -> Wire:
    wire = await channel.get_underlay_channel()
    if not isinstance(wire, Wire):
        raise TypeError(f"aio-pika's channel is a {type(wire).__name__}")
    return wire


def _adapted(on_message: OnMessage) -> Callable[[DeliveredMessage], Coroutine[Any, Any, None]]:
    async def handle(delivered: DeliveredMessage) -> None:
        deliver: Any = delivered.delivery
        properties = delivered.header.properties
        await on_message(
            Incoming(
                bytes(delivered.body),
                deliver.exchange or "",
                deliver.routing_key or "",
                deliver.consumer_tag or "",
                deliver.delivery_tag,
                bool(deliver.redelivered),
                properties.message_id,
                properties.user_id,
                properties.headers or {},
            )
        )

    return handle


class open_session:  # noqa: N801 - used as a function, `async with open_session(…)`
    """Open one session for the length of the block; raise ``TransientError`` where there is no broker."""

    def __init__(self, url: str, name: str, prefetch: int = 100, stopping: asyncio.Event | None = None) -> None:
        self._url, self._name, self._prefetch = url, name, prefetch
        self._stopping = stopping or asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Session:
        try:
            return await self._open()
        except LINE_ERRORS as error:
            await self._close()
            raise TransientError(f"no broker: {type(error).__name__} {str(error)[:120]}".strip()) from error

    async def _open(self) -> Session:
        tolerate_any_property()
        connection = await aio_pika.connect(
            self._url, client_properties={"connection_name": self._name}, timeout=CALL_TIMEOUT
        )
        self._connection = connection
        publisher = await connection.channel(publisher_confirms=True, on_return_raises=True)
        consumer = await connection.channel(publisher_confirms=False)
        await consumer.set_qos(prefetch_count=self._prefetch)
        consuming = await _wire(consumer)
        session = Session(
            connection,
            publisher,
            await _wire(publisher),
            consuming,
            connection.url.user,
            self._stopping,
        )

        def ended(*_: object) -> None:
            session.closed.set()

        consuming.on_consumer_cancel_callbacks.add(ended)  # by the broker: a queue was deleted, or its leader lost
        connection.close_callbacks.add(ended)
        publisher.close_callbacks.add(ended)
        consumer.close_callbacks.add(ended)
        self._watcher = asyncio.create_task(session.watch(), name="session-watch")
        return session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        if self._connection is not None:
            try:
                await asyncio.wait_for(self._connection.close(), 5)
            except LINE_ERRORS:
                _log.debug("close_failed")
