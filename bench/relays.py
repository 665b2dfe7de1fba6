"""The references: the same hop without verification, plain aio-pika and FastStream. Each runs as its own process.

``BENCH_URL=… python -m bench.relays plain|faststream`` takes from ``bench.in``, publishes confirmed to ``bench.out`` and only
then acknowledges, on the router's event loop and queue type, with a prefetch of 200, beyond which they gain nothing (the
router holds more, since its acknowledgements wait for receipts that go out together).
"""

import asyncio
import os
import sys

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage

IN, OUT, PREFETCH = "bench.in", "bench.out", 200


async def plain(url: str) -> None:
    """Relay with aio-pika as its documentation shows it."""
    connection = await aio_pika.connect_robust(url)
    channel = await connection.channel(publisher_confirms=True)
    await channel.set_qos(PREFETCH)
    exchange = await channel.get_exchange(OUT)
    queue = await channel.get_queue(IN)

    async def relay(message: AbstractIncomingMessage) -> None:
        await exchange.publish(
            aio_pika.Message(
                message.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=message.message_id
            ),
            message.routing_key or "",
        )
        await message.ack()

    await queue.consume(relay)
    await asyncio.Event().wait()


async def faststream(url: str) -> None:
    """Relay with FastStream as its documentation shows it."""
    from faststream import AckPolicy, FastStream  # noqa: PLC0415 - a bench-only dependency
    from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue  # noqa: PLC0415

    broker = RabbitBroker(url, logger=None, default_channel=Channel(prefetch_count=PREFETCH, publisher_confirms=True))
    target = RabbitExchange(OUT, type=ExchangeType.TOPIC, declare=False)

    @broker.subscriber(RabbitQueue(IN, declare=False), ack_policy=AckPolicy.ACK, no_reply=True)
    async def relay(body: bytes, message: RabbitMessage) -> None:
        await broker.publish(
            body,
            exchange=target,
            routing_key=message.raw_message.routing_key or "",
            persist=True,
            message_id=message.message_id,
        )

    await FastStream(broker).run()


def main() -> None:
    """Run one relay until killed."""
    relays = {"plain": plain, "faststream": faststream}
    uvloop.run(relays[sys.argv[1]](os.environ["BENCH_URL"]))


if __name__ == "__main__":
    main()
