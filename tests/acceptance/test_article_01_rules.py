"""Art. 1: rules are versions with dates; what was scored keeps its version, and every entry names the one it went by."""

from decimal import Decimal
from typing import Any

import pytest

from proto.messages import Rules
from services.kit.calendar import month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import adopt, ledger, refusal, report
from tests.acceptance.past import (
    Past,
    asked,
    decision,
    draft_paper,
    entries_of,
    month_of_ledger,
    on,
    publish_rules,
    rules_text,
)
from tests.network import Network
from tests.places import JIANGYIN, WUXI
from tests.waiting import eventually


async def explained(network: Network, month: str) -> list[dict[str, Any]]:
    found = await asked(network, JIANGYIN, f"/api/v1/explain/{JIANGYIN}/{month}", reader=JIANGYIN, hub=WUXI)
    return list(found["lines"])


async def versions(network: Network, hub: str) -> dict[str, bool]:
    """Return a hub's versions as one of its units sees them, and whether each is in force today."""
    found = await asked(network, JIANGYIN, "/api/v1/rules", hub=hub)
    return {each["rules"]["version"]: each["in_force"] for each in found["versions"]}


async def test_a_change_replayed_over_two_months_leaves_the_first_as_it_was(network: Network, past: Past) -> None:
    """The change of February, which arrives after both months were scored, is the rule for February and no other."""
    first, second = [await past.report(JIANGYIN, on(f"2025-0{month}-10")) for month in (1, 2)]
    january = decision(WUXI, on("2025-01-20"), first, series="special", issue="1")
    february = decision(WUXI, on("2025-02-20"), second, series="special", issue="2")
    await past.say(january, february)
    before = await entries_of(network, WUXI, "2025-01", january.id, count=1)
    (old,) = await entries_of(network, WUXI, "2025-02", february.id, count=1)
    assert {(each["rule_version"], each["points"]) for each in (*before, old)} == {("2025-1", "6")}
    text = rules_text("2025-2", "2025-02-01", ("special = 6", "special = 9"))
    change = past.approval(WUXI, Rules, text, on("2025-01-25"), (JIANGYIN,))
    await past.say(change)
    entries = await entries_of(network, WUXI, "2025-02", february.id, count=2)
    assert entries[0] == old, "the ledger only grows"
    assert (entries[1]["rule_version"], entries[1]["points"]) == ("2025-2", "9")
    assert await month_of_ledger(network, WUXI, "2025-01") == before
    lines = {month: await explained(network, month) for month in ("2025-01", "2025-02")}
    counted = {month: {one["rule"]: (one["points"], one["why"]) for one in listed} for month, listed in lines.items()}
    assert counted == {
        "2025-01": {"2025-1/points.city.special": ("6", "")},
        "2025-02": {"2025-1/points.city.special": ("0", "rules_superseded"), "2025-2/points.city.special": ("9", "")},
    }
    (gone,) = [each["zh"] for each in lines["2025-02"] if each["why"]]
    assert "所依规则当日未生效，不计" in gone
    tables = [await asked(network, WUXI, f"/api/v1/months/{WUXI}/{month}") for month in lines]
    assert [Decimal(table["points"]) for table in tables] == [6, 9]


async def test_a_version_of_a_later_day_waits_for_its_day(network: Network) -> None:
    """Every unit can read both, with the figures; what is adopted today goes by the one in force."""
    day = "2997-01-01"
    await publish_rules(network, WUXI, rules_text("2997-1", day, ("special = 6", "special = 11")))
    message = await report(network, JIANGYIN, WUXI)
    (entry,) = await ledger(network, (await adopt(network, WUXI, message, series="special")).decision, 1)
    assert (entry["rule_version"], entry["rule"], entry["points"]) == ("2026-1", "points.city.special", "6")
    listed = await versions(network, WUXI)
    assert [version for version, in_force in listed.items() if in_force] == ["2026-1"]
    assert listed["2997-1"] is False
    assert {each["rule_version"] for each in await month_of_ledger(network, WUXI, month_of(utc_now()))} == {"2026-1"}


async def test_a_version_that_was_issued_is_not_issued_again(network: Network) -> None:
    text = rules_text("2997-2", "2997-02-01")
    await publish_rules(network, WUXI, text)
    changed = text.replace("special = 6", "special = 60")
    assert await refusal(draft_paper(network, WUXI, "rules", changed)) == (409, "paper.version_used")


@pytest.mark.parametrize(
    ("version", "since", "code"),
    [
        ("2997-4", "2997-03-01", "rules.overlap"),  # the same first day as another
        ("2997-5", "2997-03-15", "rules.overlap"),  # before the end that another one names
        ("2026-9", "2026-01-02", "rules.used"),  # a time that is scored already
    ],
)
async def test_an_overlapping_version_takes_no_effect(
    network: Network, past: Past, version: str, since: str, code: str
) -> None:
    """Forbidden where it is tried; where a hub says it all the same, nothing of it counts."""
    standing = rules_text("2997-3", "2997-03-01").replace("2997-03-01", "2997-03-01\neffective_to = 2997-03-31", 1)
    await publish_rules(network, WUXI, standing)
    before = await versions(network, WUXI)
    text = rules_text(version, since)
    tried = await network.people.request(
        "scoring", "POST", f"/api/v1/hubs/{WUXI}/rules/dry-run", token=network.tokens[WUXI],
        body={"content": text, "months": 1},
    )  # fmt: skip
    assert tried["forbidden"] == code
    noted = await ignored(network, code)
    await past.say(past.approval(WUXI, Rules, text, utc_now(), (JIANGYIN,)))
    await eventually(lambda: ignored(network, code), code, wanted=lambda found: found > noted)
    assert await versions(network, WUXI) == before


async def ignored(network: Network, code: str) -> int:
    """Return how many messages do not count for a reason."""
    found = await network.people.operator("scoring", "GET", "/api/v1/stats")
    return int(found["ignored"].get(code, 0))
