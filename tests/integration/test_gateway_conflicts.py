"""One id, other bytes: the first message stays, the other is kept as evidence and refused (promises 4, 5)."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest_asyncio

from proto.envelope import Envelope, digest_of
from proto.messages import Message, Outcome, Verdict
from tests.integration.gateway_service import DEADLINE, Gateway, entry, gateway_service
from tests.places import FARMING, PROVINCE, REFORM
from tests.waiting import eventually
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, REFORM), amqp_url, database_url) as running:
        yield running


def other(gateway: Gateway, origin: str, id: UUID, title: str = "【样例】另一件") -> tuple[Message, Envelope]:
    """Return another unit's report under an id."""
    report, _ = gateway.world.report(origin, title=title)
    changed = msgspec.structs.replace(report, id=id)
    return changed, gateway.world.seal(changed, origin)


async def conflicts(gateway: Gateway, count: int) -> list[dict[str, str]]:
    async def look() -> list[dict[str, str]]:
        found: list[dict[str, str]] = (await gateway.operator("GET", "/api/v1/conflicts")).body
        return found

    return await eventually(look, "the conflicts", DEADLINE, wanted=lambda found: len(found) == count)


async def said_to(gateway: Gateway, digest: str) -> list[str]:
    """Return the bodies of the receipts that speak of some bytes."""
    rows = await gateway.database.fetch("SELECT body FROM sent WHERE kind = 'receipt'")
    return [row["body"].decode(errors="replace") for row in rows if digest.encode() in row["body"]]


async def test_other_bytes_neither_vanish_nor_overwrite(gateway: Gateway) -> None:
    first, envelope = gateway.world.report(REFORM, title="【样例】第一件")
    second, second_sent = other(gateway, FARMING, first.id)
    await gateway.deliver(PROVINCE, first, envelope)
    await gateway.received(PROVINCE, first.id)
    last, last_sent = gateway.world.report(FARMING)
    for message, sent in (
        (first, envelope),
        (second, second_sent),
        (first, envelope),
        (second, second_sent),
        (last, last_sent),
    ):
        await gateway.deliver(PROVINCE, message, sent)
    await gateway.received(PROVINCE, last.id)

    (conflict,) = await conflicts(gateway, 1)
    digest = digest_of(second_sent.packed())
    assert (conflict["node"], conflict["id"], conflict["origin"], conflict["digest"]) == (
        PROVINCE, str(first.id), FARMING, digest,
    )  # fmt: skip
    assert (conflict["first_origin"], conflict["first_digest"]) == (REFORM, digest_of(envelope.packed()))
    kept = await gateway.database.fetchval("SELECT body FROM inbox_conflict")
    assert kept == second_sent.packed()
    assert (await gateway.call(PROVINCE, "officer", "GET", f"/inbox/{first.id}")).body["title"] == "【样例】第一件"
    assert await gateway.metric("yizhan_gateway_reused_ids_total") == 1
    (told,) = await eventually(lambda: said_to(gateway, digest), "the refusal", DEADLINE)
    assert '"refused"' in told
    assert "payload.id_reused" in told
    assert (await gateway.call(PROVINCE, "officer", "GET", "/inbox")).status == 200
    assert (await gateway.send("GET", "/api/v1/conflicts")).said == (401, "auth.required")


async def test_within_one_batch(gateway: Gateway) -> None:
    first, envelope = gateway.world.report(REFORM)
    for title in ("【样例】另一件", "【样例】再一件"):
        await gateway.deliver(PROVINCE, first, envelope)
        await gateway.deliver(PROVINCE, *other(gateway, FARMING, first.id, title))
    assert {c["first_digest"] for c in await conflicts(gateway, 2)} == {digest_of(envelope.packed())}


async def test_what_came_under_a_known_id_has_no_effect(gateway: Gateway) -> None:
    """A decision under the id of another message decides nothing, a receipt under one receipts nothing."""
    world = gateway.world
    mine, digest = await gateway.report(REFORM)
    sent = msgspec.structs.replace(world.report(REFORM)[0], id=mine)
    known, envelope = world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)
    await gateway.deliver(REFORM, known, envelope)
    await gateway.received(REFORM, known.id)
    decision, _ = world.decision(PROVINCE, [sent], verdict=Verdict.DECLINED, reason="【样例】")
    receipt, _ = world.receipt(PROVINCE, [REFORM], [entry(mine, digest, Outcome.DELIVERED)])
    for message in (decision, receipt):
        forged = msgspec.structs.replace(message, id=known.id)
        await gateway.deliver(REFORM, forged, world.seal(forged, PROVINCE))
    await conflicts(gateway, 2)
    view = (await gateway.call(REFORM, "officer", "GET", f"/items/{mine}")).body
    assert view["receipts"] == view["verdicts"] == []


async def test_the_sender_sees_which_unit_refused_its_bytes(gateway: Gateway) -> None:
    mine, digest = await gateway.report(REFORM)
    receipt, envelope = gateway.world.receipt(
        PROVINCE, [REFORM], [entry(mine, digest, Outcome.REFUSED, "payload.id_reused")]
    )
    await gateway.deliver(REFORM, receipt, envelope)
    await gateway.received(REFORM, receipt.id)
    (fate,) = (await gateway.call(REFORM, "officer", "GET", f"/items/{mine}")).body["receipts"]
    assert (fate["giver"], fate["outcome"], fate["reason"]) == (PROVINCE, "refused", "payload.id_reused")
