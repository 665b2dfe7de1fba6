"""Consuming into a database: batches are bounded by count and by bytes."""

import asyncio
from collections.abc import Sequence

from proto.topology import ARCHIVE_QUEUE
from services.kit import broker_admin
from services.kit.consumer import BatchConsumer
from services.kit.session import Incoming, open_session

LARGE, SMALL = 400_000, 1_000  # bytes


async def test_a_batch_holds_a_mebibyte_or_one_larger_message(amqp_url: str) -> None:
    await broker_admin.declare(amqp_url, [])
    sizes = [SMALL, LARGE, LARGE, LARGE, 2_000_000, SMALL, SMALL, SMALL]
    batches: list[list[int]] = []
    everything_came, done = asyncio.Event(), asyncio.Event()

    async def handle(batch: Sequence[Incoming]) -> None:
        if not batches:  # the first waits until all the others lie behind it
            await everything_came.wait()
        batches.append([len(m.body) for m in batch])
        if sum(map(len, batches)) == len(sizes) + 1:
            done.set()

    async with open_session(amqp_url, "consumer", 50) as session:
        consumer = BatchConsumer(session, handle, size=3)
        consuming = asyncio.create_task(consumer.run([ARCHIVE_QUEUE]))
        for number, size in enumerate([SMALL, *sizes]):
            await session.publish("", ARCHIVE_QUEUE, b"x" * size, message_id=str(number))
        await asyncio.sleep(0.5)
        everything_came.set()
        await asyncio.wait_for(done.wait(), 10)
        consuming.cancel()
    assert batches == [[SMALL], [SMALL, LARGE, LARGE], [LARGE], [2_000_000], [SMALL, SMALL, SMALL]]
