"""Art. 20: the rules apply from a date, and nothing before it is ever scored."""

from decimal import Decimal

from tests.acceptance.acts import adopt, ledger, report
from tests.acceptance.past import Past, asked, decision, entries_of, month_of_ledger, on
from tests.network import Network
from tests.places import JIANGYIN, WUXI
from tests.waiting import eventually


async def test_nothing_earlier_scores(network: Network, past: Past) -> None:
    """The last second of the old year earns nothing, the first of the new one does: by the clock of Jiangsu."""
    eve, morning = on("2024-12-31", 23).replace(minute=59, second=59), on("2025-01-01", 0)
    reports = [await past.report(JIANGYIN, on("2024-12-30")) for _ in range(2)]
    before, after = [decision(WUXI, at, each) for at, each in zip((eve, morning), reports, strict=True)]
    await past.say(before, after)
    (entry,) = await entries_of(network, WUXI, "2025-01", after.id, count=1)
    assert (entry["points"], entry["rule_version"]) == ("2", "2025-1")

    async def noted() -> bool:
        found = await network.people.operator("scoring", "GET", "/api/v1/stats")
        return bool(found["ignored"].get("scoring.no_rules_in_force"))

    await eventually(noted, "the reason why it does not count")
    assert await month_of_ledger(network, WUXI, "2024-12") == []
    table = await asked(network, WUXI, f"/api/v1/months/{WUXI}/2024-12")
    assert [(line["unit"], line["points"], line["adopted"]) for line in table["lines"]] == [(JIANGYIN, "0", 0)]
    why = await asked(network, JIANGYIN, f"/api/v1/explain/{JIANGYIN}/2024-12", reader=JIANGYIN)
    assert (why["lines"], Decimal(why["points"])) == ([], 0)
    year = await asked(network, WUXI, f"/api/v1/hubs/{WUXI}/years/2024")
    assert [(line["points"], line["adopted"]) for line in year["lines"]] == [("0", 0)]


async def test_the_day_of_the_decision_counts_not_that_of_the_report(network: Network, past: Past) -> None:
    """A report from before the date, adopted after it, is scored: by the version of the day on which it was adopted."""
    old = await past.report(JIANGYIN, on("2024-06-01"))
    adopted = await adopt(network, WUXI, old.id)
    (entry,) = await ledger(network, adopted.decision, 1)
    assert (entry["rule_version"], entry["points"]) == ("2026-1", "2")


async def test_what_a_past_month_earned_does_not_change_by_what_comes_today(network: Network, past: Past) -> None:
    assert past.network is network
    before = await month_of_ledger(network, WUXI, "2025-01")
    message = await report(network, JIANGYIN, WUXI)
    await ledger(network, (await adopt(network, WUXI, message)).decision, 1)
    assert await month_of_ledger(network, WUXI, "2025-01") == before
