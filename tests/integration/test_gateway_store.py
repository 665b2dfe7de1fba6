"""What the gateway's store promises when two ask at once, when rows are not its own, and when PostgreSQL fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from proto.envelope import Envelope
from services.gateway import app
from services.gateway.handlers.arrivals import ReceiptWriter
from services.gateway.handlers.submit import ItemTakenError, Submission, Submitter
from services.gateway.store.outbox import Outbox
from services.kit.batch import PacedSignal
from services.kit.db import Database, open_database
from services.kit.errors import TransientError
from services.kit.ids import new_id, utc_now
from services.kit.registry import Registry
from services.kit.trust.state import TrustState
from tests.places import FARMING, LEAD_SIGNS, REFORM
from tests.world import World


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, "gateway", Path(app.__file__).parent / "sql") as opened:
        yield opened


async def test_one_id_from_two_units_is_not_one_item(database: Database, world: World) -> None:
    """Handed in within one batch: the second must not be told that the first one's report is its own."""
    outbox = Outbox(database, (REFORM, FARMING), 100)
    submitter = Submitter(database, outbox, world.state, world.node_keys, utc_now, new_id)
    item = new_id()

    def submission(node: str) -> Submission:
        content = world.content()
        signs = tuple(world.sign_off(node, content, *who) for who in LEAD_SIGNS)
        return Submission(item=item, node=node, author="officer", content=content, sign_offs=signs, about=None, to=None)

    answers = await asyncio.gather(
        submitter.submit(submission(FARMING)),  # keeps the batcher busy or not: the others share a batch either way
        *(submitter.submit(submission(node)) for node in (REFORM, FARMING, REFORM)),
        return_exceptions=True,
    )
    first, *rest = answers
    assert rest[1] == first
    assert isinstance(rest[0], ItemTakenError)
    assert isinstance(rest[2], ItemTakenError)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT array_agg(node) FROM item") == [FARMING]


async def test_receipts_of_units_hosted_elsewhere_are_left_alone(database: Database, world: World) -> None:
    async with database.connection() as connection:
        for node in (REFORM, FARMING):
            await connection.execute(
                "INSERT INTO receipt_due VALUES ($1, $2, $3, $4, 'delivered', now())", node, REFORM, new_id(), "0" * 64
            )
    keys = {REFORM: world.node_keys[REFORM]}
    writer = ReceiptWriter(
        database, Outbox(database, (REFORM, FARMING), 10), world.state, keys, utc_now, new_id, PacedSignal(0.1)
    )
    assert await writer.write() == 1
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT array_agg(node) FROM receipt_due") == [FARMING]
        assert await connection.fetchval("SELECT array_agg(node) FROM sent") == [REFORM]


async def test_the_receipt_writer_stops_when_told(database: Database, world: World) -> None:
    writer = ReceiptWriter(
        database,
        Outbox(database, (REFORM, FARMING), 10),
        world.state,
        world.node_keys,
        utc_now,
        new_id,
        PacedSignal(60.0),
    )
    stop = asyncio.Event()
    work = asyncio.create_task(writer.run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(work, 2.0)


async def test_misuse_is_no_passing_failure(database: Database) -> None:
    """Taken for one, a single unstorable message would be tried again for ever, and all behind it with it."""
    with pytest.raises(asyncpg.DataError):
        async with database.connection() as connection:
            await connection.fetchval("SELECT $1::int", "not a number")
    with pytest.raises(asyncpg.InterfaceError):
        async with database.transaction() as connection:
            await connection.fetchval("SELECT $1::int")


async def test_a_connection_that_ends_in_use_is_a_passing_failure(database: Database) -> None:
    async def cut_in_the_middle() -> None:
        async with database.transaction() as connection:
            pid = connection.get_server_pid()
            async with database.connection() as other:
                await other.execute("SELECT pg_terminate_backend($1)", pid)
            await connection.fetchval("SELECT 1")

    with pytest.raises(TransientError):
        await cut_in_the_middle()


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.InternalClientError("cannot switch to state 12"),
        asyncpg.DiskFullError("no space left on device"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.InvalidPasswordError("changed"),
    ],
    ids=lambda e: type(e).__name__,
)
async def test_passing_failures(database: Database, failure: Exception) -> None:
    """Whatever is nobody's message's fault is tried again: a message is never parked for a full disk."""
    with pytest.raises(TransientError):
        async with database.connection():
            raise failure


async def test_the_registry_is_remembered_in_order_though_storing_fails_at_first(world: World) -> None:
    kept: list[Envelope] = []
    away = True

    async def keep(envelope: Envelope) -> None:
        if away:
            raise TransientError
        kept.append(envelope)

    registry = Registry(TrustState(world.pinned), keep)
    first, *others = world.registry()
    with pytest.raises(TransientError):
        await registry.take(first)
    away = False
    await asyncio.gather(*(registry.take(envelope) for envelope in others))
    assert kept == world.registry()
