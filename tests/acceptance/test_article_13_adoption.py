"""Art. 13: adoptions score at both tiers; every result is told with its reason; each point leads to item, issue, rule."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.acts import decide, found, inbox, ledger, read_as, refusal, report, verdict_at, word
from tests.network import Network
from tests.places import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.waiting import eventually

CHINA = timezone(timedelta(hours=8))
POINTS = {PROVINCE: {"daily": 3, "special": 10, "research": 15}, SUZHOU: {"daily": 2, "special": 6, "research": 10}}
TIER = {PROVINCE: "province", SUZHOU: "city"}
BOTH = pytest.mark.parametrize("hub", [PROVINCE, SUZHOU])


def issue(series: str, number: str = "17") -> dict[str, str]:
    """Return where an adopted report appears."""
    return {"series": series, "issue": number}


def points_of(entries: list[dict[str, Any]]) -> list[Decimal]:
    """Return the points of ledger entries."""
    return [Decimal(str(entry["points"])) for entry in entries]


@BOTH
@pytest.mark.parametrize("series", ["daily", "special", "research"])
async def test_adopted(network: Network, hub: str, series: str) -> None:
    message = await report(network, KUNSHAN, hub)
    decision = await decide(network, hub, "adopted", message, publication=issue(series))
    verdict = await verdict_at(network, KUNSHAN, message, decision)
    told = (verdict["hub"], verdict["verdict"], verdict["series"], verdict["issue"])
    assert told == (hub, "adopted", series, "17")
    (entry,) = await ledger(network, decision, 1)
    assert points_of([entry]) == [POINTS[hub][series]]
    assert (entry["unit"], entry["hub"], entry["report"]) == (KUNSHAN, hub, str(message))


async def test_one_county_item_adopted_by_city_and_by_province(network: Network) -> None:
    """Art. 3: two outcomes, two scores."""
    mark = word()
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE, body=f"【样例】{mark}")
    made = {
        SUZHOU: await decide(network, SUZHOU, "adopted", message, publication=issue("special")),
        PROVINCE: await decide(network, PROVINCE, "adopted", message, publication=issue("daily")),
    }
    for hub, (series, worth) in {SUZHOU: ("special", 6), PROVINCE: ("daily", 3)}.items():
        verdict = await verdict_at(network, KUNSHAN, message, made[hub])
        assert (verdict["hub"], verdict["series"]) == (hub, series)
        (entry,) = await ledger(network, made[hub], 1)
        assert (entry["hub"], entry["rule"]) == (hub, f"points.{TIER[hub]}.{series}")
        assert points_of([entry]) == [worth]
    assert len((await network.item(KUNSHAN, message))["verdicts"]) == 2
    (hit,) = await found(network, PROVINCE, mark, 1, adopted="true")
    assert hit["id"] == str(message)


@pytest.mark.parametrize(
    ("hub", "units", "shares", "parts"),
    [
        (PROVINCE, (REFORM, FARMING), ("0.6", "0.4"), ("6", "4")),
        (PROVINCE, (REFORM, FARMING, KUNSHAN), ("0.3333", "0.3333", "0.3334"), ("3.333", "3.333", "3.334")),
        (SUZHOU, (KUNSHAN, KUNSHAN), ("0.25", "0.75"), ("1.5", "4.5")),
    ],
)
async def test_merged_with_shares(
    network: Network, hub: str, units: tuple[str, ...], shares: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    messages = [await report(network, unit, hub) for unit in units]
    decision = await decide(network, hub, "merged", *messages, shares=shares, publication=issue("special"))
    for unit, message in zip(units, messages, strict=True):
        verdict = await verdict_at(network, unit, message, decision)
        assert (verdict["verdict"], verdict["hub"], verdict["issue"]) == ("merged", hub, "17")
    entries = await ledger(network, decision, len(units))
    by_report = {entry["report"]: entry for entry in entries}
    assert points_of([by_report[str(m)] for m in messages]) == [Decimal(part) for part in parts]
    assert sum(points_of(entries)) == POINTS[hub]["special"]


@BOTH
@pytest.mark.parametrize("verdict", ["returned", "declined"])
async def test_not_adopted_with_a_reason(network: Network, hub: str, verdict: str) -> None:
    """The unit learns why, and nothing is scored."""
    message = await report(network, KUNSHAN, hub)
    decision = await decide(network, hub, verdict, message, reason="缺少同比数据，请补充")
    told = await verdict_at(network, KUNSHAN, message, decision)
    assert (told["hub"], told["verdict"], told["reason"]) == (hub, verdict, "缺少同比数据，请补充")
    assert (await inbox(network, KUNSHAN, decision))["message"]["editor"] == "editor"
    after = await report(network, KUNSHAN, hub)
    await ledger(network, await decide(network, hub, "adopted", after), 1)  # what came later has been scored
    assert await ledger(network, decision, 0) == []


async def test_each_point_leads_to_item_issue_and_rule(network: Network) -> None:
    message = await report(network, KUNSHAN, SUZHOU)
    decision = await decide(network, SUZHOU, "adopted", message, publication=issue("research", "3"))
    (entry,) = await ledger(network, decision, 1)
    explained = await read_as(
        network, KUNSHAN, f"/api/v1/explain/{KUNSHAN}/{entry['month']}", service="scoring", hub=SUZHOU
    )
    (one,) = [each for each in explained["lines"] if each["entry"]["decision"] == str(decision)]
    assert one["entry"] == entry
    assert one["zh"] == "采用于research 第3期：10 分（规则 example 2026-1 points.city.research）"
    assert one["en"] == "adopted in research 3: 10 points (rule example 2026-1 points.city.research)"
    assert sum(Decimal(str(each["entry"]["points"])) for each in explained["lines"]) == Decimal(explained["points"])
    rules = await network.people.request("scoring", "GET", "/api/v1/rules", token=network.tokens[KUNSHAN])
    (version,) = [v for v in rules["versions"] if v["rules"]["version"] == entry["rule_version"]]
    assert (version["rules"]["id"], version["in_force"]) == (entry["rule_set"], True)
    assert Decimal(str(version["rules"]["points"]["city"]["research"])) == 10
    item = await network.item(KUNSHAN, UUID(entry["report"]))
    assert item["title"] == "样例：秋粮收购进度"


async def test_month_table_is_the_sum_of_the_ledger(network: Network) -> None:
    """By class and unit, each hub's own; a unit without adoptions is on it with nothing."""
    message = await report(network, KUNSHAN, SUZHOU)
    (entry,) = await ledger(network, await decide(network, SUZHOU, "adopted", message), 1)
    table = await read_as(network, SUZHOU, f"/api/v1/months/{SUZHOU}/{entry['month']}", service="scoring")
    page = await read_as(
        network, SUZHOU, "/api/v1/ledger", service="scoring", hub=SUZHOU, month=entry["month"], limit=1000
    )
    sums: dict[str, Decimal] = {}
    for each in page["entries"]:
        sums[each["unit"]] = sums.get(each["unit"], Decimal(0)) + Decimal(str(each["points"]))
    assert {each["unit"]: Decimal(each["points"]) for each in table["lines"] if each["unit"] in sums} == sums
    assert {each["unit"] for each in table["lines"]} == {"320583", "320582"}
    assert Decimal(table["points"]) == sum(sums.values())


