"""Art. 15: the year: totals that rebuild from the ledger, ranks, commendation every second year; an off-year is refused."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from proto.messages import Bulletin
from services.kit.ids import utc_now
from tests.acceptance.acts import inbox, refusal
from tests.acceptance.past import (
    Past,
    approve_paper,
    asked,
    decision,
    draft_paper,
    entries_of,
    month_of_ledger,
    on,
)
from tests.network import Network
from tests.places import BEIJING, FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.waiting import eventually

HUB = f"/api/v1/hubs/{PROVINCE}"
YEARS = ("2024", "2025")
GIVEN = {  # unit → series adopted by month: of equal points REFORM and FARMING in 2024, all together in 2025
    SUZHOU: {"2024-02": "research", "2024-11": "special", "2025-08": "daily"},
    WUXI: {"2024-03": "special", "2025-09": "special"},
    REFORM: {"2024-01": "special", "2024-12": "daily"},
    FARMING: {"2024-05": "special", "2024-06": "daily", "2025-10": "research"},
    BEIJING: {"2024-07": "daily"},
}


@pytest_asyncio.fixture(scope="module")
async def years(past: Past) -> None:
    """Two years of the province; whatever else these tests did in them counts too."""
    made = []
    for unit, months in GIVEN.items():
        for month, series in months.items():
            sent = await past.report(unit, on(f"{month}-05"), PROVINCE)
            made.append(decision(PROVINCE, on(f"{month}-06"), sent, series=series, issue=month))
    await past.say(*made)
    for one in made:
        await entries_of(past.network, PROVINCE, f"{one.sent_at:%Y-%m}", one.id, count=1)


async def rebuilt(network: Network, year: str) -> dict[str, Decimal]:
    """Add up the year from the lines of the ledger: the example rules have no cap, average or percentage here."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for month in range(1, 13):
        for entry in await month_of_ledger(network, PROVINCE, f"{year}-{month:02}"):
            sums[entry["unit"]] += Decimal(entry["points"])
    return sums


@pytest.mark.usefixtures("years")
@pytest.mark.parametrize("year", YEARS)
async def test_the_year_rebuilds_from_the_ledger_and_its_bulletins_add_up_to_it(network: Network, year: str) -> None:
    sums = await rebuilt(network, year)
    table = await asked(network, PROVINCE, f"{HUB}/years/{year}")
    totals = {line["unit"]: Decimal(line["points"]) for line in table["lines"]}
    assert {unit: points for unit, points in totals.items() if points} == {u: p for u, p in sums.items() if p}
    december = (await drafted(network, f"{year}-12", preview="true"))["content"]
    for line, last in zip(table["lines"], by_unit(december, table), strict=True):
        parts = (last["points"], last["corrections"], line["stated"])
        assert sum(map(Decimal, parts)) == Decimal(last["year_points"]) == totals[line["unit"]]
    for line in table["lines"]:
        assert Decimal(line["stated"]) + Decimal(line["open"]) == Decimal(line["points"])
        better = [each for each in table["lines"] if each["unit_class"] == line["unit_class"]
                  and Decimal(each["points"]) > Decimal(line["points"])]  # fmt: skip
        assert line["rank"] == len(better) + 1


