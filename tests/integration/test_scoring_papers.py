"""What a hub is told before its lead approves a paper: the very reasons for which the same message would be ignored."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from proto import codec
from proto.messages import BulletinContent, BulletinType, Commendation, DesignationContent, Standing
from tests.integration.scoring_service import (
    RULES,
    Scoring,
    Time,
    adopted,
    bulletin_of,
    day,
)
from tests.integration.scoring_year import clock, scoring, world
from tests.waiting import eventually
from tests.world import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG, World

__all__ = ["clock", "scoring", "world"]

HUB = f"/api/v1/hubs/{PROVINCE}"
UNKNOWN = "320999"
TEXT = RULES.read_text(encoding="utf-8")


async def said(
    scoring: Scoring,
    kind: str,
    content: Any,
    token: str = "province",  # noqa: S107
    hub: str = HUB,
    **more: Any,
) -> tuple[int, str]:
    """Return status and code of a check."""
    text = content if isinstance(content, str) else codec.encode(content).decode()
    status, problem = await scoring.post(f"{hub}/papers/check", {"kind": kind, "content": text} | more, token)
    return status, problem["code"] if status != 204 else ""


async def drafted(scoring: Scoring, month: str) -> BulletinContent:
    """Return what the service would have the province say of a month."""
    draft = await scoring.good(f"{HUB}/bulletins/draft", period=month, preview="true")
    return msgspec.convert(draft["content"], BulletinContent)


def version(name: str, since: str, *, figure: str = "daily = 4") -> str:
    changed = TEXT.replace('"2026-1"', f'"{name}"').replace("= 2026-01-01", f"= {since}")
    return changed.replace("daily = 3", figure)


async def test_rules(scoring: Scoring) -> None:
    assert await said(scoring, "rules", version("2026-2", "2026-03-01")) == (204, "")
    assert await said(scoring, "rules", version("2026-2", "2026-03-01")) == (204, ""), "nothing was stored"
    assert await said(scoring, "rules", TEXT) == (204, ""), "the same once more says nothing new"
    assert await said(scoring, "rules", version("2026-1", "2026-01-01")) == (409, "rules.changed")
    assert await said(scoring, "rules", version("2026-2", "2026-02-01")) == (409, "rules.used")
    assert await said(scoring, "rules", version("2026-2", "2026-03-01", figure="daily = many")) == (
        409,
        "rules.invalid",
    )
    status, problem = await scoring.post(f"{HUB}/papers/check", {"kind": "rules", "content": "version = 1"}, "province")
    assert (status, problem["title"]) == (409, "计分规则有误")


async def test_bulletins(scoring: Scoring, world: World, clock: Time) -> None:
    await scoring.deliver(adopted(world, REFORM, day(1)), adopted(world, SUZHOU, day(1)))
    await scoring.settled(entries=2)
    clock.now = day(4)
    january, march = [await drafted(scoring, month) for month in ("2026-01", "2026-03")]
    lines = march.lines
    assert await said(scoring, "bulletin", march) == (204, "")
    assert await said(scoring, "bulletin", replace(march, period="2026-04")) == (409, "bulletin.month_open")
    for wrong in (lines[0], replace(lines[0], unit=UNKNOWN)):
        assert await said(scoring, "bulletin", replace(march, lines=(*lines, wrong))) == (409, "bulletin.lines")
    await scoring.deliver(bulletin_of(world, PROVINCE, march, sent_at=day(4)))
    await scoring.settled(bulletins=1)
    assert await said(scoring, "bulletin", march) == (409, "bulletin.issued")
    assert await said(scoring, "bulletin", january) == (409, "bulletin.passed")


async def test_commendations(scoring: Scoring, world: World, clock: Time) -> None:
    clock.now = datetime(2027, 2, 1, 1, tzinfo=UTC)
    content = BulletinContent(
        type=BulletinType.COMMENDATION,
        period="2025",
        lines=(),
        rules=(),
        text="【样例】",
        commended=(Commendation(unit=REFORM, title="【样例】先进单位"),),
    )
    assert await said(scoring, "bulletin", content) == (204, "")
    await scoring.deliver(bulletin_of(world, PROVINCE, content, sent_at=clock.now))
    await scoring.settled(bulletins=1)
    assert await said(scoring, "bulletin", replace(content, period="2026")) == (409, "bulletin.off_year")
    assert await said(scoring, "bulletin", replace(content, commended=())) == (409, "bulletin.nobody")


async def test_designations(scoring: Scoring, world: World) -> None:
    content = DesignationContent(
        unit=KUNSHAN, standing=Standing.DESIGNATED, effective_from="2026-03-01", grounds="【样例】依据"
    )
    assert await said(scoring, "designation", content) == (204, "")
    assert await said(scoring, "designation", replace(content, unit=FARMING)) == (409, "designation.not_a_county")
    assert await said(scoring, "designation", replace(content, effective_from="2026-02-30")) == (409, "designation.day")
    for standing in (Standing.WARNED, Standing.REVOKED):
        assert await said(scoring, "designation", replace(content, standing=standing)) == (204, "")
        stranger = replace(content, standing=standing, unit=ZHANGJIAGANG)
        assert await said(scoring, "designation", stranger) == (409, "designation.no_point")
    at_city = await said(scoring, "designation", content, "suzhou", f"/api/v1/hubs/{SUZHOU}")
    assert at_city == (409, "designation.not_the_province")
    await scoring.publish_registry([world.change_staff(KUNSHAN, "officer", full_time=False)])
    await eventually(
        lambda: said(scoring, "designation", content),
        "the roster",
        wanted=lambda one: one == (409, "designation.no_staff"),
    )


async def test_who_may_ask_and_how(scoring: Scoring) -> None:
    assert (await said(scoring, "rules", TEXT, "kunshan"))[0] == 403
    assert (await said(scoring, "rules", TEXT, "nobody"))[0] == 401
    assert (await said(scoring, "rules", TEXT, "operator-token", "/api/v1/hubs/320999"))[0] == 404
    assert (await said(scoring, "report", TEXT))[0] == 400
    assert await said(scoring, "bulletin", '{"type":"monthly"}') == (422, "payload.malformed")


async def test_adjustments(scoring: Scoring) -> None:
    async def about(hub: str = HUB, **changes: Any) -> tuple[int, str]:
        line = {"unit": REFORM, "month": "2026-01", "rule": "late"} | changes
        status, problem = await scoring.post(f"{hub}/adjustments/check", {"lines": [line]})
        return status, problem["code"] if status != 204 else ""

    item = str(uuid4())
    for good in ({}, {"rule": "untrue", "report": item}, {"rule": "appeal", "points": "-1.2345"}):
        assert await about(**good) == (204, ""), good
    wrong: list[tuple[dict[str, str], tuple[int, str]]] = [
        ({"rule": "no-such"}, (409, "scoring.deduction_unknown")),
        ({"rule": "untrue"}, (409, "scoring.deduction_of_nothing")),
        ({"rule": "appeal"}, (409, "scoring.points")),
        ({"points": "1"}, (409, "scoring.points")),
        ({"month": "2026-03"}, (409, "scoring.month")),
        ({"month": "2024-12"}, (409, "scoring.month_closed")),
        ({"unit": UNKNOWN}, (409, "scoring.not_its_unit")),
        ({"rule": "appeal", "points": "0.00001"}, (400, "request.invalid")),
    ]
    for changes, refused in wrong:
        assert await about(**changes) == refused, changes
    assert await about(f"/api/v1/hubs/{SUZHOU}", unit=KUNSHAN) == (204, "")
    assert await about("/api/v1/hubs/320999") == (404, "hub.unknown")
    assert (await scoring.post(f"{HUB}/adjustments/check", {"lines": []}, "kunshan"))[0] == 403
    assert (await scoring.stats())["facts"] == 0, "nothing was stored"
