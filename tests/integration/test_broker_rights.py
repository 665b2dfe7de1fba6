"""What the broker itself refuses each user: least privilege, shown by trying."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import aiohttp
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed

from deploy.embedded.rabbitmq import PrivateRabbit
from proto.addresses import REGISTRY_ADDRESS, routing_key
from proto.errors import Reason, RefusedError
from proto.topology import (
    ARCHIVE_GRANT,
    ARCHIVE_QUEUE,
    DEAD_LETTERS,
    DEAD_QUEUE,
    DELIVER,
    FEED,
    REFUSED,
    REGISTRY,
    ROUTER_GRANT,
    ROUTER_QUEUE,
    SCORING_GRANT,
    SCORING_QUEUE,
    SUBMIT,
    gateway_grant,
    inbox_of,
)
from services.kit.broker_admin import BrokerUser, apply_definitions, definitions
from services.kit.ids import utc_now
from services.kit.trust.verify import verify_message
from tests.conftest import fresh_vhost
from tests.world import JIANGYIN, KUNSHAN, REFORM, SUZHOU, World

MINE = (KUNSHAN, REFORM)
THEIRS = (SUZHOU, JIANGYIN)
GRANTS = {
    "gateway": gateway_grant(MINE),
    "other-gateway": gateway_grant(THEIRS),
    "router": ROUTER_GRANT,
    "archive": ARCHIVE_GRANT,
    "scoring": SCORING_GRANT,
}
EXCHANGES = (SUBMIT, DELIVER, REFUSED, DEAD_LETTERS, "yz.unrouted", "")
QUEUES = (
    ROUTER_QUEUE, ARCHIVE_QUEUE, SCORING_QUEUE, DEAD_QUEUE, REGISTRY, FEED, *map(inbox_of, (*MINE, *THEIRS)),
)  # fmt: skip
MAY_WRITE = {
    "gateway": {SUBMIT},
    "router": {DELIVER, REFUSED, DEAD_LETTERS},
    "archive": {DEAD_LETTERS},
    "scoring": {DEAD_LETTERS},
}
MAY_READ = {
    "gateway": {REGISTRY, *map(inbox_of, MINE)},
    "router": {REGISTRY, ROUTER_QUEUE},
    "archive": {REGISTRY, ARCHIVE_QUEUE},
    "scoring": {REGISTRY, SCORING_QUEUE},
}
SERVICES = sorted(MAY_WRITE)
Attempt = Callable[[AbstractChannel], Awaitable[object]]


@dataclass(frozen=True)
class Broker:
    """A broker that was set up as in the field, and a way in for each user."""

    url_of: Callable[[str], str]
    name_of: dict[str, str]
    connections: dict[str, AbstractConnection]

    async def as_user(self, user: str, attempt: Attempt) -> object:
        """Try something on a channel of its own, since a refusal closes it."""
        channel = await self.connections[user].channel()
        try:
            return await attempt(channel)
        finally:
            if not channel.is_closed:
                await channel.close()

    async def refuses(self, user: str, attempt: Attempt, error: type[AMQPError] = ChannelAccessRefused) -> None:
        with pytest.raises(error):
            await self.as_user(user, attempt)

    def publishing(self, user: str, exchange: str, key: str, user_id: str | None = "") -> Attempt:
        """Return an attempt to publish; ``user_id`` empty for the user's own."""
        message = aio_pika.Message(b"x", user_id=self.name_of[user] if user_id == "" else user_id)

        async def attempt(channel: AbstractChannel) -> object:
            target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            return await target.publish(message, key, mandatory=False, timeout=10)

        return attempt


