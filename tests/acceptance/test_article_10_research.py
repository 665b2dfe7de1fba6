"""Art. 10: the monthly quota of research reports: 应报, 已报, 认可, 未认可, 缺报, by unit and month; joint research."""

from typing import Any

import pytest
import pytest_asyncio

from proto.messages import Report
from services.kit.calendar import month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import adopt, content, decide, inbox, refusal, report, word
from tests.acceptance.acts import found as search_hits
from tests.acceptance.bus_side import rogue_report, router_refuses
from tests.acceptance.past import Past, asked, on
from tests.network import Network
from tests.places import BEIJING, FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.waiting import eventually

MAY, JUNE, NOVEMBER = "2025-05", "2025-06", "2025-11"
HUB = f"/api/v1/hubs/{PROVINCE}"
OWING = (SUZHOU, WUXI, REFORM, FARMING)
"""Cities, an economic and a functional department: one research report a month each."""


async def research(network: Network, month: str, **query: str) -> dict[str, dict[str, Any]]:
    """Return the lines of the quota by unit, each unit once."""
    calendar = await asked(network, PROVINCE, f"{HUB}/obligations/{month}", **query)
    lines = [line for line in calendar["obligations"] if line["code"] == "research"]
    assert len({line["unit"] for line in lines}) == len(lines)
    return {line["unit"]: line for line in lines}


async def becomes(network: Network, unit: str, state: str, month: str = MAY) -> dict[str, Any]:
    """Wait until a unit's quota stands so."""

    async def look() -> dict[str, Any]:
        return (await research(network, month))[unit]

    return await eventually(look, f"{unit} {state}", wanted=lambda line: line["state"] == state)


@pytest_asyncio.fixture(scope="module")
async def handed(network: Network, past: Past) -> dict[str, Report]:
    """The research reports of May 2025: three units sent one, the second of them with a follow-up."""
    day = on("2025-05-12")
    sent = {
        unit: await past.report(unit, day, PROVINCE, research=True, title="【样例】调研信息")
        for unit in (SUZHOU, WUXI, REFORM)
    }
    await past.report(WUXI, on("2025-05-14"), PROVINCE, about=sent[WUXI].id, research=True, stage="follow_up")
    await past.report(FARMING, day, PROVINCE, research=False)  # a report, but no research
    for unit in sent:
        await becomes(network, unit, "sent")
    return sent


async def test_sent_met_not_accepted_missed(network: Network, handed: dict[str, Report]) -> None:
    """What was declined fills nothing; a follow-up is not a second report; what was adopted later counts for its month."""
    lines = await research(network, MAY)
    assert {unit: (line["owed"], line["sent"], line["done"], line["state"]) for unit, line in lines.items()} == {
        SUZHOU: (1, 1, "0", "sent"), WUXI: (1, 1, "0", "sent"), REFORM: (1, 1, "0", "sent"), FARMING: (1, 0, "0", "missed"),
    }  # fmt: skip
    adopted = await adopt(network, PROVINCE, handed[SUZHOU].id, series="research")
    await decide(network, PROVINCE, "declined", handed[WUXI].id, reason="【样例】已有同类调研")
    await becomes(network, SUZHOU, "met")
    await becomes(network, WUXI, "not_accepted")
    found = {unit: line["state"] for unit, line in (await research(network, MAY)).items()}
    assert found == {SUZHOU: "met", WUXI: "not_accepted", REFORM: "sent", FARMING: "missed"}
    await decide(network, PROVINCE, "reversed", reverses=adopted.decision, reason="【样例】误采")
    await becomes(network, SUZHOU, "sent")
    again = await adopt(network, PROVINCE, handed[SUZHOU].id, series="research")
    assert again.decision != adopted.decision
    await becomes(network, SUZHOU, "met")


async def test_a_returned_item_waits_and_its_correction_fills_the_quota(
    network: Network, past: Past, handed: dict[str, Report]
) -> None:
    await decide(network, PROVINCE, "returned", handed[REFORM].id, reason="【样例】请补充数据")
    correction = await past.report(
        REFORM, on("2025-06-03"), PROVINCE, about=handed[REFORM].id, research=True, stage="correction"
    )
    assert (await research(network, MAY))[REFORM]["state"] == "sent"
    await adopt(network, PROVINCE, correction.id, series="research")
    await becomes(network, REFORM, "met")
    assert (await research(network, JUNE))[REFORM]["state"] == "missed", "it fills the month in which it was first sent"


