"""One history, many orders of arrival, batches and writers: always the same ledger in the real database."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from proto.envelope import Envelope
from proto.messages import Verdict
from services.kit.db import open_database
from services.scoring.app import SQL
from services.scoring.domain.judging import Ignored, Scored, judge
from services.scoring.rulefiles import read_rules
from services.scoring.store import Store
from tests.integration.scoring_service import RULES, share_of, shuffled
from tests.world import FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, World

BOOK = read_rules(str(RULES.parent))
CONTENT = "SELECT id, decision, report, unit, month, items, points, reverses, at FROM entry ORDER BY id"


@asynccontextmanager
async def fresh_store(database_url: str, schema: str) -> AsyncIterator[tuple[Store, Any]]:
    async with open_database(database_url, schema, Path(SQL)) as database:
        store = Store(database)
        await store.record_rules(BOOK)
        yield store, database.pool


async def record(store: Store, world: World, envelopes: list[Envelope]) -> None:
    judged = [judge(envelope.packed(), world.state, BOOK) for envelope in envelopes]
    await store.record(
        [each for each in judged if isinstance(each, Scored)], [each for each in judged if isinstance(each, Ignored)]
    )


def history_of(world: World) -> list[Envelope]:
    """Adoptions at two hubs and of two publications, a merged item; reversed once, twice, by a stranger, never."""
    reports = [world.report(code)[0] for code in (KUNSHAN, REFORM, FARMING, KUNSHAN)]
    single = [world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED) for report in reports]
    special = world.decision(PROVINCE, [reports[0]], verdict=Verdict.ADOPTED, publication=("special", "3"))
    in_city = world.decision(SUZHOU, [reports[0]], verdict=Verdict.ADOPTED)
    shares = [share_of(part, report) for part, report in zip(("0.3333", "0.3333", "0.3334"), reports, strict=False)]
    merged = world.decision(PROVINCE, shares, verdict=Verdict.MERGED, publication=("research", "1"))
    foreign = world.decision(SUZHOU, [world.report(JIANGYIN)[0]], verdict=Verdict.ADOPTED)
    backs = [
        world.decision(
            hub, [reports[0]], verdict=Verdict.REVERSED, about=about[0].id, sent_at=world.now + timedelta(days=days)
        )
        for hub, about, days in (
            (PROVINCE, single[0], 1),
            (PROVINCE, merged, 40),
            (PROVINCE, merged, 2),
            (SUZHOU, single[1], 3),
            (PROVINCE, foreign, 4),
        )
    ]
    return [envelope for _, envelope in (*single, special, in_city, merged, foreign, *backs)]


async def test_any_order_of_a_history_gives_the_same_ledger(database_url: str, world: World) -> None:
    history = history_of(world)
    ledgers = []
    for seed in range(8):
        async with fresh_store(database_url, f"scoring_{seed}") as (store, pool):
            arrivals, order = shuffled(history, seed), random.Random(seed)  # noqa: S311 - an order, not a secret
            while arrivals:
                size = order.randint(1, 6)
                await record(store, world, arrivals[:size])
                arrivals = arrivals[size:]
            rows = [tuple(row) for row in await pool.fetch(CONTENT)]
            reasons = await pool.fetch("SELECT digest, reason FROM ignored ORDER BY digest, reason")
            ledgers.append((rows, [tuple(row) for row in reasons]))
    assert all(ledger == ledgers[0] for ledger in ledgers)
    rows, reasons = ledgers[0]
    assert len(rows) == 6 + 3 + 1 + 3 + 2 * 3  # singles and special, merged; taken back: a single, the merged, twice
    assert sum(row[6] for row in rows) == 3 * 3 + 10 + 2
    assert sorted(reason for _, reason in reasons) == ["scoring.not_its_unit", "scoring.reversal_foreign"]


async def test_a_decision_and_its_reversal_in_two_processes_see_each_other(database_url: str, world: World) -> None:
    pairs = []
    for _ in range(40):
        report = world.report(REFORM)[0]
        decision, sealed = world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED)
        pairs.append((sealed, world.decision(PROVINCE, [report], verdict=Verdict.REVERSED, about=decision.id)[1]))
    async with fresh_store(database_url, "scoring") as (one, pool), fresh_store(database_url, "scoring") as (two, _):
        for sealed, back in pairs:
            await asyncio.gather(record(one, world, [sealed]), record(two, world, [back]))
        assert await pool.fetchval("SELECT count(*) FROM entry") == 2 * len(pairs)
        assert await pool.fetchval("SELECT sum(points) FROM entry") == 0


async def test_what_the_database_refuses_changes_nothing(database_url: str, world: World) -> None:
    """A batch is one transaction: a row that cannot be written leaves none of the others behind."""
    sealed = [world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)[1] for _ in range(2)]
    good, other = (judge(envelope.packed(), world.state, BOOK) for envelope in sealed)
    assert isinstance(good, Scored)
    assert isinstance(other, Scored)
    bad = replace(other, entries=[replace(entry, points=Decimal(10) ** 9) for entry in other.entries])
    async with fresh_store(database_url, "scoring") as (store, pool):
        with pytest.raises(asyncpg.NumericValueOutOfRangeError):
            await store.record([good, bad], [])
        assert await pool.fetchval("SELECT count(*) FROM decision") == 0
        await store.record([good], [])
        assert await pool.fetchval("SELECT count(*) FROM entry") == 1