@pytest_asyncio.fixture(scope="module")
async def broker(rabbit: PrivateRabbit, admin_url: str) -> AsyncIterator[Broker]:
    suffix, password = uuid4().hex[:8], uuid4().hex
    names = {user: f"{user}-{suffix}" for user in GRANTS}
    users = [BrokerUser(name=names[user], password=password, grant=grant) for user, grant in GRANTS.items()]
    connections: dict[str, AbstractConnection] = {}
    async with fresh_vhost(admin_url) as vhost, aiohttp.ClientSession(raise_for_status=True) as http:
        document = definitions(vhost, (*MINE, *THEIRS), users)
        await apply_definitions(admin_url, document)
        await apply_definitions(admin_url, document)  # repeating it is harmless

        def url_of(user: str) -> str:
            return rabbit.amqp_url(names[user], password, vhost)

        try:
            for user in GRANTS:
                connections[user] = await aio_pika.connect(url_of(user))
            yield Broker(url_of, names, connections)
        finally:
            for connection in connections.values():
                await connection.close()
            for name in names.values():
                await http.delete(f"{admin_url}/api/users/{name}")


def getting(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> AbstractIncomingMessage | None:
        return await (await channel.get_queue(queue, ensure=False)).get(no_ack=True, fail=False, timeout=10)

    return attempt


async def _ignore(_: AbstractIncomingMessage) -> None:
    """Take a delivery and leave it unacknowledged."""


def consuming(queue: str, **more: object) -> Attempt:
    async def attempt(channel: AbstractChannel) -> object:
        await channel.set_qos(prefetch_count=1)
        found = await channel.get_queue(queue, ensure=False)
        return await found.consume(_ignore, timeout=10, **more)  # type: ignore[arg-type]

    return attempt


def key_for(exchange: str) -> str:
    return routing_key(KUNSHAN, "report") if exchange else inbox_of(KUNSHAN)


@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_who_may_publish_where(broker: Broker, user: str, exchange: str) -> None:
    attempt = broker.publishing(user, exchange, key_for(exchange))
    if exchange in MAY_WRITE[user]:
        await broker.as_user(user, attempt)
    else:
        await broker.refuses(user, attempt)


@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize("queue", QUEUES)
async def test_who_may_read_what(broker: Broker, user: str, queue: str) -> None:
    attempt = consuming(queue)
    if queue in MAY_READ[user]:
        await broker.as_user(user, attempt)
        return
    await broker.refuses(user, attempt)
    await broker.refuses(user, getting(queue))


@pytest.mark.parametrize("code", THEIRS)
async def test_a_gateway_does_not_speak_for_others(broker: Broker, code: str) -> None:
    for kind in ("report", "directory", "receipt"):
        await broker.refuses("gateway", broker.publishing("gateway", SUBMIT, routing_key(code, kind)))


@pytest.mark.parametrize(
    "key", ["", "#", "32.05.83.gov", "32.05.83.gov.report.x", "32.05.83.govx.report", REGISTRY_ADDRESS + ".directory"]
)
async def test_a_gateway_uses_no_other_keys(broker: Broker, key: str) -> None:
    await broker.refuses("gateway", broker.publishing("gateway", SUBMIT, key))


async def test_a_gateway_speaks_for_each_of_its_nodes(broker: Broker) -> None:
    for code in MINE:
        await broker.as_user("gateway", broker.publishing("gateway", SUBMIT, routing_key(code, "report")))


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_uses_anothers_name(broker: Broker, user: str) -> None:
    exchange = min(MAY_WRITE[user])
    attempt = broker.publishing(user, exchange, key_for(exchange), user_id=broker.name_of["other-gateway"])
    await broker.refuses(user, attempt, ChannelPreconditionFailed)


async def test_a_name_that_is_left_out_stays_out_so_the_router_must_miss_it(broker: Broker, world: World) -> None:
    """The broker checks a name but does not fill it in: an absent one must count as a wrong one."""
    await broker.as_user("router", _purging(ROUTER_QUEUE))
    await broker.as_user("gateway", broker.publishing("gateway", SUBMIT, routing_key(KUNSHAN, "report"), user_id=None))
    arrived = await broker.as_user("router", getting(ROUTER_QUEUE))
    assert isinstance(arrived, AbstractIncomingMessage)
    assert arrived.user_id is None
    message, envelope = world.report(KUNSHAN)
    with pytest.raises(RefusedError) as refusal:
        verify_message(world.state, envelope, message, now=utc_now(), user_id=arrived.user_id or "")
    assert refusal.value.reason is Reason.WRONG_GATEWAY


async def test_the_router_sees_who_sent(broker: Broker) -> None:
    await broker.as_user("router", _purging(ROUTER_QUEUE))
    await broker.as_user("gateway", broker.publishing("gateway", SUBMIT, routing_key(REFORM, "report")))
    arrived = await broker.as_user("router", getting(ROUTER_QUEUE))
    assert isinstance(arrived, AbstractIncomingMessage)
    assert (arrived.user_id, arrived.routing_key) == (broker.name_of["gateway"], routing_key(REFORM, "report"))


@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize("name", ["yz.inbox.320999", "amq.gen-mine", ROUTER_QUEUE, REGISTRY])
async def test_nobody_declares_or_deletes_a_queue(broker: Broker, user: str, name: str) -> None:
    await broker.refuses(user, lambda channel: channel.declare_queue(name, durable=True))
    await broker.refuses(user, lambda channel: channel.queue_delete(name))


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_has_a_queue_of_its_own(broker: Broker, user: str) -> None:
    await broker.refuses(user, lambda channel: channel.declare_queue(exclusive=True))


@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize("name", ["yz.mine", SUBMIT, DELIVER])
async def test_nobody_declares_or_deletes_an_exchange(broker: Broker, user: str, name: str) -> None:
    await broker.refuses(user, lambda channel: channel.declare_exchange(name, "topic", durable=True))
    await broker.refuses(user, lambda channel: channel.exchange_delete(name))


@pytest.mark.parametrize(("user", "queue"), [(user, queue) for user in SERVICES for queue in sorted(MAY_READ[user])])
async def test_nobody_binds_more_to_what_it_reads(broker: Broker, user: str, queue: str) -> None:
    for exchange in (SUBMIT, DELIVER):

        async def bind(channel: AbstractChannel, exchange: str = exchange) -> None:
            await (await channel.get_queue(queue, ensure=False)).bind(exchange, "#")

        async def unbind(channel: AbstractChannel, exchange: str = exchange) -> None:
            await (await channel.get_queue(queue, ensure=False)).unbind(exchange, "#")

        await broker.refuses(user, bind)
        await broker.refuses(user, unbind)


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_empties_what_it_may_not_read(broker: Broker, user: str) -> None:
    for queue in set(QUEUES) - MAY_READ[user]:
        await broker.refuses(user, _purging(queue))


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_empties_the_registry(broker: Broker, user: str) -> None:
    """Reading gives the right to purge a queue, but a stream cannot be purged: 540, which ends the connection."""
    connection = await aio_pika.connect(broker.url_of(user))
    async with connection:
        channel = await connection.channel()
        with pytest.raises(AMQPError):
            await _purging(REGISTRY)(channel)


async def test_nobody_keeps_the_registry_to_itself(broker: Broker) -> None:
    """A stream takes an exclusive consumer but does not shut out the others."""
    channel = await broker.connections["gateway"].channel()
    await consuming(REGISTRY, exclusive=True)(channel)
    await broker.as_user("router", consuming(REGISTRY))
    await channel.close()


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_enters_another_vhost(broker: Broker, user: str) -> None:
    url = broker.url_of(user)
    with pytest.raises(AMQPError, match=r"Connection\.Close"):
        await aio_pika.connect(url.rpartition("/")[0] + "/yizhan")


@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_manages(broker: Broker, admin_url: str, user: str) -> None:
    parts, admin = urlsplit(broker.url_of(user)), urlsplit(admin_url)
    assert parts.username
    assert parts.password
    login = {"Authorization": aiohttp.encode_basic_auth(parts.username, parts.password)}
    async with aiohttp.ClientSession(headers=login) as http:
        for path in ("overview", "queues", "definitions"):
            async with http.get(f"http://{admin.hostname}:{admin.port}/api/{path}") as answer:
                assert answer.status == 401


def _purging(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> object:
        return await (await channel.get_queue(queue, ensure=False)).purge(timeout=10)

    return attempt
