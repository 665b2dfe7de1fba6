"""Art. 13: adoptions score at both tiers; every result is told with its reason; each point leads to item, issue, rule."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.kit.calendar import month_of
from services.kit.ids import utc_now
from services.kit.pointwords import issue_words
from tests.acceptance.acts import adopt, decide, inbox, ledger, read_as, refusal, report, verdict_at
from tests.network import Network
from tests.places import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.waiting import eventually

POINTS = {PROVINCE: {"daily": 3, "special": 10, "research": 15}, SUZHOU: {"daily": 2, "special": 6, "research": 10}}
TIER = {PROVINCE: "province", SUZHOU: "city"}
BOTH = pytest.mark.parametrize("hub", [PROVINCE, SUZHOU])


def points_of(entries: list[dict[str, Any]]) -> list[Decimal]:
    """Return the points of ledger entries."""
    return [Decimal(str(entry["points"])) for entry in entries]


@BOTH
@pytest.mark.parametrize("series", ["daily", "special", "research"])
async def test_adopted(network: Network, hub: str, series: str) -> None:
    message = await report(network, KUNSHAN, hub)
    adopted = await adopt(network, hub, message, series=series)
    verdict = await verdict_at(network, KUNSHAN, message, adopted.decision)
    told = (verdict["hub"], verdict["verdict"], verdict["series"], verdict["issue"])
    assert told == (hub, "adopted", series, adopted.number)
    (entry,) = await ledger(network, adopted.decision, 1)
    assert points_of([entry]) == [POINTS[hub][series]]
    assert (entry["unit"], entry["hub"], entry["report"]) == (KUNSHAN, hub, str(message))


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
    merged = await adopt(network, hub, *messages, shares=shares, series="special")
    for unit, message in zip(units, messages, strict=True):
        verdict = await verdict_at(network, unit, message, merged.decision)
        assert (verdict["verdict"], verdict["hub"], verdict["issue"]) == ("merged", hub, merged.number)
    entries = await ledger(network, merged.decision, len(units))
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
    await ledger(network, (await adopt(network, hub, after)).decision, 1)  # what came later has been scored
    assert await ledger(network, decision, 0) == []


async def test_each_point_leads_to_item_issue_and_rule(network: Network) -> None:
    message = await report(network, KUNSHAN, SUZHOU)
    adopted = await adopt(network, SUZHOU, message, series="research")
    (entry,) = await ledger(network, adopted.decision, 1)
    explained = await read_as(
        network, KUNSHAN, f"/api/v1/explain/{KUNSHAN}/{entry['month']}", service="scoring", hub=SUZHOU
    )
    (one,) = [each for each in explained["lines"] if each["entry"]["event"] == str(adopted.decision)]
    assert one["entry"] | {"number": entry["number"]} == entry
    assert one["zh"] == f"市级采用于《调研专刊》{issue_words(adopted.number)}：10 分（规则 2026-1 市级采用·调研专刊）"
    assert one["en"] == f"adopted, city, in research {adopted.number}: 10 points (rule 2026-1/points.city.research)"
    assert sum(Decimal(str(each["points"])) for each in explained["lines"]) == Decimal(explained["points"])
    rules = await network.people.request("scoring", "GET", "/api/v1/rules", token=network.tokens[KUNSHAN])
    mine = [v for v in rules["versions"] if (v["hub"], v["rules"]["version"]) == (SUZHOU, entry["rule_version"])]
    assert [version["in_force"] for version in mine] == [True]
    assert Decimal(str(mine[0]["rules"]["points"]["city"]["research"])) == 10
    item = await network.item(KUNSHAN, UUID(entry["report"]))
    assert item["title"] == "样例：秋粮收购进度"


async def test_month_table_is_the_sum_of_the_ledger(network: Network) -> None:
    """By class and unit, each hub's own; a unit without adoptions is on it with nothing."""
    message = await report(network, KUNSHAN, SUZHOU)
    (entry,) = await ledger(network, (await adopt(network, SUZHOU, message)).decision, 1)
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
    decision = (await adopt(network, SUZHOU, message, series="special")).decision
    (earned,) = await ledger(network, decision, 1)
    reversal = await decide(network, SUZHOU, "reversed", reverses=decision, reason="刊用后发现数字有误")
    (taken,) = await ledger(network, reversal, 1)
    assert (taken["reverses"], taken["items"]) == (earned["id"], -1)
    assert points_of([earned, taken]) == [6, -6]
    assert await ledger(network, decision, 1) == [earned]
    told = await verdict_at(network, KUNSHAN, message, reversal)
    assert (told["verdict"], told["reason"]) == ("reversed", "刊用后发现数字有误")
    again = await adopt(network, SUZHOU, message)
    assert points_of(await ledger(network, again.decision, 1)) == [2]
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
    decision = (await adopt(network, SUZHOU, message, series="没有此刊")).decision

    async def counted() -> bool:
        return await unknown() == before + 1

    await eventually(counted, "the adoption that no rule knows")
    assert await ledger(network, decision, 0) == []


async def test_points_are_each_units_own_business(network: Network) -> None:
    month = month_of(utc_now())
    for call in (
        read_as(network, WUXI, "/api/v1/ledger", service="scoring", hub=SUZHOU),
        read_as(network, WUXI, f"/api/v1/explain/{KUNSHAN}/{month}", service="scoring"),
        read_as(network, WUXI, f"/api/v1/months/{SUZHOU}/{month}", service="scoring"),
    ):
        assert (await refusal(call))[0] == 403
