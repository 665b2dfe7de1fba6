"""The command line against a real broker: tail, dead letters, rights."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from proto.addresses import routing_key
from proto.topology import DEAD_LETTERS, DEAD_QUEUE, DELIVER, OPERATOR_GRANT, SUBMIT, inbox_of
from services.cli import broker, broker_setup, letters
from services.cli.app import app
from services.cli.directory import Change
from services.cli.failures import Exit
from services.kit import broker_admin
from services.kit.bus import open_session
from services.kit.crypto import write_secret
from tests.world import KUNSHAN, SUZHOU, World

DEADLINE = 20.0  # seconds
PAUSE = 0.05
T = TypeVar("T")


async def _run(*words: str) -> Any:
    """Run a command as its own process would: on another thread, with a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), prog_name="yizhan")


async def _until(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again until the answer is true, where nobody tells of the change."""
    for _ in range(int(DEADLINE / PAUSE)):
        if found := await ask():
            return found
        await asyncio.sleep(PAUSE)
    raise TimeoutError


async def test_queues_that_are_not_there_are_told_from_empty_ones(amqp_url: str) -> None:
    async with broker.connected(amqp_url, "test") as connection:
        assert await broker.depths(connection, ["yz.nowhere", DEAD_QUEUE]) == {"yz.nowhere": None, DEAD_QUEUE: 0}


async def test_tail_shows_heads_and_never_the_text(
    amqp_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    report, envelope = world.report(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        for _ in range(3):
            key = routing_key(SUZHOU, "report")
            await session.publish(DELIVER, key, envelope.packed(), message_id=str(uuid4()), kind="report")
    result = await _run("tail", "--from", "first", "--kind", "report", "--count", "2", "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == [str(report.id)] * 2
    assert lines[0]["origin"] == KUNSHAN
    assert "企业开办" not in result.stdout
    later = await _run("tail", "--from", str(lines[1]["offset"] + 1), "--wait", "0.5")
    assert later.exit_code == Exit.GOOD
    assert len(later.stdout.splitlines()) == 1
    assert (await _run("tail", "--from", "next", "--wait", "0.2")).stdout == ""


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


async def test_dead_letters_are_seen_replayed_to_where_they_failed_and_dropped(
    amqp_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    inbox = inbox_of(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        to_inbox = await _park(session, world, DELIVER, inbox, routing_key(SUZHOU, "report"))
        to_router = await _park(session, world, SUBMIT, "yz.router", routing_key(KUNSHAN, "report"))
        await _park(session, world, DELIVER, "yz.scoring", routing_key(KUNSHAN, "decision"))
        await session.publish(SUBMIT, "32.05.83.gov.gossip", b"?", message_id=str(uuid4()))  # bound to nothing
    for _ in range(3):  # looking takes nothing away and changes no order
        listed = json.loads((await _run("dead", "list", "--json")).stdout)
        assert [x["queue"] for x in listed] == [inbox, "yz.router", "yz.scoring", ""]
    assert [x["target"] for x in listed] == [
        {"exchange": "", "key": inbox},
        {"exchange": SUBMIT, "key": routing_key(KUNSHAN, "report")},
        {"exchange": "", "key": "yz.scoring"},
        {"exchange": SUBMIT, "key": "32.05.83.gov.gossip"},
    ]
    shown = await _run("dead", "show", listed[0]["fingerprint"])
    assert "PoisonError" in shown.stdout
    assert "企业开办" not in shown.stdout
    replayed = await _run("dead", "replay", "1", listed[1]["fingerprint"], "--json")
    assert replayed.exit_code == Exit.GOOD, replayed.stderr
    assert len(json.loads(replayed.stdout)["replayed"]) == 2
    (found,) = await _taken(amqp_url, inbox)
    assert found.body == to_inbox
    assert found.user_id == urlsplit(amqp_url).username  # ours: the sender's is not ours to claim
    assert not any(name.startswith("x-yz") for name in found.headers)
    (routed,) = await _taken(amqp_url, "yz.router")
    assert (routed.body, routed.routing_key) == (to_router, routing_key(KUNSHAN, "report"))
    assert (await _run("dead", "drop", "1", "2")).exit_code == Exit.USAGE  # nobody to ask
    dropped = await _run("dead", "drop", "1", "2", "--yes")
    assert dropped.exit_code == Exit.GOOD, dropped.stderr
    assert json.loads((await _run("dead", "list", "--json")).stdout) == []
    gone = await _run("dead", "drop", "1", "--yes")
    assert (gone.exit_code, "dead.unknown" in gone.stderr) == (Exit.NOT_SO, True)


async def test_a_replay_that_the_broker_does_not_take_leaves_the_letter(
    amqp_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    async with open_session(amqp_url, "test") as session:
        await _park(session, world, DELIVER, "yz.inbox.nowhere", routing_key(KUNSHAN, "report"))
    result = await _run("dead", "replay", "1")
    assert result.exit_code == Exit.UNREACHABLE
    assert "dead.not_taken" in result.stderr
    assert len(json.loads((await _run("dead", "list", "--json")).stdout)) == 1


async def test_what_the_broker_itself_gave_up_goes_back_to_its_queue(amqp_url: str, world: World) -> None:
    inbox = inbox_of(KUNSHAN)
    _, envelope = world.report(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        await session.publish(DELIVER, routing_key(KUNSHAN, "report"), envelope.packed(), message_id=str(uuid4()))
    async with broker.connected(amqp_url, "test") as connection:
        channel = await connection.channel()
        source = await channel.get_queue(inbox, ensure=False)
        message = await source.get(no_ack=False)
        assert message is not None
        await message.reject(requeue=False)
    found = await _until(lambda: letters.look(amqp_url, 10))  # at-least-once dead-lettering goes its own way
    assert found[0].queue == inbox
    assert found[0].reason == "rejected"
    assert found[0].target == letters.Target(exchange="", key=inbox)


async def test_definitions_for_new_units_give_the_gateway_its_inbox(
    admin_url: str, vhost: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    from services.cli.place import Place  # noqa: PLC0415 - reads the environment that was just set

    place = Place.here()
    write_secret(place.config, f'[gateway]\namqp_url = "amqp://gateway@127.0.0.1:1/{vhost}"\n'.encode())
    change = Change(path=tmp_path, version=2, added=[KUNSHAN], changed=[], directory=world.state.directory)
    document = broker_setup.definitions_for(place, change)
    (right,) = document["permissions"]
    assert right["user"] == "gw-test"
    assert KUNSHAN in right["read"]
    await broker_admin.apply_definitions(admin_url, document | {"permissions": [], "topic_permissions": []})
    async with aiohttp.ClientSession() as http, http.get(f"{admin_url}/api/queues/{vhost}") as answer:
        assert inbox_of(KUNSHAN) in {queue["name"] for queue in await answer.json()}


@pytest_asyncio.fixture
async def operator_url(amqp_url: str, admin_url: str, vhost: str) -> AsyncIterator[str]:
    """URL of a broker user with the operator's rights and no others."""
    name = f"operator-{uuid4().hex[:8]}"
    user = broker_admin.BrokerUser(name=name, password="operator", grant=OPERATOR_GRANT)
    await broker_admin.apply_definitions(admin_url, broker_admin.definitions(vhost, [], [user]))
    parts = urlsplit(amqp_url)
    yield parts._replace(netloc=f"{name}:operator@{parts.netloc.rpartition('@')[2]}").geturl()
    async with aiohttp.ClientSession() as http:
        await http.delete(f"{admin_url}/api/users/{name}")


async def test_the_operators_own_rights_are_enough(
    amqp_url: str, operator_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", operator_url)
    inbox = inbox_of(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        await _park(session, world, DELIVER, inbox, routing_key(SUZHOU, "report"))
        await _park(session, world, SUBMIT, "yz.router", routing_key(KUNSHAN, "report"))
        await _park(session, world, DELIVER, "yz.archive", routing_key(KUNSHAN, "report"))
    assert (await _run("tail", "--from", "first", "--wait", "0.2")).exit_code == Exit.GOOD
    async with broker.connected(operator_url, "test") as connection:
        assert await broker.depths(connection, [inbox, DEAD_QUEUE]) == {inbox: 0, DEAD_QUEUE: 3}
    replayed = await _run("dead", "replay", "1", "2", "3")
    assert replayed.exit_code == Exit.GOOD, replayed.stderr
    assert len(await _taken(amqp_url, "yz.archive")) == 1


async def test_a_right_that_the_user_lacks_is_said_and_the_letter_stays(
    amqp_url: str, operator_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_AMQP_URL", operator_url)
    async with open_session(amqp_url, "test") as session:
        await _park(session, world, "amq.topic", "yz.archive", routing_key(KUNSHAN, "report"))
    result = await _run("dead", "replay", "1")
    assert (result.exit_code, "broker.permission" in result.stderr) == (Exit.CANNOT, True)
    assert len(json.loads((await _run("dead", "list", "--json")).stdout)) == 1
