"""The month table, the ledger, explanations, rules and totals over HTTP, and who may read which."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from openapi_spec_validator import validate

from proto.messages import Verdict
from services.kit.calendar import month_of
from tests.integration.scoring_service import Scoring, scoring_service, settings_for, share_of
from tests.world import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, World


@pytest_asyncio.fixture
async def scoring(amqp_url: str, database_url: str, world: World, tmp_path: Path) -> AsyncIterator[Scoring]:
    """A service that has scored: one single, one merged, one city adoption, one reversed."""
    async with scoring_service(settings_for(tmp_path, amqp_url, database_url, world), world) as service:
        county, department, farming = (world.report(code)[0] for code in (KUNSHAN, REFORM, FARMING))
        wrong = world.decision(PROVINCE, [farming], verdict=Verdict.ADOPTED)
        await service.deliver(
            world.decision(PROVINCE, [department], verdict=Verdict.ADOPTED, publication=("special", "7")),
            world.decision(PROVINCE, [share_of("0.4", county), share_of("0.6", department)], verdict=Verdict.MERGED),
            world.decision(SUZHOU, [county], verdict=Verdict.ADOPTED),
            wrong,
            world.decision(PROVINCE, [farming], verdict=Verdict.REVERSED, about=wrong[0].id),
        )
        await service.settled(decisions=5, entries=6)
        yield service


async def test_the_month_table_lists_every_unit_by_class(scoring: Scoring, world: World) -> None:
    month = month_of(world.now)
    status, table = await scoring.get(f"/api/v1/months/{PROVINCE}/{month}", "province")
    assert status == 200
    lines = [
        (line["unit"], line["unit_class"], line["adopted"], line["merged"], line["points"], line["year_points"])
        for line in table["lines"]
    ]
    assert lines == [
        (WUXI, "city", 0, 0, "0", "0"), (SUZHOU, "city", 0, 0, "0", "0"),
        (REFORM, "department", 1, 1, "11.8", "11.8"), (FARMING, "department", 0, 0, "0", "0"),
        (KUNSHAN, "direct_report", 0, 1, "1.2", "1.2"),
        (JIANGYIN, "direct_report", 0, 0, "0", "0"), (BEIJING, "liaison", 0, 0, "0", "0"),
    ]  # fmt: skip
    assert (table["adopted"], table["merged"], table["points"]) == (1, 2, "13")
    _, city = await scoring.get(f"/api/v1/months/{SUZHOU}/{month}", "suzhou")
    first = city["lines"][0]
    assert (first["unit"], first["unit_class"], first["points"]) == (KUNSHAN, "county", "2")


async def test_a_hub_reads_its_own_and_a_unit_its_own(scoring: Scoring, world: World) -> None:
    month = month_of(world.now)
    ledger, explain = "/api/v1/ledger", f"/api/v1/explain/{KUNSHAN}/{month}"
    assert len((await scoring.get(ledger))[1]["entries"]) == 6
    _, own = await scoring.get(ledger, "kunshan", unit=KUNSHAN, reader=KUNSHAN)
    assert {(entry["hub"], entry["points"]) for entry in own["entries"]} == {(PROVINCE, "1.2"), (SUZHOU, "2")}
    _, hub = await scoring.get(ledger, "suzhou", hub=SUZHOU, reader=SUZHOU)
    assert [entry["rule"] for entry in hub["entries"]] == ["points.city.daily"]
    for token, query, wanted in (
        ("", {"unit": KUNSHAN, "reader": KUNSHAN}, 401),
        ("wrong", {"unit": KUNSHAN, "reader": KUNSHAN}, 401),
        ("kunshan", {"unit": REFORM, "reader": KUNSHAN}, 403),
        ("kunshan", {"unit": REFORM, "reader": REFORM}, 403),
        ("kunshan", {"reader": KUNSHAN}, 403),
        ("kunshan", {}, 403),
        ("suzhou", {"unit": KUNSHAN, "hub": PROVINCE, "reader": SUZHOU}, 403),
    ):
        assert (await scoring.get(ledger, token, **query))[0] == wanted, (token, query)
    assert (await scoring.get(explain, "kunshan", reader=KUNSHAN))[0] == 200
    assert (await scoring.get(explain, "suzhou", reader=SUZHOU))[0] == 403
    assert (await scoring.get(explain, "suzhou", reader=SUZHOU, hub=SUZHOU))[1]["points"] == "2"
    assert (await scoring.get(f"/api/v1/months/{PROVINCE}/{month}", "suzhou"))[0] == 403
    assert (await scoring.get("/api/v1/stats", "province"))[0] == 403


async def test_points_lead_to_item_issue_and_rule(scoring: Scoring, world: World) -> None:
    _, answer = await scoring.get(f"/api/v1/explain/{KUNSHAN}/{month_of(world.now)}", hub=PROVINCE)
    (line,) = answer["lines"]
    assert answer["points"] == "1.2"
    assert "3 × 0.4 = 1.2 分（规则 2026-1 省级采用·每日要情）" in line["zh"]
    assert "daily 1" in line["en"]
    assert {"event", "report", "issue", "rule_version"} <= set(line["entry"])
    assert (line["hub"], line["points"], line["rule"]) == (PROVINCE, "1.2", "2026-1/points.province.daily")


async def test_the_ledger_is_read_page_by_page(scoring: Scoring) -> None:
    seen, after = [], "0"
    while after != "None":
        _, page = await scoring.get("/api/v1/ledger", limit="4", after=after)
        seen += [entry["id"] for entry in page["entries"]]
        after = str(page["next"])
    assert len(seen) == len(set(seen)) == 6
    for query in ({"limit": "0"}, {"month": "2026-13"}, {"after": "x"}):
        assert (await scoring.get("/api/v1/ledger", **query))[0] == 400


async def test_rules_and_totals(scoring: Scoring, world: World) -> None:
    assert (await scoring.get("/api/v1/rules", ""))[0] == 401
    _, rules = await scoring.get("/api/v1/rules", "kunshan")
    assert {version["hub"] for version in rules["versions"]} == {PROVINCE, SUZHOU, WUXI}
    _, own = await scoring.get("/api/v1/rules", "kunshan", hub=SUZHOU)
    (version,) = own["versions"]
    assert version["in_force"]
    assert "非省定标准" in version["rules"]["title"]
    assert version["rules"]["points"]["city"] == {"daily": "2", "special": "6", "research": "10"}
    totals = await scoring.stats()
    assert (totals["decisions"], totals["points"], totals["adopted_reports"]) == (5, "15", 2)
    since = (world.now + timedelta(seconds=1)).isoformat()
    _, none = await scoring.get("/api/v1/stats", since=since)
    assert (none["decisions"], none["entries"], none["points"]) == (0, 0, "0")


@pytest.mark.parametrize("path", ["/api/v1/months/320000/2026-13", f"/api/v1/explain/{KUNSHAN}/november"])
async def test_a_wrong_month_is_named(scoring: Scoring, path: str) -> None:
    status, problem = await scoring.get(path)
    assert (status, problem["detail"]) == (400, "month: YYYY-MM")


async def test_an_unknown_unit_is_not_found_and_a_month_to_come_is_refused(scoring: Scoring, world: World) -> None:
    month, hub = month_of(world.now), f"/api/v1/hubs/{PROVINCE}/obligations"
    for path, query in (
        (f"/api/v1/explain/329999/{month}", {}),
        (f"/api/v1/explain/{KUNSHAN}/{month}", {"hub": "329999"}),
        (f"{hub}/{month}", {"unit": "329999"}),
    ):
        status, problem = await scoring.get(path, **query)
        assert (status, problem["code"], problem["title"]) == (404, "unit.unknown", "名录中没有该单位"), path
    for path in (f"/api/v1/months/{PROVINCE}/2999-01", f"/api/v1/explain/{KUNSHAN}/2999-01", f"{hub}/2999-01"):
        status, problem = await scoring.get(path)
        assert (status, problem["code"], problem["detail"]) == (400, "score.month_ahead", "2999-01"), path


async def test_an_unknown_hub_is_not_found(scoring: Scoring) -> None:
    status, problem = await scoring.get("/api/v1/months/329900/2026-11")
    assert (status, problem["code"]) == (404, "hub.unknown")


async def test_the_api_document_is_valid(scoring: Scoring) -> None:
    _, document = await scoring.get("/api/openapi.json", "")
    validate(document)
    hub = "/api/v1/hubs/{hub}"
    assert set(document["paths"]) == {
        "/api/v1/months/{hub}/{month}", "/api/v1/ledger", "/api/v1/explain/{unit}/{month}", "/api/v1/rules",
        "/api/v1/stats", f"{hub}/rules/dry-run", f"{hub}/bulletins", f"{hub}/bulletins/draft", f"{hub}/years/{{year}}",
        f"{hub}/obligations/{{month}}", f"{hub}/standing/{{year}}", f"{hub}/awards/{{year}}", f"{hub}/appeals",
        f"{hub}/papers/check", f"{hub}/adjustments/check",
    }  # fmt: skip
