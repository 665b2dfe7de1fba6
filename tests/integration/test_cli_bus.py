"""The command line against a real broker: tail, rights of new units."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from typer.testing import CliRunner

from proto.addresses import routing_key
from proto.topology import DEAD_QUEUE, DELIVER, inbox_of
from services.cli import broker, broker_setup
from services.cli.app import app
from services.cli.directory import Change
from services.cli.failures import Exit
from services.kit import broker_admin
from services.kit.bus import open_session
from services.kit.crypto import write_secret
from tests.world import KUNSHAN, SUZHOU, World


async def run(*words: str) -> Any:
    """Run a command as its own process would: on another thread, with a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), prog_name="yizhan")


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
    result = await run("tail", "--from", "first", "--kind", "report", "--count", "2", "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == [str(report.id)] * 2
    assert lines[0]["origin"] == KUNSHAN
    assert "企业开办" not in result.stdout
    later = await run("tail", "--from", str(lines[1]["offset"] + 1), "--wait", "0.5")
    assert later.exit_code == Exit.GOOD
    assert len(later.stdout.splitlines()) == 1
    assert (await run("tail", "--from", "next", "--wait", "0.2")).stdout == ""


async def test_tail_ends_quietly_when_nobody_reads_on(amqp_url: str, world: World) -> None:
    _, envelope = world.report(KUNSHAN)
    async with open_session(amqp_url, "test") as session:
        for _ in range(20):
            key = routing_key(SUZHOU, "report")
            await session.publish(DELIVER, key, envelope.packed(), message_id=str(uuid4()), kind="report")
    for form in ((), ("--json",)):
        ours, theirs = os.pipe()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", "tail", "--from", "first", *form, stdout=theirs,
            stderr=asyncio.subprocess.PIPE, env=os.environ | {"YIZHAN_AMQP_URL": amqp_url},
        )  # fmt: skip
        os.close(theirs)
        os.close(ours)  # as ``head`` does once it has its lines
        _, said = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, said) == (Exit.GOOD, b"")


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
