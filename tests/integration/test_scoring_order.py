"""One history, many orders of arrival, batches and writers: always the same ledger in the real database."""

import asyncio
import random
from collections import Counter
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
from proto.messages import Adjustment, AdjustmentLine, Closure, Instruction, Level, Message, Progress, Step, Verdict
from services.kit.calendar import month_of
from services.kit.db import Database, open_database
from services.scoring.app import SQL
from services.scoring.domain.judging import Scored, judge
from services.scoring.domain.recompute import Recomputing, compare, recompute
from services.scoring.domain.stating import Said
from services.scoring.domain.weighing import Ignored
from services.scoring.handlers import judgement
from services.scoring.store import Batch, Reading, Recording, Rulebooks
from tests.integration.scoring_service import RULES, rules_of, share_of, shuffled
from tests.world import FARMING, HUBS, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG, World

CONTENT = "SELECT id, event, report, unit, hub, month, items, points, rule, via, reverses, at FROM entry ORDER BY id"


class Fresh(Recording):
    """A store in a schema of its own."""

    def __init__(self, database: Database) -> None:
        self.books = Rulebooks(database)
        self.database = database
        super().__init__(database, self.books)


@asynccontextmanager
async def fresh_store(database_url: str, schema: str) -> AsyncIterator[tuple[Fresh, Any]]:
    async with open_database(database_url, schema, Path(SQL)) as database:
        yield Fresh(database), database.pool


async def record(store: Fresh, world: World, envelopes: list[Envelope]) -> None:
    judged = [judgement(envelope.packed(), world.state, store.books) for envelope in envelopes]
    await store.record(
        Batch(
            scored=[each for each in judged if isinstance(each, Scored)],
            said=[each for each in judged if isinstance(each, Said)],
            ignored=[each for each in judged if isinstance(each, Ignored)],
        )
    )


def rules_for(world: World) -> list[Envelope]:
    quzhou = (RULES.parent / "quzhou.toml").read_text(encoding="utf-8")
    return [rules_of(world, hub, quzhou if hub == SUZHOU else "")[1] for hub in HUBS]


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
    return [envelope for _, envelope in (*single, special, in_city, merged, foreign, *backs, *_sent_on(world))]


def _sent_on(world: World) -> list[tuple[Message, Envelope]]:
    """A county's item that its city sends on, adopted above and directed upon; an accepted answer; a deduction."""
    own, carrier = world.report(ZHANGJIAGANG)[0], world.report(SUZHOU)[0]
    chosen, _ = world.decision(SUZHOU, [own], verdict=Verdict.SELECTED)
    selected = replace(chosen, level=Level.PROVINCE, forwarded_as=carrier.id)
    above = world.decision(PROVINCE, [carrier], verdict=Verdict.ADOPTED, publication=("special", "9"))
    head: dict[str, Any] = {"sent_at": world.now}
    directed = Instruction(
        id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), level=Level.PROVINCE, items=above[0].items,
        leader="【样例】", rank="【样例】", text="【样例】", **head,
    )  # fmt: skip
    answer = Progress(
        id=world.new_id(), origin=SUZHOU, to=(PROVINCE,), about=world.new_id(), step=Step.FED_BACK, person="officer",
        answer=carrier.id, **head,
    )  # fmt: skip
    accepted = Closure(id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), about=answer.about, accepted=answer.id, **head)
    late = Adjustment(
        id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), person="editor", reason="【样例】",
        lines=(AdjustmentLine(unit=SUZHOU, month=month_of(world.now), rule="late"),), **head,
    )  # fmt: skip
    said: tuple[Message, ...] = (selected, directed, answer, accepted, late)
    return [above, *((message, world.seal(message, message.origin)) for message in said)]