async def test_a_late_report_does_not_fill_the_month_before(
    network: Network, past: Past, handed: dict[str, Report]
) -> None:
    assert handed
    late = await past.report(FARMING, on("2025-06-01", 0), PROVINCE, research=True)
    await becomes(network, FARMING, "sent", JUNE)
    await adopt(network, PROVINCE, late.id, series="research")
    await becomes(network, FARMING, "met", JUNE)
    assert (await research(network, MAY))[FARMING]["state"] == "missed"


async def test_a_missing_unit_is_listed_once_in_the_bulletin(network: Network, handed: dict[str, Report]) -> None:
    assert handed
    found = await asked(network, PROVINCE, f"{HUB}/bulletins/draft", period=MAY, preview="true")
    missed = {line["unit"]: line["missed"] for line in found["content"]["lines"]}
    assert missed[FARMING].count("research") == 1
    assert [line["unit"] for line in found["content"]["lines"]].count(FARMING) == 1
    assert "research" not in {code for unit in (KUNSHAN, BEIJING) for code in missed[unit]}, "they owe no research"


async def test_joint_research_fills_the_quota_of_each_unit(network: Network, past: Past) -> None:
    day = on("2025-11-10")
    joint = await past.report(SUZHOU, day, PROVINCE, research=True, joint=[WUXI, REFORM, KUNSHAN])
    for unit in (SUZHOU, WUXI, REFORM):
        assert (await becomes(network, unit, "sent", NOVEMBER))["sent"] == 1
    await adopt(network, PROVINCE, joint.id, series="research")
    for unit in (SUZHOU, WUXI, REFORM):
        await becomes(network, unit, "met", NOVEMBER)
    found = {unit: line["state"] for unit, line in (await research(network, NOVEMBER)).items()}
    assert found == {SUZHOU: "met", WUXI: "met", REFORM: "met", FARMING: "missed"}, "the county owes no research"
    draft = await asked(network, PROVINCE, f"{HUB}/bulletins/draft", period=NOVEMBER, preview="true")
    missed = [line["unit"] for line in draft["content"]["lines"] for code in line["missed"] if code == "research"]
    assert missed == [FARMING], "the missing unit stands once"


async def test_joint_research_is_shown_and_found(network: Network) -> None:
    mark = word()
    message = await report(network, REFORM, research=True, joint=[WUXI], body=f"【样例】联合调研 {mark}。")
    assert (await inbox(network, PROVINCE, message))["content"]["joint"] == [WUXI]
    (hit,) = await search_hits(network, PROVINCE, mark, 1, research="true")
    assert hit["id"] == str(message)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"research": False, "joint": [WUXI]}, "report.joint"),
        ({"research": True, "joint": [WUXI, WUXI]}, "report.joint"),
        ({"research": True, "joint": [SUZHOU]}, "report.joint"),
        ({"research": True, "joint": ["320999"]}, "report.joint_unknown"),
    ],
    ids=["no research", "twice", "itself", "not in the directory"],
)
async def test_wrong_joint_units_are_refused(network: Network, wrong: dict[str, Any], code: str) -> None:
    """At the gateway and, past it, at the router."""
    text = content(**wrong)
    assert await refusal(network.submit(SUZHOU, text)) == (422, code)
    assert await router_refuses(network, SUZHOU, await rogue_report(network, SUZHOU, text)) == code


async def test_an_open_month_misses_nothing_yet(network: Network) -> None:
    month = month_of(utc_now())
    calendar = await asked(network, PROVINCE, f"{HUB}/obligations/{month}")
    assert calendar["over"] is False
    assert {line["state"] for line in calendar["obligations"]} <= {"due", "sent", "met"}
    assert set(await research(network, month)) == set(OWING)
    message = await report(network, FARMING, PROVINCE, research=True)
    await adopt(network, PROVINCE, message, series="research")
    line = await becomes(network, FARMING, "met", month)
    assert int(line["sent"]) >= 1


async def test_a_unit_reads_its_own_line_alone(network: Network) -> None:
    own = await asked(network, REFORM, f"{HUB}/obligations/{MAY}", unit=REFORM)
    assert {line["unit"] for line in own["obligations"]} == {REFORM}
    for query in ({}, {"unit": FARMING}):
        assert await refusal(asked(network, REFORM, f"{HUB}/obligations/{MAY}", **query)) == (403, "auth.not_this_node")
