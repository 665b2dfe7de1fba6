"""The outbox and its relay on real servers: order, wake-up, one relay at a time, bounds (promises 2, 6, 7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from proto.envelope import digest_of
from proto.topology import ROUTER_QUEUE
from services.gateway import app
from services.gateway.domain.reports import Sealed
from services.gateway.handlers import relay
from services.gateway.handlers.relay import keep_relaying
from services.gateway.store.outbox import Outbox
from services.kit.db import Database, open_database
from services.kit.ids import new_id, utc_now
from services.kit.session import Session, open_session
from tests.integration.routing import DEADLINE, Bench, Box, bench_of
from tests.places import FARMING, PROVINCE, REFORM
from tests.waiting import eventually
from tests.world import World

SQL = Path(app.__file__).parent / "sql"


class Node:
    """A gateway's outbox, and relays on it."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database
        self.outbox = Outbox(database, (REFORM, FARMING), 100_000)

    @asynccontextmanager
    async def relay(self, session: Session | None = None, outbox: Outbox | None = None) -> AsyncIterator[Session]:
        """Relay for the length of the block, then stop as a gateway does."""
        async with AsyncExitStack() as stack:
            line = session or await stack.enter_async_context(open_session(self.url, "gw", stopping=asyncio.Event()))
            work = asyncio.create_task(
                keep_relaying(line, self.database, outbox or self.outbox, 100), name="relay under test"
            )
            yield line
            line.stopping.set()
            await asyncio.wait_for(work, DEADLINE)

    async def add(self, *letters: tuple[str, bytes]) -> None:
        """Put letters of nodes into the outbox in one transaction."""
        now = utc_now()
        messages = [
            Sealed(
                id=new_id(), node=node, kind="report", about=None, to=(PROVINCE,), sent_at=now, body=body,
                digest=digest_of(body),
            )
            for node, body in letters
        ]  # fmt: skip
        async with self.database.transaction() as connection:
            await self.outbox.lock(connection)
            await self.outbox.add(connection, messages)
        self.outbox.added(messages)

    async def waiting(self) -> int:
        async with self.database.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM outbox"))

    async def empty(self) -> None:
        async def look() -> bool:
            return await self.waiting() == 0 and self.outbox.total == 0

        await eventually(look, "an empty outbox", DEADLINE)


@pytest_asyncio.fixture
async def node(amqp_url: str, database_url: str) -> AsyncIterator[Node]:
    async with open_database(database_url, "gateway", SQL, size=6) as database:
        yield Node(amqp_url, database)


@pytest_asyncio.fixture
async def bench(world: World, amqp_url: str, tmp_path: Path, admin_url: str) -> AsyncIterator[Bench]:
    async with bench_of(world, amqp_url, tmp_path, admin_url) as made:
        yield made


def _of(box: Box, node: str) -> list[bytes]:
    marker = node.encode()
    return [m.body for m in box.messages if m.body.startswith(marker)]


async def test_order_of_each_node_holds_while_the_broker_refuses(
    bench: Bench, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_BACKOFF", (0.02, 0.1))
    await bench.fill(ROUTER_QUEUE)
    letters = [(code, f"{code}/{number:04}".encode()) for number in range(200) for code in (REFORM, FARMING)]
    async with node.relay():
        await node.add(*letters)
        async with bench.box(ROUTER_QUEUE) as box:  # it takes some away, so that some go in and some are refused
            await box.until(lambda b: len(b.messages) > 30, "the first letters")
            await bench.free(ROUTER_QUEUE)
            await box.until(lambda b: len(_of(b, REFORM)) + len(_of(b, FARMING)) >= 400, "all letters")
            for code in (REFORM, FARMING):
                assert _of(box, code) == [body for owner, body in letters if owner == code]
        await node.empty()


async def test_a_notification_wakes_the_relay(bench: Bench, node: Node) -> None:
    async with node.relay(), bench.box(ROUTER_QUEUE) as box:
        for number in range(3):
            await node.add((REFORM, b"%d" % number))
            await box.until(lambda b, n=number: len(b.messages) == n + 1, "the letter")  # type: ignore[misc]
        await node.empty()


async def test_a_cut_connection_to_the_database_is_noticed_while_nothing_happens(bench: Bench, node: Node) -> None:
    async with node.relay() as line, bench.box(ROUTER_QUEUE) as box:
        await node.add((REFORM, b"before"))
        await node.empty()
        await _cut_listeners(node)
        await node.add((REFORM, b"after"))
        await box.until(lambda b: [m.body for m in b.messages] == [b"before", b"after"], "both letters")
        assert not line.closed.is_set(), "the line to the broker was good and stays"


async def test_of_two_processes_one_relays_and_the_other_takes_its_place(bench: Bench, node: Node) -> None:
    async with AsyncExitStack() as second:
        async with node.relay(), bench.box(ROUTER_QUEUE) as box:
            await node.add((REFORM, b"1"))
            await box.until(lambda b: len(b.messages) == 1, "the first letter")
            others = Outbox(node.database, (REFORM, FARMING), 10)
            await second.enter_async_context(node.relay(outbox=others))
            await node.add((REFORM, b"2"))
            await box.until(lambda b: len(b.messages) == 2, "the second letter, once")
            await node.empty()
        async with bench.box(ROUTER_QUEUE) as box:
            await node.add((REFORM, b"3"))
            await box.until(lambda b: len(b.messages) == 1, "the third letter, by the other one")

        async def recounted() -> bool:
            await node.outbox.load()
            return node.outbox.total == 0

        await eventually(recounted, "the first process learns by counting anew", DEADLINE)


async def test_a_standby_stops_at_once(node: Node) -> None:
    loop = asyncio.get_running_loop()
    async with node.relay():
        await node.add((REFORM, b"1"))
        await node.empty()
        async with node.relay():
            began = loop.time()
        assert loop.time() - began < 2.0


async def test_a_backlog_is_loaded_within_its_bytes(bench: Bench, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_LOADED_BYTES", 200_000)
    monkeypatch.setattr("services.gateway.store.outbox._FETCH_BYTES", 50_000)
    loaded: list[int] = []
    honest = node.outbox.after

    async def counted(seq: int) -> Any:
        rows = await honest(seq)
        loaded.append(sum(len(row.body) for row in rows))
        return rows

    monkeypatch.setattr(node.outbox, "after", counted)
    await bench.fill(ROUTER_QUEUE)
    await node.add(*((REFORM, bytes(10_000)) for _ in range(300)))
    async with node.relay():
        await eventually(lambda: _enough(loaded, 200_000), "a full window", DEADLINE)
        assert sum(loaded) <= 250_000
        await bench.free(ROUTER_QUEUE)
        async with bench.box(ROUTER_QUEUE) as box:
            await box.until(lambda b: len([m for m in b.messages if len(m.body) == 10_000]) >= 300, "all of it")
        await node.empty()
    assert max(loaded) <= 50_000


async def test_confirmed_twice_counts_once(node: Node) -> None:
    """Two sessions of one gateway may both have sent a message; it leaves the outbox once."""
    await node.add((REFORM, b"1"), (REFORM, b"2"))
    rows = await node.outbox.after(0)
    await node.outbox.confirmed(rows[:1])
    await node.outbox.confirmed(rows[:1])
    assert (node.outbox.total, node.outbox.waiting(REFORM)) == (1, 1)


async def _enough(loaded: list[int], size: int) -> bool:
    return sum(loaded) >= size


async def _cut_listeners(node: Node) -> None:
    async with node.database.connection() as connection:
        cut = await connection.fetchval(
            "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.pid <> pg_backend_pid()"
        )
    assert cut == 1