async def test_any_order_of_a_history_gives_the_same_ledger(database_url: str, world: World) -> None:
    """Rules are a part of the history: they may come after what they score."""
    history = [*history_of(world), *rules_for(world)]
    ledgers = []
    for seed in range(8):
        async with fresh_store(database_url, f"scoring_{seed}") as (store, pool):
            arrivals, order = shuffled(history, seed), random.Random(seed)  # noqa: S311 - an order, not a secret
            while arrivals:
                size = order.randint(1, 6)
                await record(store, world, arrivals[:size])
                arrivals = arrivals[size:]
            rows = [tuple(row) for row in await pool.fetch(CONTENT)]
            totals = await Reading(store.database).totals(world.begun)
            ledgers.append((rows, totals.ignored))
    assert all(ledger == ledgers[0] for ledger in ledgers)
    rows, reasons = ledgers[0]
    by_rule = Counter((row[4], row[8]) for row in rows if row[10] is None)
    assert by_rule[SUZHOU, "points.province.special/through@320000"] == 1, "the county, in its city's account"
    assert by_rule[PROVINCE, "points.province.special"] == 2, "one of the city, one of a county"
    assert by_rule[PROVINCE, "deductions.late"] == 1
    assert reasons == {"scoring.not_its_unit": 1, "scoring.reversal_foreign": 1, "scoring.series_unknown": 1}
    recomputed = recompute((each.packed() for each in [*history, *history[::-1]]), world.state)
    assert {entry.id for entry in recomputed.entries} == {row[0] for row in rows}


async def test_the_kept_ledger_is_what_the_messages_say_or_the_difference_is_named(
    database_url: str, world: World
) -> None:
    history = [*history_of(world), *rules_for(world)]
    async with fresh_store(database_url, "scoring") as (store, _):
        await record(store, world, history)
        reading = Reading(store.database)
        months = (month_of(world.begun), "2999-12")
        for hub in HUBS:
            recomputed = recompute((each.packed() for each in history), world.state)
            ours = [entry for entry in recomputed.entries if entry.hub == hub]
            assert compare(ours, await reading.entries(hub, *months), recomputed.books[hub]) == []
            alone = Recomputing(world.state, hub)
            for each in history[::-1]:
                alone.take(each.packed())
            assert {each.id: each for each in alone.result().entries} == {each.id: each for each in ours}
        kept = await reading.entries(PROVINCE, *months)
        (one,) = [entry for entry in kept if entry.rule == "deductions.late"]
        changed = [replace(one, points=Decimal(-3)), replace(one, id=world.new_id())]
        theirs = [entry for entry in kept if entry.id != one.id][1:] + changed
        named = compare(
            [entry for entry in recomputed.entries if entry.hub == PROVINCE], theirs, recomputed.books[PROVINCE]
        )
        assert Counter(each.what.value for each in named) == {"missing": 1, "unfounded": 1, "otherwise": 1}


async def test_a_decision_and_its_reversal_in_two_processes_see_each_other(database_url: str, world: World) -> None:
    pairs = []
    for _ in range(40):
        report = world.report(REFORM)[0]
        decision, sealed = world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED)
        pairs.append((sealed, world.decision(PROVINCE, [report], verdict=Verdict.REVERSED, about=decision.id)[1]))
    async with fresh_store(database_url, "scoring") as (one, pool), fresh_store(database_url, "scoring") as (two, _):
        await record(one, world, rules_for(world))
        for sealed, back in pairs:
            await asyncio.gather(record(one, world, [sealed]), record(two, world, [back]))
        assert await pool.fetchval("SELECT count(*) FROM entry") == 2 * len(pairs)
        assert await pool.fetchval("SELECT sum(points) FROM entry") == 0


async def test_what_the_database_refuses_changes_nothing(database_url: str, world: World) -> None:
    """A batch is one transaction: a row that cannot be written leaves none of the others behind."""
    sealed = [world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)[1] for _ in range(2)]
    async with fresh_store(database_url, "scoring") as (store, pool):
        await record(store, world, rules_for(world))
        good, other = (judge(envelope.packed(), world.state, store.books) for envelope in sealed)
        assert isinstance(good, Scored)
        assert isinstance(other, Scored)
        nul = Ignored(digest="0" * 64, reason="scoring.\0")
        with pytest.raises(asyncpg.CharacterNotInRepertoireError):
            await store.record(Batch(scored=[good, other], ignored=[nul]))
        assert await pool.fetchval("SELECT count(*) FROM fact") == 0
        await store.record(Batch(scored=[good]))
        assert await pool.fetchval("SELECT count(*) FROM entry") == 1
