"""Publications: set up, changed, removed; the numbers of their issues; refusals that say where to go."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.integration.gateway_service import Answer, Gateway, gateway_service
from tests.integration.hub_room import DAILY, add, good, opened, reported
from tests.places import PROVINCE, SUZHOU, WUXI
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, SUZHOU), amqp_url, database_url) as running:
        yield running


async def ask(gateway: Gateway, method: str, path: str, body: Any = None) -> Answer:
    return await gateway.call(PROVINCE, "editor", method, path, body)


async def test_a_publication_has_a_name(gateway: Gateway) -> None:
    for wrong in ({"name": " "}, {"organ": "　"}):
        assert (await ask(gateway, "PUT", "/series/daily", DAILY | wrong)).said == (422, "series.no_name")
    assert (await ask(gateway, "PUT", "/series/daily", DAILY | {"name": ""})).said == (400, "request.invalid")
    assert await good(ask(gateway, "GET", "/series")) == []
    kept = await good(ask(gateway, "PUT", "/series/daily", DAILY | {"name": " 要情 "}))
    assert kept["name"] == "要情"


async def test_only_a_publication_without_issues_is_removed(gateway: Gateway) -> None:
    issue = await opened(gateway)
    await good(ask(gateway, "PUT", "/series/special", DAILY))
    answer = await ask(gateway, "DELETE", "/series/none")
    assert answer.said == (404, "series.unknown")
    assert "daily, special" in answer.body["title"]
    assert (await ask(gateway, "DELETE", "/series/daily")).said == (409, "series.has_issues")
    assert (await gateway.call(SUZHOU, "editor", "DELETE", "/series/special")).said == (404, "series.unknown")
    for name in ("special", "daily"):
        assert (await ask(gateway, "DELETE", f"/series/{name}")).status == (204 if name == "special" else 409)
    await ask(gateway, "DELETE", f"/issues/{issue['id']}")
    assert (await ask(gateway, "DELETE", "/series/daily")).status == 204
    assert await good(ask(gateway, "GET", "/series")) == []
    for method, path in (("GET", "/series/daily"), ("POST", "/series/daily/issues")):
        answer = await ask(gateway, method, path, {} if method == "POST" else None)
        assert answer.said == (404, "series.unknown")
        assert "none" in answer.body["title_en"]


async def test_numbers_begin_anywhere_and_then_follow_one_another(gateway: Gateway) -> None:
    day = {"day": "2026-11-20"}
    first = await opened(gateway, number=7, **day)
    path = "/series/daily/issues"
    for number in (6, 9, 1_000_000):
        answer = await ask(gateway, "POST", path, {"number": number, **day})
        assert answer.said == (409, "issue.number_not_next")
        assert "8" in answer.body["title"]
        assert answer.body["detail"] == str(number)
    assert (await ask(gateway, "POST", path, {"number": 7, **day})).said == (409, "issue.number_taken")
    assert (await ask(gateway, "POST", path, {"number": 7, "id": first["id"]})).status == 200
    assert (await good(ask(gateway, "POST", path, {"number": 8, **day}), 201))["total"] == 2
    answer = await ask(gateway, "POST", path, {"number": 9, "day": "2027-01-04"})
    assert answer.said == (409, "issue.number_not_next")
    assert (await good(ask(gateway, "POST", path, {"number": 1, "day": "2027-01-04"}), 201))["issue"] == "2027-001"


async def test_refusals_name_what_there_is(gateway: Gateway) -> None:
    issue, report = await opened(gateway), await reported(gateway)
    for each in (await reported(gateway), report, await reported(gateway)):
        await good(add(gateway, issue["id"], each), 201)
    path = f"/issues/{issue['id']}"
    other = await good(ask(gateway, "POST", "/series/daily/issues", {}), 201)
    held = f"daily {issue['issue']}, issue {issue['id']}, item 2"
    answer = await add(gateway, other["id"], report)
    assert (answer.said, answer.body["detail"]) == ((422, "decision.in_issue"), held)
    body = {"verdict": "returned", "items": [{"report": report}], "reason": "略"}
    answer = await ask(gateway, "POST", "/decisions", body)
    assert (answer.said, answer.body["detail"]) == ((422, "decision.in_issue"), held)
    assert (await ask(gateway, "DELETE", f"{path}/items/2")).status == 204
    answer = await ask(gateway, "DELETE", f"{path}/items/2")
    assert answer.said == (404, "issue.item_unknown")
    assert answer.body["title"].endswith("1 3")
    answer = await ask(gateway, "PUT", f"{path}/order", {"items": [3, 2, 1]})
    assert answer.said == (422, "issue.order")
    assert answer.body["title"].endswith("1 3")
    arranged = await good(ask(gateway, "PUT", f"{path}/order", {"items": [3, 1]}))
    assert [item["n"] for item in arranged["items"]] == [3, 1]


async def test_an_issue_names_its_readers(gateway: Gateway) -> None:
    issue = await opened(gateway)
    assert (issue["down"], issue["across"]) == ([SUZHOU], [WUXI])
    assert issue["names"].keys() == {SUZHOU, WUXI}
    assert issue["names"][SUZHOU].startswith("苏州市")
