"""What arrives is stored once, whole, in any order, whatever happens to the database meanwhile."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest_asyncio

from proto.addresses import ROUTER_CODE, routing_key
from proto.messages import Outcome, Verdict
from proto.topology import ARCHIVE_QUEUE, DEAD_QUEUE, DELIVER
from tests.integration.archive_room import Room, entry, settings_for
from tests.waiting import eventually
from tests.world import KUNSHAN, SUZHOU, World

_TABLES = ("message", "document", "receipt_entry", "decision_item", "refused")


@pytest_asyncio.fixture
async def room(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Room]:
    async with Room.open(settings_for(tmp_path, world, amqp_url, database_url), world) as opened:
        yield opened


async def everything(room: Room) -> list[Any]:
    return [await room.database.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in _TABLES]  # noqa: S608


async def test_redelivery_changes_nothing(room: Room) -> None:
    report, sent = room.world.report(KUNSHAN)
    receipt = room.world.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)])
    decision = room.world.decision(SUZHOU, [report], verdict=Verdict.ADOPTED)
    all_sent = [(report, sent), receipt, decision]
    await room.send(*all_sent)
    await room.refuse(b"garbage", routing_key(KUNSHAN, "report"))
    await eventually(lambda: room.has_refused(1), "the refused one")
    before = await everything(room)
    for _ in range(2):
        for message, envelope in all_sent:
            await room.deliver(message, envelope)
        await room.refuse(b"garbage", routing_key(KUNSHAN, "report"))
    await room.send(room.world.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)]))  # the last one
    after = await everything(room)
    assert [len(rows) for rows in after] == [len(before[0]) + 1, 1, 2, 1, 1]
    assert all(row in rows for rows, old in zip(after, before, strict=True) for row in old)
    assert (await room.get("/api/v1/stats"))["accepted"] == 1, "two receipts of one message count once"


async def test_other_bytes_under_a_stored_id_change_nothing(room: Room) -> None:
    report, sent = room.world.report(KUNSHAN, title="原文")
    await room.send((report, sent))
    forged = msgspec.structs.replace(report, content=room.world.content(title="冒名"))
    await room.deliver(forged, room.world.seal(forged, KUNSHAN))
    await room.send(room.world.report(KUNSHAN, title="后文"))
    assert await room.ids("冒名") == []
    assert await room.ids("原文") == [str(report.id)]


async def test_a_receipt_and_a_decision_may_come_before_their_report(room: Room) -> None:
    report, sent = room.world.report(KUNSHAN)
    await room.send(
        room.world.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)]),
        room.world.decision(SUZHOU, [report], verdict=Verdict.ADOPTED),
    )
    await room.send((report, sent))
    (hit,) = (await room.search())["hits"]
    assert (hit["id"], hit["adopted"]) == (str(report.id), True)
    trail = await room.get(f"/api/v1/trail/{report.id}", KUNSHAN, reader=KUNSHAN)
    assert {"accepted", "adopted"} <= {step["what"] for step in trail["steps"]}


async def test_garbage_is_kept_and_stops_nothing(room: Room) -> None:
    noise = random.Random(2)  # noqa: S311
    bodies = [b"", b"\x00" * 1_000, b"[" * 50_000, noise.randbytes(4 * 1024 * 1024 - 1024), noise.randbytes(300)]
    _, nul = room.world.report(KUNSHAN, content=msgspec.json.encode({"title": "甲\x00乙"}).decode())
    bodies.append(nul.packed())
    for body in bodies:
        await room.refuse(body, "not.an.address")
    await room.send(room.world.report(KUNSHAN))
    await eventually(lambda: room.has_refused(len(bodies)), "all refused ones")
    stored = await room.database.fetch("SELECT envelope FROM refused")
    assert {bytes(row["envelope"]) for row in stored} == set(bodies)
    assert len((await room.get("/api/v1/refused"))["refused"]) == len(bodies)
    assert await room.bus.depth(DEAD_QUEUE) == 0


async def test_a_nul_in_the_text_stops_nothing(room: Room) -> None:
    content = msgspec.json.decode(room.world.content())
    report, sent = room.world.report(KUNSHAN, content=msgspec.json.encode(content | {"body": "甲\x00乙"}).decode())
    await room.send((report, sent))
    stored = await room.database.fetchval("SELECT envelope FROM message WHERE id = $1", report.id)
    assert stored == sent.packed()
    assert await room.ids() == [], "this program's contract has no NUL in a text: kept, not indexed"


async def test_what_was_accepted_but_cannot_be_read_is_parked_alone(room: Room) -> None:
    reports = [room.world.report(KUNSHAN) for _ in range(5)]
    for message, envelope in reports[:3]:
        await room.deliver(message, envelope)
    await room.bus.publish(DELIVER, routing_key(SUZHOU, "report"), b"from the future", message_id="x", kind="report")
    await room.send(*reports[3:])
    await eventually(lambda: room.has(*(envelope for _, envelope in reports)), "all reports")

    async def parked() -> bool:
        return await room.bus.depth(DEAD_QUEUE) == 1

    await eventually(parked, "the parked one")


async def test_a_killed_connection_is_tried_again(room: Room, database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    try:
        reports = [room.world.report(KUNSHAN) for _ in range(20)]
        lock = admin.transaction()
        await lock.start()
        await admin.execute("LOCK TABLE archive.message IN ACCESS EXCLUSIVE MODE")
        for message, envelope in reports:
            await room.deliver(message, envelope)
        pid = await eventually(lambda: room.database.fetchval(waiting), "a connection that waits")
        assert await room.database.fetchval("SELECT pg_terminate_backend($1)", pid)
        await eventually(lambda: _another(room.database, waiting, pid), "another one that waits")
        await lock.rollback()
        await eventually(lambda: room.has(*(envelope for _, envelope in reports)), "all reports")
        assert len(await room.ids(limit=100)) == len(reports)
        assert await room.bus.depth(DEAD_QUEUE) == 0
    finally:
        await admin.close()


async def _another(database: Any, waiting: str, pid: int) -> bool:
    return any(row["pid"] != pid for row in await database.fetch(waiting))


async def test_what_waits_while_the_archive_is_away_is_stored_when_it_comes_back(
    tmp_path: Path, world: World, amqp_url: str, database_url: str
) -> None:
    settings = settings_for(tmp_path, world, amqp_url, database_url)
    async with Room.open(settings, world) as first:
        await first.send(world.report(KUNSHAN))
        await eventually(lambda: _empty(first), "an empty queue")
    reports = [world.report(KUNSHAN) for _ in range(10)]
    async with Room.open(settings, world) as second:
        await second.send(*reports)
        assert len(await second.ids()) == 11


async def _empty(room: Room) -> bool:
    return await room.bus.depth(ARCHIVE_QUEUE) == 0
