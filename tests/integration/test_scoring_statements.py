"""What is stated and said beside the ledger, with real servers: rules, obligations, direct-report points, appeals."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proto.messages import (
    Adjustment,
    AdjustmentLine,
    Appeal,
    DesignationContent,
    Message,
    Stage,
    Standing,
    Verdict,
)
from tests.integration.scoring_service import (
    RULES,
    Scoring,
    Time,
    adopted,
    day,
    designation_of,
    line_of,
    rules_of,
    scoring_service,
    settings_for,
)
from tests.integration.scoring_year import clock, scoring, world
from tests.world import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, World

__all__ = ["clock", "scoring", "world"]

HUB = f"/api/v1/hubs/{PROVINCE}"
RESEARCH = {"research": True}


async def test_a_new_version_scores_from_its_day_and_what_was_scored_keeps_its_own(
    scoring: Scoring, world: World
) -> None:
    text = RULES.read_text(encoding="utf-8")
    second = (
        text.replace('"2026-1"', '"2026-2"').replace("= 2026-01-01", "= 2026-02-01").replace("daily = 3", "daily = 4")
    )
    await scoring.deliver(rules_of(world, PROVINCE, second))
    await scoring.settled(rules=4)
    await scoring.deliver(adopted(world, REFORM, day(1)), adopted(world, REFORM, day(2)))
    await scoring.settled(entries=2, points="7")
    sent = {"sent_at": day(2)}
    await scoring.deliver(
        rules_of(world, PROVINCE, text.replace("daily = 3", "daily = 9"), **sent),
        rules_of(world, PROVINCE, second.replace('"2026-2"', '"2026-3"'), **sent),
        rules_of(world, PROVINCE, second.replace('"2026-2"', '"2026-4"'), sent_at=world.now),
        rules_of(world, PROVINCE, text.replace("daily = 3", "daily = many"), **sent),
        rules_of(world, PROVINCE, text, **sent),
        rules_of(world, PROVINCE, second.replace('"2026-2"', '"2026-5"'), person="officer"),
    )
    totals = await scoring.settled(
        ignored={
            "rules.changed": 1,
            "rules.used": 1,
            "rules.overlap": 1,
            "rules.invalid": 1,
            "sign_off.role_not_held": 1,
        }
    )
    assert (totals["rules"], totals["points"]) == (4, "7")
    versions = (await scoring.good("/api/v1/rules", "kunshan", hub=PROVINCE))["versions"]
    assert [(each["rules"]["version"], each["in_force"]) for each in versions] == [("2026-1", False), ("2026-2", True)]
    explained = await scoring.good(f"/api/v1/explain/{REFORM}/2026-01")
    assert [line["rule"] for line in explained["lines"]] == ["2026-1/points.province.daily"]


async def test_rules_may_come_after_what_they_score(
    amqp_url: str, database_url: str, world: World, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, amqp_url, database_url, world)
    async with scoring_service(settings, world, rules=False) as scoring:
        await scoring.deliver(adopted(world, REFORM, day(1)))
        await scoring.settled(decisions=1, entries=0, ignored={"scoring.no_rules_in_force": 1})
        await scoring.deliver(rules_of(world, PROVINCE))
        await scoring.settled(entries=1, points="3", ignored={})


async def test_a_draft_of_rules_is_tried_on_the_past_months(scoring: Scoring, world: World, clock: Time) -> None:
    await scoring.deliver(
        adopted(world, REFORM, day(1)), adopted(world, FARMING, day(2)), adopted(world, FARMING, day(2))
    )
    await scoring.settled(entries=3)
    clock.now = day(3)
    text = RULES.read_text(encoding="utf-8")
    draft = (
        text.replace('"2026-1"', '"2026-2"').replace("daily = 3", "daily = 5").replace("= 2026-01-01", "= 2026-04-01")
    )
    status, trial = await scoring.post(f"{HUB}/rules/dry-run", {"content": draft, "months": 2}, "province")
    assert status == 200, trial
    assert trial["months"] == ["2026-01", "2026-02"]
    assert [(each["unit"], each["difference"]) for each in trial["changes"][:2]] == [(FARMING, "4"), (REFORM, "2")]
    assert (trial["now"], trial["then"], trial["forbidden"]) == ("9", "15", "")
    status, trial = await scoring.post(f"{HUB}/rules/dry-run", {"content": text.replace("daily = 3", "daily = 5")})
    assert (trial["forbidden"], len(trial["months"])) == ("rules.changed", 12)
    status, problem = await scoring.post(f"{HUB}/rules/dry-run", {"content": "version = 1"})
    assert (status, problem["code"]) == (409, "rules.invalid")
    assert "draft" in problem["detail"]
    assert (await scoring.post(f"{HUB}/rules/dry-run", {"content": draft}, "kunshan"))[0] == 403
    assert (await scoring.stats())["rules"] == 3, "nothing was stored"


async def test_who_owes_what(scoring: Scoring, world: World) -> None:
    city, other = (world.report(code, sent_at=day(1), **RESEARCH) for code in (SUZHOU, WUXI))
    reform = world.report(REFORM, sent_at=day(1), **RESEARCH)
    late = world.report(FARMING, sent_at=day(2), **RESEARCH)
    await scoring.deliver(city, other, reform, late)
    await scoring.settled(reports=4)
    await scoring.deliver(
        world.decision(PROVINCE, [city[0]], verdict=Verdict.ADOPTED, publication=("research", "1"), sent_at=day(2)),
        world.decision(PROVINCE, [other[0]], verdict=Verdict.DECLINED, reason="x", sent_at=day(1)),
    )
    await scoring.settled(decisions=2)
    calendar = await scoring.good(f"{HUB}/obligations/2026-01", "province")
    research = {each["unit"]: each["state"] for each in calendar["obligations"] if each["code"] == "research"}
    assert research == {SUZHOU: "met", WUXI: "not_accepted", REFORM: "sent", FARMING: "missed"}
    own = await scoring.good(f"{HUB}/obligations/2026-01", "kunshan", unit=KUNSHAN)
    assert {each["code"]: each["state"] for each in own["obligations"]} == {"adopted": "missed", "staff": "met"}
    assert (await scoring.get(f"{HUB}/obligations/2026-01", "kunshan", unit=REFORM))[0] == 403
    drafted = await scoring.good(f"{HUB}/bulletins/draft", period="2026-01")
    assert line_of(drafted["content"], FARMING)["missed"] == ["research", "adopted"]
    assert "research" not in line_of(drafted["content"], REFORM)["missed"]
    open_month = await scoring.good(f"{HUB}/obligations/2026-02")
    assert {each["state"] for each in open_month["obligations"]} >= {"due"}


async def test_joint_research_fills_the_quota_of_each_unit(scoring: Scoring, world: World) -> None:
    def sent(unit: str, **changes: Any) -> tuple[Any, Any]:
        return world.report(unit, sent_at=day(1), **RESEARCH, **changes)

    async def states(month: str = "2026-01") -> dict[str, tuple[int, str]]:
        calendar = await scoring.good(f"{HUB}/obligations/{month}", "province")
        listed = [each for each in calendar["obligations"] if each["code"] == "research"]
        assert len({each["unit"] for each in listed}) == len(listed)
        return {each["unit"]: (each["sent"], each["state"]) for each in listed}

    cities = sent(SUZHOU, joint=(WUXI, KUNSHAN))  # the county owes no research
    departments = sent(REFORM)
    await scoring.deliver(cities, departments)
    await scoring.settled(reports=2)
    before = {SUZHOU: (1, "sent"), WUXI: (1, "sent"), REFORM: (1, "sent"), FARMING: (0, "missed")}
    assert await states() == before
    declined = world.decision(PROVINCE, [cities[0]], verdict=Verdict.DECLINED, reason="x", sent_at=day(1))
    named = sent(REFORM, about=departments[0].id, stage=Stage.CORRECTION, joint=(FARMING,))
    stranger = sent(BEIJING, about=departments[0].id, stage=Stage.FOLLOW_UP, joint=(WUXI,))
    await scoring.deliver(declined, named, stranger)
    await scoring.settled(decisions=1, reports=4)
    found = {SUZHOU: (1, "not_accepted"), WUXI: (1, "not_accepted"), REFORM: (1, "sent"), FARMING: (1, "sent")}
    assert await states() == found, "a correction may add a unit, another's report none"
    issue = ("research", "1")
    adoption = world.decision(PROVINCE, [named[0]], verdict=Verdict.ADOPTED, publication=issue, sent_at=day(2))
    await scoring.deliver(adoption)
    await scoring.settled(decisions=2, entries=1, points="15")
    assert await states() == found | {REFORM: (1, "met"), FARMING: (1, "met")}
    month = await scoring.good(f"/api/v1/months/{PROVINCE}/2026-02")
    assert (line_of(month, REFORM)["points"], line_of(month, FARMING)["points"]) == ("15", "0"), "points have shares"
    drafted = await scoring.good(f"{HUB}/bulletins/draft", period="2026-01")
    missed = {each: line_of(drafted["content"], each)["missed"] for each in (SUZHOU, WUXI, REFORM, FARMING)}
    assert {unit: codes.count("research") for unit, codes in missed.items()} == {
        SUZHOU: 1,
        WUXI: 1,
        REFORM: 0,
        FARMING: 0,
    }


@pytest.mark.parametrize("verdict", [Verdict.ADOPTED, Verdict.DECLINED])
async def test_a_strangers_follow_up_neither_fulfils_nor_fails_the_quota(
    scoring: Scoring, world: World, verdict: Verdict
) -> None:
    own = world.report(REFORM, sent_at=day(1), **RESEARCH)
    strangers = world.report(BEIJING, sent_at=day(1), about=own[0].id, stage=Stage.FOLLOW_UP, **RESEARCH)
    again = world.report(REFORM, sent_at=day(1), about=strangers[0].id, stage=Stage.FOLLOW_UP, **RESEARCH)
    await scoring.deliver(own, strangers, again)
    await scoring.settled(reports=3)
    said = {"reason": "x"} if verdict is Verdict.DECLINED else {"publication": ("research", "1")}
    for each in (strangers, again):
        await scoring.deliver(world.decision(PROVINCE, [each[0]], verdict=verdict, sent_at=day(1), **said))
    await scoring.settled(decisions=2)
    calendar = await scoring.good(f"{HUB}/obligations/2026-01", "province")
    assert [
        (each["sent"], each["state"])
        for each in calendar["obligations"]
        if (each["unit"], each["code"]) == (REFORM, "research")
    ] == [(1, "sent")]


async def test_a_direct_report_point_is_warned_revoked_and_keeps_its_points(
    scoring: Scoring, world: World, clock: Time
) -> None:
    await scoring.deliver(
        adopted(world, JIANGYIN, day(1)),
        adopted(world, KUNSHAN, day(1), "research"),
        *(adopted(world, KUNSHAN, day(month, 12)) for month in range(2, 6)),
    )
    await scoring.settled(entries=6)
    clock.now = day(6)
    proposal = await scoring.good(f"{HUB}/standing/2026", "province")
    steps = {each["record"]["unit"]: each["step"] for each in proposal["proposals"]}
    assert steps == {KUNSHAN: None, JIANGYIN: "warned", "320582": None}
    warning = DesignationContent(unit=JIANGYIN, standing=Standing.WARNED, effective_from="2026-06-01", grounds="x")
    await scoring.deliver(designation_of(world, PROVINCE, warning, sent_at=day(6, 1)))
    city = adopted(world, "320582", day(3), hub=SUZHOU)
    await scoring.deliver(city)
    await scoring.settled(entries=7)
    proposal = await scoring.good(f"{HUB}/standing/2026", "province")
    steps = {each["record"]["unit"]: (each["step"], each["replaces"]) for each in proposal["proposals"]}
    assert steps == {KUNSHAN: (None, None), JIANGYIN: ("revoked", None), "320582": ("designated", JIANGYIN)}
    await scoring.publish_registry([world.change_node(JIANGYIN, direct_report=False)])
    other = DesignationContent(unit=SUZHOU, standing=Standing.DESIGNATED, effective_from="2026-06-01", grounds="x")
    await scoring.deliver(designation_of(world, PROVINCE, other, sent_at=day(6, 1)))
    await scoring.settled(ignored={"designation.not_a_county": 1})
    drafted = await scoring.good(f"{HUB}/bulletins/draft", period="2026-05")
    line = line_of(drafted["content"], JIANGYIN)
    assert (line["unit_class"], line["year_points"]) == ("county", "3"), "past points stay"
    assert (await scoring.get(f"/api/v1/hubs/{SUZHOU}/standing/2026", "suzhou"))[1]["code"].startswith("designation.")


async def test_an_appeal_is_answered_with_an_entry_or_a_reason(scoring: Scoring, world: World) -> None:
    head: dict[str, Any] = {"sent_at": day(2)}

    def sealed(message: Message) -> tuple[Message, Any]:
        return message, world.seal(message, message.origin)

    appeals = [
        Appeal(id=world.new_id(), origin=REFORM, to=(PROVINCE,), month="2026-01", person="officer", text="x", **head)
        for _ in range(3)
    ]
    granted = Adjustment(
        id=world.new_id(), origin=PROVINCE, to=(REFORM,), about=appeals[0].id, person="editor", reason="【样例】漏计",
        lines=(AdjustmentLine(unit=REFORM, month="2026-01", rule="appeal", points=Decimal(3)),), **head,
    )  # fmt: skip
    refused = Adjustment(
        id=world.new_id(), origin=PROVINCE, to=(REFORM,), about=appeals[1].id, lines=(), person="editor",
        reason="【样例】已计", **head,
    )  # fmt: skip
    await scoring.deliver(*(sealed(each) for each in (*appeals, granted, refused)))
    await scoring.settled(entries=1, points="3", facts=2)
    answer = await scoring.good(f"{HUB}/appeals", "province")
    assert [(each["points"], each["reason"], each["answer"] is None) for each in answer["appeals"]] == [
        ("3", "【样例】漏计", False),
        ("0", "【样例】已计", False),
        (None, "", True),
    ]
    assert line_of(await scoring.good(f"/api/v1/months/{PROVINCE}/2026-01"), REFORM)["points"] == "3"