async def test_reversal_is_an_entry_of_its_own(network: Network) -> None:
    """Nothing is rubbed out: the adoption, its reversal, and a new decision stand side by side."""
    message = await report(network, KUNSHAN, SUZHOU)
    decision = await decide(network, SUZHOU, "adopted", message, publication=issue("special"))
    (earned,) = await ledger(network, decision, 1)
    reversal = await decide(network, SUZHOU, "reversed", reverses=decision, reason="刊用后发现数字有误")
    (taken,) = await ledger(network, reversal, 1)
    assert (taken["reverses"], taken["items"]) == (earned["id"], -1)
    assert points_of([earned, taken]) == [6, -6]
    assert await ledger(network, decision, 1) == [earned]
    told = await verdict_at(network, KUNSHAN, message, reversal)
    assert (told["verdict"], told["reason"]) == ("reversed", "刊用后发现数字有误")
    again = await decide(network, SUZHOU, "adopted", message)
    assert points_of(await ledger(network, again, 1)) == [2]
    trail = await read_as(network, KUNSHAN, f"/api/v1/trail/{message}")
    assert [step["what"] for step in trail["steps"] if step["by"] == SUZHOU and step["person"]] == [
        "adopted", "reversed", "adopted",
    ]  # fmt: skip


async def test_series_without_a_rule_earns_nothing_and_says_so(network: Network) -> None:
    async def unknown() -> int:
        totals = await network.people.operator("scoring", "GET", "/api/v1/stats")
        return int(totals["ignored"].get("scoring.series_unknown", 0))

    before = await unknown()
    message = await report(network, KUNSHAN, SUZHOU)
    decision = await decide(network, SUZHOU, "adopted", message, publication=issue("没有此刊"))

    async def counted() -> bool:
        return await unknown() == before + 1

    await eventually(counted, "the adoption that no rule knows")
    assert await ledger(network, decision, 0) == []


async def test_points_are_each_units_own_business(network: Network) -> None:
    month = f"{datetime.now(CHINA):%Y-%m}"
    for call in (
        read_as(network, WUXI, "/api/v1/ledger", service="scoring", hub=SUZHOU),
        read_as(network, WUXI, f"/api/v1/explain/{KUNSHAN}/{month}", service="scoring"),
        read_as(network, WUXI, f"/api/v1/months/{SUZHOU}/{month}", service="scoring"),
    ):
        assert (await refusal(call))[0] == 403
