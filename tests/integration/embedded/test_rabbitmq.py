"""The private RabbitMQ, against the real program."""

import aio_pika
import aiohttp
import pytest

from deploy.embedded.rabbitmq import PrivateRabbit
from deploy.embedded.rabbitmq_config import ADMIN


async def test_rabbitmq_keeps_messages_and_refuses_guest(rabbit: PrivateRabbit) -> None:
    await rabbit.start()
    for user, password in (("guest", "guest"), (ADMIN, "wrong")):
        with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
            await aio_pika.connect(rabbit.amqp_url(user, password))
    connection = await aio_pika.connect(rabbit.amqp_url(ADMIN, rabbit.admin_password))
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message("驿".encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")
    await rabbit.stop()
    await rabbit.start()
    connection = await aio_pika.connect(rabbit.amqp_url(ADMIN, rabbit.admin_password))
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue("kept")
        assert (await queue.get(no_ack=True)).body == "驿".encode()
    async with aiohttp.ClientSession() as session, session.get(f"{rabbit.admin_url}/api/users") as response:
        assert [user["name"] for user in await response.json()] == [ADMIN]
    async with aiohttp.ClientSession() as session, session.get(f"{rabbit.admin_url}/api/vhosts") as response:
        assert [vhost["name"] for vhost in await response.json()] == ["yizhan"]
