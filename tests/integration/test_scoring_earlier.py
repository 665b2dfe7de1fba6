"""Two papers approved shortly after one another: the second is looked at once the first is recorded, or not yet."""

import asyncio
from pathlib import Path
from typing import Any

from proto.messages import DesignationContent, Standing
from tests.integration.scoring_service import (
    DEADLINE,
    RULES,
    Scoring,
    Time,
    bulletin_of,
    day,
    designation_of,
    rules_of,
    scoring_service,
    settings_for,
)
from tests.integration.scoring_year import clock, scoring, world
from tests.integration.test_scoring_papers import drafted, said, version
from tests.world import KUNSHAN, PROVINCE, SUZHOU, World

__all__ = ["clock", "scoring", "world"]

PENDING = (409, "paper.earlier_pending")


async def test_a_paper_on_its_way_is_waited_for(scoring: Scoring, world: World, clock: Time) -> None:
    clock.now = day(4)
    march = await drafted(scoring, "2026-03")
    first = bulletin_of(world, PROVINCE, march, sent_at=day(4))
    asked = asyncio.create_task(said(scoring, "bulletin", march, after=str(first[0].id)))
    await scoring.deliver(first)
    assert await asyncio.wait_for(asked, DEADLINE) == (409, "bulletin.issued"), "alone it would have passed"
    rules = rules_of(world, PROVINCE, version("2026-2", "2026-05-01"), sent_at=day(4))
    asked = asyncio.create_task(said(scoring, "rules", version("2026-3", "2026-05-01"), after=str(rules[0].id)))
    await scoring.deliver(rules)
    assert await asyncio.wait_for(asked, DEADLINE) == (409, "rules.overlap")


async def test_whatever_became_of_the_earlier_paper_it_is_recorded(scoring: Scoring, world: World) -> None:
    open_month = bulletin_of(world, PROVINCE, await drafted(scoring, "2026-02"), sent_at=day(2, 3))
    again = rules_of(world, PROVINCE, RULES.read_text(encoding="utf-8"))
    warned = DesignationContent(unit=KUNSHAN, standing=Standing.WARNED, effective_from="2026-03-01", grounds="x")
    point = designation_of(world, PROVINCE, warned)
    await scoring.deliver(open_month, again, point)
    for message, _ in (open_month, again, point):
        assert await said(scoring, "rules", version("2026-2", "2026-03-01"), after=str(message.id)) == (204, "")
    assert (await scoring.stats())["ignored"] == {"bulletin.month_open": 1}


async def test_a_paper_that_does_not_come_is_waited_for_no_longer(
    amqp_url: str, database_url: str, world: World, tmp_path: Path, clock: Time
) -> None:
    settings = settings_for(tmp_path, amqp_url, database_url, world, paper_patience=0.1)
    async with scoring_service(settings, world, clock=clock) as scoring:
        text = version("2026-2", "2026-03-01")

        async def asked(after: Any) -> Any:
            body = {"kind": "rules", "content": text, "after": after}
            return await scoring.post(f"/api/v1/hubs/{PROVINCE}/papers/check", body, "province")

        status, problem = await asked(str(world.new_id()))
        assert (status, problem["code"]) == PENDING
        assert problem["title"] == "上一份文稿尚未入账，请稍后再试"
        assert problem["title_en"] == "The paper approved before is not recorded yet, try again in a moment"
        (theirs,) = await scoring.rows(f"SELECT message FROM rules WHERE hub = '{SUZHOU}'")  # noqa: S608
        assert (await asked(str(theirs["message"])))[1]["code"] == PENDING[1], "another hub's is none of this one's"
        assert (await asked("x"))[0] == 400
        (own,) = await scoring.rows(f"SELECT message FROM rules WHERE hub = '{PROVINCE}'")  # noqa: S608
        assert (await asked(str(own["message"])))[0] == 204
        assert (await asked(None))[0] == 204
