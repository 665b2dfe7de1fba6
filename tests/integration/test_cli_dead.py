"""Dead letters, seen and settled from the command line against a real broker; whose word is believed."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from deploy.embedded.ports import Ports
from proto.addresses import routing_key
from proto.topology import (
    DEAD_LETTERS,
    DEAD_QUEUE,
    DELIVER,
    OPERATOR_GRANT,
    ROUTER_GRANT,
    ROUTER_QUEUE,
    SUBMIT,
    UNROUTED,
    Grant,
    gateway_grant,
    inbox_of,
)
from services.cli import broker, letters
from services.cli.failures import Exit
from services.cli.network.servers import broker_users
from services.cli.place import Place
from services.kit import broker_admin
from services.kit.bus import open_session
from tests.assets.properties import UNREADABLE, properties, short
from tests.integration.routing import publish_raw
from tests.integration.test_cli_bus import run
from tests.waiting import eventually
from tests.world import KUNSHAN, SUZHOU, World

DEADLINE = 20.0  # seconds


@pytest_asyncio.fixture
async def gateway_url(amqp_url: str, admin_url: str, vhost: str) -> AsyncIterator[str]:
    """URL of a broker user that may speak for Suzhou and for nobody else."""
    async with _broker_user(amqp_url, admin_url, vhost, "gateway", gateway_grant([SUZHOU])) as url:
        yield url


@pytest_asyncio.fixture
async def operator_url(amqp_url: str, admin_url: str, vhost: str) -> AsyncIterator[str]:
    """URL of a broker user with the operator's rights and no others."""
    async with _broker_user(amqp_url, admin_url, vhost, "operator", OPERATOR_GRANT) as url:
        yield url


@pytest_asyncio.fixture
async def router_url(amqp_url: str, admin_url: str, vhost: str) -> AsyncIterator[str]:
    """URL of the router's broker user, under the name by which its word is believed."""
    async with _broker_user(amqp_url, admin_url, vhost, "router", ROUTER_GRANT) as url:
        yield url


@asynccontextmanager
async def _broker_user(amqp_url: str, admin_url: str, vhost: str, role: str, grant: Grant) -> AsyncIterator[str]:
    name = role if role in broker.SERVICE_USERS - {broker.OPERATOR} else f"{role}-{uuid4().hex[:8]}"
    user = broker_admin.BrokerUser(name=name, password="secret", grant=grant)
    await broker_admin.apply_definitions(admin_url, broker_admin.definitions(vhost, [KUNSHAN, SUZHOU], [user]))
    parts = urlsplit(amqp_url)
    yield parts._replace(netloc=f"{name}:secret@{parts.netloc.rpartition('@')[2]}").geturl()
    async with aiohttp.ClientSession() as http:
        await http.delete(f"{admin_url}/api/users/{name}")


async def _park(session: Any, world: World, exchange: str, consumer: str, key: str) -> bytes:
    _, envelope = world.report(KUNSHAN)
    headers = {"x-yz-exchange": exchange, "x-yz-consumer": consumer, "x-yz-reason": "PoisonError", "x-yz-user": "gw"}
    body = envelope.packed()
    await session.publish(DEAD_LETTERS, key, body, message_id=str(uuid4()), headers=headers)
    return body


async def _taken(url: str, queue: str) -> list[Any]:
    """Return what waits in a queue, taken out of it."""
    async with broker.connected(url, "test") as connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        found = []
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            found.append(message)
        return found


def _death(queue: str) -> dict[str, Any]:
    return {
        "queue": queue, "exchange": DELIVER, "reason": "rejected", "count": 1,
        "routing-keys": [routing_key(KUNSHAN, "decision")],
    }  # fmt: skip


async def _give_up(url: str, queue: str) -> None:
    """Reject the queue's first message, so that the broker dead-letters it."""
    async with broker.connected(url, "test") as connection:
        source = await (await connection.channel()).get_queue(queue, ensure=False)
        message = await source.get(no_ack=False)
        assert message is not None
        await message.reject(requeue=False)


async def _depth(url: str, queue: str) -> int:
    async with broker.connected(url, "test") as connection:
        return (await broker.depths(connection, [queue]))[queue] or 0


