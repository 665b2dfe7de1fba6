"""Making an issue final: what the lead was shown goes out, and what went out is kept."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proto.messages import Publication
from tests.integration.gateway_service import Gateway, gateway_service
from tests.integration.hub_room import DAILY, add, final, good, opened, reported, said
from tests.places import KUNSHAN, PROVINCE, SUZHOU, WUXI
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, SUZHOU, KUNSHAN), amqp_url, database_url) as running:
        yield running


@pytest.mark.parametrize("change", ["text", "readers", "items", "order", "share"])
async def test_a_lead_makes_final_what_was_shown(gateway: Gateway, change: str) -> None:
    issue = await opened(gateway)
    one, two, three = [await reported(gateway) for _ in range(3)]
    path = f"/issues/{issue['id']}"
    await good(add(gateway, issue["id"], one), 201)
    await good(add(gateway, issue["id"], two, three), 201)
    seen = {"digest": (await good(gateway.call(PROVINCE, "lead", "GET", path)))["digest"]}
    match change:
        case "text":
            text = {"title": "【样例】改题", "body": "【样例】改文", "after": 0}
            await good(gateway.call(PROVINCE, "editor", "PUT", f"/intake/{one}/text", text))
        case "readers":
            await good(gateway.call(PROVINCE, "editor", "PUT", "/series/daily", DAILY | {"readers": {"down": [WUXI]}}))
        case "items":
            await good(gateway.call(PROVINCE, "editor", "DELETE", f"{path}/items/1"), 204)
        case "order":
            await good(gateway.call(PROVINCE, "editor", "PUT", f"{path}/order", {"items": [2, 1]}))
        case _:
            await good(gateway.call(PROVINCE, "editor", "DELETE", f"{path}/items/2"), 204)
            await good(add(gateway, issue["id"], two, three, shares=("0.4", "0.6")), 201)
    assert (await gateway.call(PROVINCE, "lead", "POST", f"{path}/final", seen)).said == (409, "issue.changed")
    assert (await gateway.call(PROVINCE, "lead", "POST", f"{path}/final")).said == (400, "request.invalid")
    assert await said(gateway, PROVINCE, "publication") == await said(gateway, PROVINCE, "decision") == []
    shown = await good(gateway.call(PROVINCE, "lead", "GET", path))
    done = await good(gateway.call(PROVINCE, "lead", "POST", f"{path}/final", {"digest": shown["digest"]}))
    assert done["digest"] == shown["digest"]
    (listed,) = await good(gateway.call(PROVINCE, "editor", "GET", "/issues"))
    assert listed["count"] == len(done["items"])


async def test_a_final_issue_keeps_what_it_was_sent_with(gateway: Gateway) -> None:
    """However the series changes while the issue is made final, its record is that of the publication."""
    issue = await opened(gateway)
    await good(add(gateway, issue["id"], await reported(gateway)), 201)
    renamed = DAILY | {"name": "【样例】改名", "readers": {"down": [KUNSHAN]}}
    put = gateway.call(PROVINCE, "editor", "PUT", "/series/daily", renamed)
    made, _ = await asyncio.gather(final(gateway, issue["id"]), put)
    done = made.body if made.status == 200 else await good(final(gateway, issue["id"]))
    (publication,) = await said(gateway, PROVINCE, "publication")
    assert isinstance(publication, Publication)
    assert (publication.name, publication.to) == (done["name"], (*done["down"], *done["across"]))
