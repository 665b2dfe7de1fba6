"""Receipts that units of one gateway share: each unit sees its own entries, and nothing of its neighbours'."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from proto.addresses import ROUTER_CODE
from proto.envelope import digest_of
from proto.messages import Outcome, ReceiptEntry
from tests.integration.gateway_service import DEADLINE, Gateway, entry, gateway_service
from tests.places import FARMING, PROVINCE, REFORM
from tests.waiting import eventually
from tests.world import World

UNITS = (PROVINCE, REFORM, FARMING)
REASON = "sign_off.not_in_office"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, UNITS, amqp_url, database_url) as running:
        yield running


async def receipt(gateway: Gateway, to: tuple[str, ...], *entries: ReceiptEntry) -> UUID:
    """Deliver the router's receipt to the first addressee, as the router does for units of one gateway."""
    message, envelope = gateway.world.receipt(ROUTER_CODE, to, entries)
    await gateway.deliver(to[0], message, envelope)
    await gateway.received(to[0], message.id)
    return message.id


async def listed(gateway: Gateway, node: str) -> list[str]:
    heads = (await gateway.call(node, "officer", "GET", "/inbox?kind=receipt")).body
    assert {head["id"] for head in heads} <= {
        h["id"] for h in (await gateway.call(node, "officer", "GET", "/inbox")).body
    }
    return [head["id"] for head in heads]


async def seen(gateway: Gateway, node: str, id: UUID) -> dict[str, Any]:
    """Return a receipt as a unit sees it, the same by looking and by opening."""
    looked = await gateway.call(node, "officer", "GET", f"/inbox/{id}")
    opened = await gateway.call(node, "officer", "POST", f"/inbox/{id}/open")
    assert looked.status == opened.status == 200
    assert looked.body["message"] == opened.body["message"]
    view: dict[str, Any] = opened.body
    return view


async def test_each_unit_sees_its_own_entries_and_nothing_else(gateway: Gateway) -> None:
    mine, mine_digest = await gateway.report(REFORM)
    theirs, their_digest = await gateway.report(FARMING)
    shared = await receipt(
        gateway, (REFORM, FARMING), entry(mine, mine_digest), entry(theirs, their_digest, Outcome.REFUSED, REASON)
    )
    for node, own, strange in (
        (REFORM, (mine, "accepted"), (str(theirs), their_digest, REASON, FARMING)),
        (FARMING, (theirs, "refused"), (str(mine), mine_digest, REFORM)),
    ):
        assert await listed(gateway, node) == [str(shared)]
        view = await seen(gateway, node, shared)
        assert [(UUID(e["message"]), e["outcome"]) for e in view["message"]["entries"]] == [own]
        assert (view["shared"], view["message"]["to"]) == (True, [node])
        text = msgspec.json.encode(view).decode()
        assert not [part for part in strange if part in text]
        assert (view["opened_by"], view["kind"]) == ("officer", "receipt")
    assert await listed(gateway, PROVINCE) == []
    assert (await gateway.call(PROVINCE, "officer", "GET", f"/inbox/{shared}")).said == (404, "message.unknown")
    assert (await gateway.call(PROVINCE, "officer", "POST", f"/inbox/{shared}/open")).said == (404, "message.unknown")
    items = {n: (await gateway.call(n, "officer", "GET", "/items")).body[0]["receipts"] for n in (REFORM, FARMING)}
    assert [(r["outcome"], r["reason"]) for r in items[REFORM]] == [("accepted", "")]
    assert [(r["outcome"], r["reason"]) for r in items[FARMING]] == [("refused", REASON)]


async def test_only_a_receipt_of_ones_own_is_exported(gateway: Gateway) -> None:
    mine, mine_digest = await gateway.report(REFORM)
    theirs, their_digest = await gateway.report(FARMING)
    shared = await receipt(gateway, (REFORM, FARMING), entry(mine, mine_digest), entry(theirs, their_digest))
    own = await receipt(gateway, (FARMING,), entry(theirs, their_digest))
    for node in (REFORM, FARMING):
        answer = await gateway.call(node, "officer", "GET", f"/messages/{shared}")
        assert answer.said == (403, "receipt.shared")
        assert str(mine if node == FARMING else theirs) not in str(answer.body)
    assert (await gateway.call(PROVINCE, "officer", "GET", f"/messages/{shared}")).said == (404, "message.unknown")
    exported = await gateway.call(FARMING, "officer", "GET", f"/messages/{own}")
    assert str(theirs).encode() in msgspec.convert(exported.body["payload"], bytes)
    assert not (await seen(gateway, FARMING, own))["shared"]


async def test_an_entry_about_bytes_that_nobody_here_sent_is_shown_only_where_one_unit_can_be_meant(
    gateway: Gateway,
) -> None:
    mine, mine_digest = await gateway.report(REFORM)
    strange, digest = gateway.world.new_id(), "7" * 64
    alone = await receipt(gateway, (FARMING,), entry(strange, digest, Outcome.REFUSED, REASON))
    forced = await receipt(gateway, (FARMING, REFORM), entry(None, digest, Outcome.REFUSED), entry(mine, mine_digest))
    unclear = await receipt(
        gateway, (REFORM, FARMING), entry(mine, mine_digest), entry(strange, digest), entry(None, digest)
    )
    assert await listed(gateway, FARMING) == [str(forced), str(alone)]
    assert await listed(gateway, REFORM) == [str(unclear), str(forced)]
    assert [e["message"] for e in (await seen(gateway, FARMING, forced))["message"]["entries"]] == [None]
    assert [e["message"] for e in (await seen(gateway, REFORM, unclear))["message"]["entries"]] == [str(mine)]
    assert await gateway.metric("yizhan_gateway_unclaimed_entries_total") == 2


async def test_a_receipt_for_other_bytes_changes_no_item(gateway: Gateway) -> None:
    """Somebody put other bytes on the bus under a message's id, and the router refused these."""
    mine, digest = await gateway.report(REFORM)
    await receipt(gateway, (REFORM,), entry(mine, "7" * 64, Outcome.REFUSED, REASON), entry(mine, digest))
    fates = (await gateway.call(REFORM, "officer", "GET", f"/items/{mine}")).body["receipts"]
    assert [fate["outcome"] for fate in fates] == ["accepted"]


async def test_a_receipt_is_answered_by_none_though_it_is_opened(gateway: Gateway) -> None:
    mine, digest = await gateway.report(REFORM)
    await seen(gateway, REFORM, await receipt(gateway, (REFORM,), entry(mine, digest)))
    report, envelope = gateway.world.report(FARMING)
    await gateway.deliver(PROVINCE, report, envelope)

    async def delivered() -> list[str]:
        rows = await gateway.database.fetch("SELECT body FROM sent WHERE kind = 'receipt'")
        return [row["body"] for row in rows]

    (body,) = await eventually(delivered, "the receipt for the report", DEADLINE)
    assert digest_of(envelope.packed()).encode() in body
    assert await gateway.database.fetchval("SELECT count(*) FROM receipt_due") == 0