def by_unit(content: dict[str, Any], table: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a bulletin's lines in the order of a table's units."""
    lines = {line["unit"]: line for line in content["lines"]}
    assert len(lines) == len(content["lines"])
    return [lines[line["unit"]] for line in table["lines"]]


@pytest.mark.usefixtures("years")
async def test_the_months_of_a_year_without_corrections_add_up_to_it(network: Network) -> None:
    months: dict[str, Decimal] = defaultdict(Decimal)
    for month in range(1, 13):
        for line in (await asked(network, PROVINCE, f"/api/v1/months/{PROVINCE}/2024-{month:02}"))["lines"]:
            months[line["unit"]] += Decimal(line["points"])
    year = (await asked(network, PROVINCE, f"{HUB}/years/2024"))["lines"]
    assert months == {line["unit"]: Decimal(line["points"]) for line in year}


@pytest.mark.usefixtures("years")
async def test_equal_points_share_a_rank(network: Network) -> None:
    lines = (await asked(network, PROVINCE, f"{HUB}/years/2024"))["lines"]
    found = {line["unit"]: (line["rank"], line["points"], line["adopted"]) for line in lines}
    assert found[SUZHOU] == (1, "25", 2)
    assert found[WUXI] == (2, "10", 1)
    assert (found[REFORM], found[FARMING]) == ((1, "13", 2), (1, "13", 2))
    assert found[KUNSHAN] == (1, "0", 0)


@pytest.mark.usefixtures("years")
async def test_a_year_is_summed_up_in_its_bulletin(network: Network) -> None:
    """2024 was never stated by months: the year says all of it, by class, ranked; issued, it is there once."""
    content = (await drafted(network, "2024", type="yearly"))["content"]
    sums = await rebuilt(network, "2024")
    for line in content["lines"]:
        assert Decimal(line["points"]) + Decimal(line["corrections"]) == Decimal(line["year_points"])
        assert Decimal(line["year_points"]) == sums[line["unit"]]
    assert "2024年" in content["text"]
    await issued(network, content)
    again = drafted(network, "2024", type="yearly")
    assert await refusal(again) == (409, "bulletin.issued")
    assert await refusal(drafted(network, "2024-12")) == (409, "bulletin.passed")
    now = f"{utc_now():%Y}"
    assert await refusal(drafted(network, now, type="yearly")) == (409, "bulletin.month_open")
    assert await refusal(draft_paper(network, PROVINCE, "bulletin", content | {"period": now})) == (
        422, "paper.period_open",
    )  # fmt: skip


@pytest.mark.usefixtures("years")
async def test_commended_on_two_years_and_not_in_an_off_year(network: Network, past: Past) -> None:
    """Proposed on the totals of both years, approved by the lead, sent to all; the years beside it are refused."""
    sums = {year: await rebuilt(network, year) for year in YEARS}
    found = await asked(network, PROVINCE, f"{HUB}/awards/2025", places="1")
    assert found["years"] == [2024, 2025]
    best: dict[str, Decimal] = {}
    for each in found["nominees"]:
        parts = {year: Decimal(points) for year, points in each["by_year"].items()}
        assert parts == {year: sums[year][each["unit"]] for year in YEARS}
        assert sum(parts.values()) == Decimal(each["points"])
        best[each["unit_class"]] = Decimal(each["points"])
        assert each["rank"] == 1
    classes = {
        line["unit"]: line["unit_class"] for line in (await asked(network, PROVINCE, f"{HUB}/years/2025"))["lines"]
    }
    for unit, unit_class in classes.items():
        total = sums["2024"][unit] + sums["2025"][unit]
        assert total <= best.get(unit_class, Decimal(0)), unit
    content = (await drafted(network, "2025", type="commendation", places="1"))["content"]
    assert {each["unit"] for each in content["commended"]} == {each["unit"] for each in found["nominees"]}
    message = await issued(network, content)
    letter = await inbox(network, SUZHOU, message)
    assert msgspec.json.decode(letter["message"]["content"])["type"] == "commendation"

    for year in ("2024", f"{utc_now():%Y}"):
        if (int(year) - 2025) % 2:
            assert await refusal(asked(network, PROVINCE, f"{HUB}/awards/{year}")) == (409, "bulletin.off_year")
    off = drafted(network, "2024", type="commendation")
    assert await refusal(off) == (409, "bulletin.off_year")
    text = msgspec.json.encode(content | {"period": "2024"}).decode()
    before = await ignored(network)
    await past.say(past.approval(PROVINCE, Bulletin, text, utc_now(), (SUZHOU,)))
    await eventually(lambda: ignored(network), "an off-year", wanted=lambda count: count == before + 1)
    kept = (await asked(network, PROVINCE, f"{HUB}/bulletins", year="2024"))["bulletins"]
    assert "commendation" not in {each["content"]["type"] for each in kept}


async def test_a_city_may_commend_each_year(network: Network, past: Past) -> None:
    assert past
    for year in (2024, 2025):
        found = await asked(network, SUZHOU, f"/api/v1/hubs/{SUZHOU}/awards/{year}")
        assert found["years"] == [year]
    call = asked(network, REFORM, f"{HUB}/awards/2025")
    assert await refusal(call) == (403, "auth.not_this_node")


async def drafted(network: Network, period: str, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = await asked(network, PROVINCE, f"{HUB}/bulletins/draft", period=period, **query)
    return found


async def issued(network: Network, content: dict[str, Any]) -> UUID:
    """Put a draft before the lead; return the message when the score has it."""
    paper = await draft_paper(network, PROVINCE, "bulletin", content)
    message = (await approve_paper(network, PROVINCE, paper["id"]))["message"]

    async def frozen() -> bool:
        found = await asked(network, PROVINCE, f"{HUB}/bulletins", year=content["period"])
        return any(each["id"] == message for each in found["bulletins"])

    await eventually(frozen, "frozen")
    return UUID(message)


async def ignored(network: Network) -> int:
    found = await network.people.operator("scoring", "GET", "/api/v1/stats")
    return int(found["ignored"].get("bulletin.off_year", 0))
