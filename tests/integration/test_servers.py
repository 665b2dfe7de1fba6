"""What the fixtures promise: a database and a vhost of the test's own, and a topology in it."""

import aio_pika
import asyncpg

from proto.topology import ROUTER_QUEUE, inbox_of
from tests.world import KUNSHAN


async def test_a_database_of_its_own(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    finally:
        await connection.close()


async def test_a_vhost_with_the_topology(amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        for name in (ROUTER_QUEUE, inbox_of(KUNSHAN)):
            queue = await channel.get_queue(name)
            assert queue.declaration_result.message_count == 0
