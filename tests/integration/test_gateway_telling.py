"""What the network refused of a final issue is told anew (补发)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest_asyncio

from proto.messages import Decision, Publication
from tests.integration.gateway_service import Answer, Gateway, gateway_service
from tests.integration.hub_room import add, final, good, opened, refuse, reported, said, state_of
from tests.places import KUNSHAN, PROVINCE
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE,), amqp_url, database_url) as running:
        yield running


async def made_final(gateway: Gateway, *groups: tuple[UUID, ...]) -> Any:
    """Return a final issue with an item for each group of reports."""
    issue = await opened(gateway)
    for group in groups:
        await good(add(gateway, issue["id"], *group), 201)
    return await good(final(gateway, issue["id"]))


async def tell(gateway: Gateway, issue: dict[str, Any], person: str = "lead") -> Answer:
    return await gateway.call(PROVINCE, person, "POST", f"/issues/{issue['id']}/tell")


async def test_what_was_refused_is_told_under_another_id_and_nothing_else(gateway: Gateway) -> None:
    one, two, three = [await reported(gateway) for _ in range(3)]
    issue = await made_final(gateway, (one,), (two, three))
    assert issue["refused"] == []
    assert (await tell(gateway, issue)).said == (409, "issue.nothing_refused")
    merged = issue["items"][1]["decision"]
    await refuse(gateway, UUID(merged))
    shown = await good(gateway.call(PROVINCE, "editor", "GET", f"/issues/{issue['id']}"))
    assert shown["refused"] == [merged]
    assert (await tell(gateway, issue, "editor")).status == 403
    told = await good(tell(gateway, issue))
    assert (told["refused"], told["publication"], told["digest"]) == ([], issue["publication"], issue["digest"])
    assert told["items"][0]["decision"] == issue["items"][0]["decision"]
    *_, first, again = cast("list[Decision]", await said(gateway, PROVINCE, "decision"))
    assert str(again.id) == told["items"][1]["decision"] != merged
    assert (again.items, again.verdict, again.publication) == (first.items, first.verdict, first.publication)
    assert [await state_of(gateway, each) for each in (one, two, three)] == ["adopted", "merged", "merged"]
    assert (await tell(gateway, issue)).said == (409, "issue.nothing_refused")


async def test_a_refused_publication_goes_out_again(gateway: Gateway) -> None:
    issue = await made_final(gateway, (await reported(gateway),))
    await refuse(gateway, UUID(issue["publication"]))
    told = await good(tell(gateway, issue))
    first, again = cast("list[Publication]", await said(gateway, PROVINCE, "publication"))
    assert str(again.id) == told["publication"] != str(first.id)
    assert (again.to, again.articles, again.issue) == (first.to, first.articles, first.issue)
    assert len(await said(gateway, PROVINCE, "decision")) == 1, "the item's decision was not refused"


async def test_what_was_decided_otherwise_meanwhile_is_not_told_again(gateway: Gateway) -> None:
    report = await reported(gateway, origin=KUNSHAN)
    issue = await made_final(gateway, (report,))
    await refuse(gateway, UUID(issue["items"][0]["decision"]))
    body = {"verdict": "declined", "reason": "【样例】理由", "items": [{"report": report}]}
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", body), 201)
    assert (await tell(gateway, issue)).said == (409, "issue.item_decided")
