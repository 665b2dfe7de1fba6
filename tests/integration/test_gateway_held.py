"""What a unit holds, in bulk: what it sent and what it received, nobody else's, in whatever pages."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from proto import codec
from proto.envelope import Envelope
from services.gateway.views import held
from tests.integration.gateway_service import Gateway, gateway_service
from tests.integration.hub_room import good
from tests.places import FARMING, PROVINCE, REFORM
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, REFORM), amqp_url, database_url) as running:
        yield running


async def exported(gateway: Gateway, node: str, kind: str, limit: int) -> list[Any]:
    found: list[Any] = []
    after = ""
    while True:
        path = f"/messages?kind={kind}&limit={limit}{after}"
        page = await good(gateway.call(node, "officer", "GET", path))
        found += [codec.decode(msgspec.convert(each, Envelope)) for each in page["messages"]]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def test_sent_and_received_are_handed_out_in_pages(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    received = [gateway.world.report(FARMING) for _ in range(3)]
    for message, envelope in received:
        await gateway.deliver(PROVINCE, message, envelope)
    await gateway.received(PROVINCE, *(message.id for message, _ in received))
    sent, _ = await gateway.report(REFORM)
    expected = sorted((message for message, _ in received), key=lambda message: message.id)
    for limit in (1, 2, 500):
        assert await exported(gateway, PROVINCE, "report", limit) == expected
    monkeypatch.setattr(held, "PAGE_BYTES", 1)
    assert await exported(gateway, PROVINCE, "report", 500) == expected
    assert [each.id for each in await exported(gateway, REFORM, "report", 500)] == [sent]
    assert await exported(gateway, REFORM, "decision", 500) == []


async def test_receipts_and_what_is_no_kind_are_not_handed_out(gateway: Gateway) -> None:
    for kind in ("receipt", "gossip"):
        assert (await gateway.call(PROVINCE, "officer", "GET", f"/messages?kind={kind}")).said[0] == 400
