"""Bulletins with real servers: drafted, issued, frozen, corrected by the next; refused where there may be none."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from proto.messages import Role, Verdict
from tests.integration.scoring_service import (
    Scoring,
    Time,
    adopted,
    bulletin_of,
    day,
    line_of,
)
from tests.integration.scoring_year import clock, scoring, world
from tests.world import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, World

__all__ = ["clock", "scoring", "world"]

HUB = f"/api/v1/hubs/{PROVINCE}"


async def test_a_bulletin_is_drafted_issued_frozen_and_corrected_by_the_next(
    scoring: Scoring, world: World, clock: Time
) -> None:
    first, second = adopted(world, REFORM, day(1), "special"), adopted(world, KUNSHAN, day(1))
    await scoring.deliver(first, second)
    await scoring.settled(entries=2)
    drafted = await scoring.good(f"{HUB}/bulletins/draft", "province", period="2026-01")
    line = line_of(drafted["content"], REFORM)
    assert (line["points"], line["corrections"], line["rank"], line["adopted"]) == ("10", "0", 1, 1)
    assert line["items"][0][0] == str(first[0].id)
    assert line_of(drafted["content"], KUNSHAN)["unit_class"] == "direct_report"
    january = bulletin_of(world, PROVINCE, drafted["content"], sent_at=clock.now)
    await scoring.deliver(january, january)
    await scoring.settled(bulletins=1)
    assert (await scoring.get(f"{HUB}/bulletins/draft", "province", period="2026-01"))[1]["code"] == "bulletin.issued"

    back = world.decision(
        PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.REVERSED, about=first[0].id, reason="x", sent_at=day(2)
    )
    await scoring.deliver(back, adopted(world, REFORM, day(2)))
    await scoring.settled(decisions=4)
    clock.now = day(3, 2)
    february = await scoring.good(f"{HUB}/bulletins/draft", "province", period="2026-02")
    line = line_of(february["content"], REFORM)
    assert (line["points"], line["corrections"], line["year_points"]) == ("3", "-10", "3")
    kept = await scoring.good(f"{HUB}/bulletins", "province")
    assert line_of(kept["bulletins"][0]["content"], REFORM)["points"] == "10", "what was stated stays"
    for statement in ("UPDATE bulletin SET content = ''", "DELETE FROM bulletin", "UPDATE rules SET content = ''"):
        with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
            await scoring.rows(statement)

    await scoring.deliver(bulletin_of(world, PROVINCE, february["content"], sent_at=clock.now))
    await scoring.settled(bulletins=2)
    year = line_of(await scoring.good(f"{HUB}/years/2026", "province"), REFORM)
    assert (year["points"], year["stated"], year["open"]) == ("3", "3", "0")


async def test_the_year_so_far_runs_from_january(scoring: Scoring, world: World) -> None:
    await scoring.deliver(adopted(world, REFORM, day(1)), adopted(world, FARMING, day(2)))
    await scoring.settled(entries=2)
    months = f"/api/v1/months/{PROVINCE}"
    january, february = [await scoring.good(f"{months}/2026-0{number}") for number in (1, 2)]
    for table, unit, points in ((january, FARMING, ("0", "0")), (february, REFORM, ("0", "3"))):
        line = line_of(table, unit)
        assert (line["adopted"], line["points"], line["year_points"]) == (0, *points)
    status, problem = await scoring.get(f"{months}/2026-03")
    assert (status, problem["code"], problem["title"]) == (400, "score.month_ahead", "该月份尚未开始")


async def test_what_may_not_be_stated_is_refused_at_the_draft_and_on_the_bus(
    scoring: Scoring, world: World, clock: Time
) -> None:
    await scoring.deliver(adopted(world, REFORM, day(1)))
    await scoring.settled(entries=1)
    draft = f"{HUB}/bulletins/draft"
    status, problem = await scoring.get(draft, "province", period="2026-02")
    assert (status, problem["code"], problem["title"]) == (409, "bulletin.month_open", "该期间尚未结束，不得通报")
    preview = await scoring.good(draft, "province", period="2026-02", preview="true")
    assert preview["forbidden"] == "bulletin.month_open"
    assert (await scoring.get(draft, "province", period="february"))[1]["code"] == "bulletin.period"
    assert (await scoring.get(draft, "province"))[0] == 400
    assert (await scoring.get(draft, "suzhou", period="2026-01"))[0] == 403
    drafted = (await scoring.good(draft, "province", period="2026-01"))["content"]
    sent = {"sent_at": clock.now}
    await scoring.deliver(
        bulletin_of(world, PROVINCE, preview["content"], **sent),
        bulletin_of(world, PROVINCE, drafted, **sent),
        bulletin_of(world, PROVINCE, drafted | {"text": "another"}, **sent),
        bulletin_of(world, PROVINCE, drafted, **sent, person="officer"),
        bulletin_of(world, PROVINCE, drafted, **sent, person="officer", role=Role.INFORMATION_OFFICER),
        bulletin_of(world, SUZHOU, drafted, **sent),
    )
    await scoring.settled(
        bulletins=1,
        ignored={
            "bulletin.month_open": 1,
            "bulletin.issued": 1,
            "sign_off.role_not_held": 1,
            "sign_off.missing": 1,
            "bulletin.lines": 1,
        },
    )


async def test_the_province_commends_every_second_year(scoring: Scoring, world: World, clock: Time) -> None:
    clock.now = day(2)
    await scoring.deliver(adopted(world, REFORM, day(1)), adopted(world, FARMING, day(2), "special"))
    await scoring.settled(entries=2)
    clock.now = datetime(2028, 1, 5, tzinfo=UTC)
    proposal = await scoring.good(f"{HUB}/awards/2027", "province", places="1")
    assert proposal["years"] == [2026, 2027]
    assert [(each["unit"], each["points"]) for each in proposal["nominees"]] == [(FARMING, "10")]
    draft = await scoring.good(f"{HUB}/bulletins/draft", "province", period="2027", type="commendation")
    assert "决定对下列单位和个人予以表彰" in draft["content"]["text"]
    await scoring.deliver(bulletin_of(world, PROVINCE, draft["content"], sent_at=clock.now))
    await scoring.settled(bulletins=1)
    clock.now = datetime(2029, 1, 5, tzinfo=UTC)
    status, problem = await scoring.get(f"{HUB}/bulletins/draft", "province", period="2028", type="commendation")
    assert (status, problem["code"]) == (409, "bulletin.off_year")
    assert (await scoring.get(f"{HUB}/awards/2028", "province"))[1]["code"] == "bulletin.off_year"
    await scoring.deliver(bulletin_of(world, PROVINCE, draft["content"] | {"period": "2028"}, sent_at=clock.now))
    await scoring.settled(bulletins=1, ignored={"bulletin.off_year": 1})
    city = f"/api/v1/hubs/{SUZHOU}/awards"
    assert (await scoring.good(f"{city}/2028"))["years"] == [2028]


async def test_a_commendation_of_nobody_is_not_drafted(scoring: Scoring, clock: Time) -> None:
    clock.now = datetime(2027, 1, 5, tzinfo=UTC)
    asked = {"period": "2026", "type": "commendation"}
    status, problem = await scoring.get(f"{HUB}/bulletins/draft", "province", **asked)
    assert (status, problem["code"], problem["title"]) == (409, "bulletin.nobody", "没有可表彰的单位")
    preview = await scoring.good(f"{HUB}/bulletins/draft", "province", **asked, preview="true")
    assert (preview["forbidden"], preview["content"]["commended"]) == ("bulletin.nobody", [])
    this_year = await scoring.good(f"{HUB}/bulletins/draft", period="2027", type="commendation", preview="true")
    assert "拟对下列单位" in this_year["content"]["text"]


async def test_a_year_ends_in_its_own_bulletin(scoring: Scoring, world: World, clock: Time) -> None:
    await scoring.deliver(adopted(world, REFORM, day(12)))
    await scoring.settled(entries=1)
    clock.now = datetime(2027, 1, 4, tzinfo=UTC)
    december = await scoring.good(f"{HUB}/bulletins/draft", period="2026-12")
    await scoring.deliver(bulletin_of(world, PROVINCE, december["content"], sent_at=clock.now))
    await scoring.deliver(adopted(world, REFORM, day(12, 20)))
    await scoring.settled(bulletins=1, entries=2)
    year = await scoring.good(f"{HUB}/bulletins/draft", period="2026", type="yearly")
    line = line_of(year["content"], REFORM)
    assert (line["points"], line["corrections"], line["year_points"], line["rank"]) == ("3", "3", "6", 1)
    await scoring.deliver(
        bulletin_of(world, PROVINCE, year["content"], sent_at=clock.now),
        bulletin_of(
            world, PROVINCE, december["content"] | {"period": "2026-11"}, sent_at=clock.now + timedelta(days=1)
        ),
    )
    await scoring.settled(bulletins=2, ignored={"bulletin.passed": 1})