_FORGED: dict[str, dict[str, Any]] = {
    "x-yz": {"x-yz-exchange": DELIVER, "x-yz-consumer": inbox_of(KUNSHAN), "x-yz-reason": "DiskFullError"},
    "x-death": {"x-death": [_death(inbox_of(KUNSHAN))]},
    "x-death of the queue itself": {"x-death": [_death("yz.router")]},
    "both": {"x-death": [_death("yz.router"), _death(inbox_of(KUNSHAN))], "x-yz-exchange": DELIVER},
}


async def test_dead_letters_are_seen_replayed_to_where_they_failed_and_dropped(
    amqp_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    inbox = inbox_of(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        to_inbox = await _park(session, world, DELIVER, inbox, routing_key(SUZHOU, "report"))
        to_router = await _park(session, world, SUBMIT, "yz.router", routing_key(KUNSHAN, "report"))
        await _park(session, world, DELIVER, "yz.scoring", routing_key(KUNSHAN, "decision"))
        await session.publish(UNROUTED, "32.05.83.gov.gossip", b"?", message_id=str(uuid4()))
    for _ in range(3):  # looking takes nothing away and changes no order
        listed = json.loads((await run("dead", "list", "--json")).stdout)
        assert [x["queue"] for x in listed] == [inbox, "yz.router", "yz.scoring", ""]
    assert [x["target"] for x in listed] == [
        {"exchange": "", "key": inbox},
        {"exchange": SUBMIT, "key": routing_key(KUNSHAN, "report")},
        {"exchange": "", "key": "yz.scoring"},
        None,
    ]
    shown = await run("dead", "show", listed[0]["fingerprint"])
    assert "PoisonError" in shown.stdout
    assert "企业开办" not in shown.stdout
    replayed = await run("dead", "replay", "1", listed[1]["fingerprint"], "--json")
    assert replayed.exit_code == Exit.GOOD, replayed.stderr
    assert len(json.loads(replayed.stdout)["replayed"]) == 2
    (found,) = await _taken(amqp_url, inbox)
    assert found.body == to_inbox
    assert found.user_id == urlsplit(amqp_url).username  # ours: the sender's is not ours to claim
    assert not any(name.startswith("x-yz") for name in found.headers)
    (routed,) = await _taken(amqp_url, "yz.router")
    assert (routed.body, routed.routing_key) == (to_router, routing_key(KUNSHAN, "report"))
    assert (await run("dead", "drop", "1", "2")).exit_code == Exit.USAGE  # nobody to ask
    nowhere = await run("dead", "replay", "2")
    assert (nowhere.exit_code, "dead.no_target" in nowhere.stderr) == (Exit.NOT_SO, True)
    dropped = await run("dead", "drop", "1", "2", "--yes")
    assert dropped.exit_code == Exit.GOOD, dropped.stderr
    assert json.loads((await run("dead", "list", "--json")).stdout) == []
    gone = await run("dead", "drop", "1", "--yes")
    assert (gone.exit_code, "dead.unknown" in gone.stderr) == (Exit.NOT_SO, True)


async def test_a_replay_that_the_broker_does_not_take_leaves_the_letter(
    amqp_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    async with open_session(amqp_url, "test") as session:
        await _park(session, world, DELIVER, "yz.inbox.nowhere", routing_key(KUNSHAN, "report"))
    result = await run("dead", "replay", "1")
    assert result.exit_code == Exit.UNREACHABLE
    assert "dead.not_taken" in result.stderr
    assert len(json.loads((await run("dead", "list", "--json")).stdout)) == 1


def test_those_who_are_believed_are_the_users_that_the_network_makes(tmp_path: Path) -> None:
    class Keys(Place):
        def broker_password(self, name: str) -> str:
            return name

    users = {user.name for user in broker_users(Keys(tmp_path, Ports(10_000)), [KUNSHAN])}
    assert users - broker.SERVICE_USERS == {"gateway"}
    assert users >= broker.SERVICE_USERS


async def test_what_the_broker_itself_gave_up_goes_back_to_its_queue(amqp_url: str, world: World) -> None:
    inbox = inbox_of(KUNSHAN)
    _, envelope = world.report(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        await session.publish(DELIVER, routing_key(KUNSHAN, "report"), envelope.packed(), message_id=str(uuid4()))
    await _give_up(amqp_url, inbox)
    found = await eventually(
        lambda: letters.look(amqp_url, 10), "a letter"
    )  # at-least-once dead-lettering goes its own way
    assert found[0].queue == inbox
    assert found[0].reason == "rejected"
    assert found[0].claimed == ("kind", "origin", "id")  # where and why is the broker's word about our own message
    assert found[0].target == letters.Target(exchange="", key=inbox)


@pytest.mark.parametrize("headers", _FORGED.values(), ids=_FORGED)
async def test_what_a_gateway_wrote_goes_back_to_the_router_whatever_its_headers_say(
    amqp_url: str, gateway_url: str, headers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    key = routing_key(SUZHOU, "report")
    async with open_session(gateway_url, "rogue") as session:
        await session.publish(SUBMIT, key, b"forged", message_id=str(uuid4()), headers=headers)
    await _give_up(amqp_url, ROUTER_QUEUE)
    (letter,) = await eventually(lambda: letters.look(amqp_url, 10), "a letter")
    assert letter.user == urlsplit(gateway_url).username
    assert (letter.queue, letter.reason) == (ROUTER_QUEUE, "rejected")
    assert letter.claimed == ("kind", "origin", "id", "queue", "reason")
    assert letter.target == letters.Target(exchange=SUBMIT, key=key)
    listed = await run("dead", "list")
    assert f"{ROUTER_QUEUE}*" in listed.stdout
    assert "发件方自称" in listed.stdout
    await letters.settle(amqp_url, 10, ["1"], replay=True)
    assert await _taken(amqp_url, inbox_of(KUNSHAN)) == []
    (back,) = await _taken(amqp_url, ROUTER_QUEUE)
    assert (back.routing_key, back.body) == (key, b"forged")
    assert not back.headers.keys() & {"x-death", *_FORGED["x-yz"]}


async def test_what_cannot_be_read_of_a_letter_hides_none(amqp_url: str, gateway_url: str) -> None:
    user = short((urlsplit(gateway_url).username or "").encode())
    fields = properties(user_id=user, **UNREADABLE["a time of the year 292278994"])
    await publish_raw(gateway_url, SUBMIT, routing_key(SUZHOU, "report"), b"?", fields)
    await eventually(lambda: _depth(amqp_url, ROUTER_QUEUE), "a message")
    await _give_up(amqp_url, ROUTER_QUEUE)
    await eventually(lambda: _depth(amqp_url, DEAD_QUEUE), "a message")
    process = (
        await asyncio.create_subprocess_exec(  # alone: whoever opened a session here has made the library tolerant
            sys.executable,
            "-m",
            "services.cli",
            "dead",
            "list",
            "--json",
            env=os.environ | {"YIZHAN_AMQP_URL": amqp_url},
            stdout=asyncio.subprocess.PIPE,
        )
    )
    listed, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert [letter["reason"] for letter in json.loads(listed)] == ["rejected"]


async def test_the_operators_own_rights_are_enough(
    amqp_url: str, operator_url: str, router_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", operator_url)
    inbox = inbox_of(KUNSHAN)
    async with open_session(router_url, "test") as session:
        await _park(session, world, DELIVER, inbox, routing_key(SUZHOU, "report"))
        await _park(session, world, SUBMIT, "yz.router", routing_key(KUNSHAN, "report"))
        await _park(session, world, DELIVER, "yz.archive", routing_key(KUNSHAN, "report"))
    assert (await run("tail", "--from", "first", "--wait", "0.2")).exit_code == Exit.GOOD
    async with broker.connected(operator_url, "test") as connection:
        assert await broker.depths(connection, [inbox, DEAD_QUEUE]) == {inbox: 0, DEAD_QUEUE: 3}
    replayed = await run("dead", "replay", "1", "2", "3")
    assert replayed.exit_code == Exit.GOOD, replayed.stderr
    assert len(await _taken(amqp_url, "yz.archive")) == 1


async def test_a_right_that_the_user_lacks_is_said_and_the_letter_stays(
    operator_url: str, router_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", operator_url)
    async with open_session(router_url, "test") as session:
        await _park(session, world, "amq.topic", "yz.archive", routing_key(KUNSHAN, "report"))
    result = await run("dead", "replay", "1")
    assert (result.exit_code, "broker.permission" in result.stderr) == (Exit.CANNOT, True)
    assert len(json.loads((await run("dead", "list", "--json")).stdout)) == 1
