"""A hub takes back an adjustment, with real servers: points and appeals are as before it, and what was stated is corrected."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from proto.envelope import Envelope
from proto.messages import Adjustment, AdjustmentLine, Appeal, Decision, Message, Verdict
from services.scoring.domain.recompute import compare, recompute
from services.scoring.store import Reading
from tests.integration.scoring_service import Scoring, Time, adopted, bulletin_of, day, line_of
from tests.integration.scoring_year import clock, scoring, world
from tests.integration.test_scoring_order import fresh_store, record, rules_for
from tests.world import PROVINCE, REFORM, SUZHOU, World

__all__ = ["clock", "scoring", "world"]

HUB = f"/api/v1/hubs/{PROVINCE}"
Sealed = tuple[Any, Envelope]
MADE: dict[str, tuple[dict[str, Any], str]] = {
    "fixed": ({"rule": "late"}, "1"),
    "percentage": ({"rule": "untrue"}, "0"),
    "withheld": ({"rule": "withheld"}, "0"),
    "appeal": ({"rule": "appeal", "points": Decimal("2.5")}, "5.5"),
}


def sealed(world: World, message: Message) -> Sealed:
    return message, world.seal(message, message.origin)


def adjustment(world: World, at: datetime, *, about: Appeal | None = None, **line: Any) -> Sealed:
    lines = (AdjustmentLine(**({"unit": REFORM, "month": "2026-01"} | line)),) if line else ()
    return sealed(
        world,
        Adjustment(
            id=world.new_id(), origin=PROVINCE, to=(REFORM,), sent_at=at, about=about.id if about else None,
            lines=lines, person="lead", reason="【样例】",
        ),
    )  # fmt: skip


def back(world: World, adjusted: Sealed, at: datetime, hub: str = PROVINCE) -> Sealed:
    """A reversal of an adjustment."""
    return sealed(
        world,
        Decision(
            id=world.new_id(), origin=hub, to=(REFORM,), sent_at=at, about=adjusted[0].id, verdict=Verdict.REVERSED,
            items=(), editor="editor", reason="【样例】误扣",
        ),
    )  # fmt: skip


@pytest.mark.parametrize("made", MADE)
async def test_in_any_order_of_arrival_the_year_is_as_before(database_url: str, world: World, made: str) -> None:
    adoption = adopted(world, REFORM, day(1))
    terms = MADE[made][0] | ({"report": adoption[0].items[0].report} if made == "percentage" else {})
    adjusted = adjustment(world, day(1, 20), **terms)
    history = [each[1] for each in (adoption, adjusted, back(world, adjusted, day(3)))]
    expected = recompute([each.packed() for each in [*rules_for(world), *history]], world.state)
    ours = [entry for entry in expected.entries if entry.hub == PROVINCE]
    assert len(ours) == 3
    for number, order in enumerate(permutations(history)):
        async with fresh_store(database_url, f"scoring_{number}") as (store, pool):
            await record(store, world, rules_for(world))
            for each in order:
                await record(store, world, [each])
            kept = await Reading(store.database).entries(PROVINCE, "2026-01", "2026-12")
            assert compare(ours, kept, store.books(PROVINCE)) == []
            assert await pool.fetchval("SELECT count(*) FROM ignored") == 0


@pytest.mark.parametrize("made", MADE)
async def test_a_month_stated_before_shows_it_as_a_correction(
    scoring: Scoring, world: World, clock: Time, made: str
) -> None:
    terms, left = MADE[made]
    adoption = adopted(world, REFORM, day(1))
    report = {"report": adoption[0].items[0].report} if made == "percentage" else {}
    adjusted = adjustment(world, day(1, 20), **terms, **report)
    await scoring.deliver(adoption, adjusted)
    await scoring.settled(facts=2, entries=2)
    january = await scoring.good(f"{HUB}/bulletins/draft", period="2026-01")
    assert line_of(january["content"], REFORM)["points"] == left
    await scoring.deliver(bulletin_of(world, PROVINCE, january["content"], sent_at=clock.now))
    foreign = back(world, adjusted, day(2, 4), SUZHOU)
    await scoring.deliver(foreign)
    await scoring.settled(bulletins=1, ignored={"scoring.reversal_foreign": 1})
    assert (await scoring.rows("SELECT message, hub FROM ignored")) == [{"message": foreign[0].id, "hub": SUZHOU}]
    table = f"/api/v1/months/{PROVINCE}/2026-01"
    assert line_of(await scoring.good(table), REFORM)["points"] == left, "a foreign hub's does nothing"
    await scoring.deliver(back(world, adjusted, day(2, 5)))
    await scoring.settled(entries=3)
    assert line_of(await scoring.good(table), REFORM)["points"] == "3"
    clock.now = day(3, 2)
    february = line_of((await scoring.good(f"{HUB}/bulletins/draft", period="2026-02"))["content"], REFORM)
    corrected = str(3 - Decimal(left))
    assert (february["points"], february["corrections"], february["year_points"]) == ("0", corrected, "3")


async def test_an_appeal_whose_answer_was_taken_back_is_open_until_it_is_answered_anew(
    scoring: Scoring, world: World
) -> None:
    said, _ = appeal = sealed(
        world,
        Appeal(
            id=world.new_id(), origin=REFORM, to=(PROVINCE,), sent_at=day(2, 1), month="2026-01", person="officer",
            text="【样例】",
        ),
    )  # fmt: skip

    async def answer() -> tuple[str | None, str | None, str]:
        (found,) = (await scoring.good(f"{HUB}/appeals", "province"))["appeals"]
        return found["answer"], found["points"], found["reason"]

    first = adjustment(world, day(2, 2), about=said, rule="appeal", points=Decimal(3))
    await scoring.deliver(appeal, first, back(world, first, day(2, 3), SUZHOU))
    await scoring.settled(facts=2, entries=1, ignored={"scoring.reversal_foreign": 1})
    assert await answer() == (str(first[0].id), "3", "【样例】"), "a foreign hub's does nothing"
    await scoring.deliver(back(world, first, day(2, 3)))
    await scoring.settled(facts=3, entries=2, points="0")
    assert await answer() == (None, None, "")
    second = adjustment(world, day(2, 4), about=said, rule="appeal", points=Decimal("1.5"))
    await scoring.deliver(second)
    await scoring.settled(facts=4, entries=3, points="1.5")
    assert await answer() == (str(second[0].id), "1.5", "【样例】")
    third = adjustment(world, day(2, 5) + timedelta(hours=1), about=said)
    await scoring.deliver(third)
    await scoring.settled(facts=5)
    assert (await answer())[0] == str(second[0].id), "of several that stand the first"
    await scoring.deliver(back(world, second, day(2, 6)))
    await scoring.settled(facts=6, points="0")
    assert await answer() == (str(third[0].id), "0", "【样例】")
