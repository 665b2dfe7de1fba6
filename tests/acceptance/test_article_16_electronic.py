"""Art. 16: every unit is connected; a message's way can be followed and proven; a line may fail and nothing is lost."""

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from proto.messages import Key
from tests.acceptance.acts import adopt, content, found, inbox, line, line_down, read_as, report, verdict_at, word
from tests.network import CODES, Network
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU
from tests.waiting import eventually

MANY = 50


async def test_every_unit_is_connected(network: Network) -> None:
    nodes = await network.people.operator("gateway", "GET", "/api/v1/nodes")
    assert {node["code"] for node in nodes} == set(CODES)
    assert [node["code"] for node in nodes if not (node["enrolled"] and node["online"])] == []


async def test_way_of_a_message(network: Network) -> None:
    """Signed off, sent, accepted, delivered to each hub, opened, adopted: each with its time, each proven."""
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE)
    await network.people.call(SUZHOU, "editor", "POST", f"/api/v1/nodes/{SUZHOU}/inbox/{message}/open")
    adopted = await adopt(network, SUZHOU, message)
    await verdict_at(network, KUNSHAN, message, adopted.decision)

    async def whole() -> list[dict[str, Any]] | None:
        trail = await read_as(network, KUNSHAN, f"/api/v1/trail/{message}")
        assert not trail["refused"]
        return trail["steps"] if len(trail["steps"]) >= 8 else None

    steps = await eventually(whole, "the whole way")
    said = sorted((step["what"], step["by"], step["person"] or "", step["detail"]) for step in steps)
    assert said == sorted([
        ("signed_off", KUNSHAN, "lead", "reviewed"), ("signed_off", KUNSHAN, "lead", "approved"),
        ("sent", KUNSHAN, "", ""), ("accepted", "320000-router", "", ""),
        ("delivered", SUZHOU, "", ""), ("delivered", PROVINCE, "", ""),
        ("opened", SUZHOU, "", ""), ("adopted", SUZHOU, "editor", f"daily {adopted.number}"),
    ])  # fmt: skip
    assert [step for step in steps if not step["verified"]] == []
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    assert steps[0]["what"] == "signed_off"


def other_tools_key(key: Key) -> SSlibKey:
    """Return a key of the directory or a roster as securesystemslib takes it."""
    return SSlibKey(key.keyid, "ed25519", "ed25519", {"public": key.public.hex()})


def verified_elsewhere(exported: dict[str, Any], keys: tuple[Key, ...]) -> dict[str, Any]:
    """Verify an export with securesystemslib, which knows nothing of us, and return its payload."""
    envelope = OtherEnvelope.from_dict({**exported, "signatures": [dict(s) for s in exported["signatures"]]})
    envelope.verify([other_tools_key(key) for key in keys], 1)
    payload: dict[str, Any] = msgspec.json.decode(envelope.payload)
    return payload


async def test_export_verifies_with_any_dsse_tool(network: Network) -> None:
    """The message with the unit's key, its sign-offs with the signers'; the same bytes at sender, hub and repository."""
    text = content(importance="important")
    message = await network.submit(KUNSHAN, text)
    await inbox(network, SUZHOU, message)
    node = network.state.node(KUNSHAN)
    assert node is not None
    exports = [
        await network.people.call(KUNSHAN, "officer", "GET", f"/api/v1/nodes/{KUNSHAN}/messages/{message}"),
        await network.people.call(SUZHOU, "officer", "GET", f"/api/v1/nodes/{SUZHOU}/messages/{message}"),
        await eventually(lambda: read_as(network, SUZHOU, f"/api/v1/messages/{message}"), "the archived message"),
    ]
    assert exports[0] == exports[1] == exports[2]
    payload = verified_elsewhere(exports[0], node.keys)
    assert (payload["id"], payload["content"]) == (str(message), text)
    staff = {one.person: one for one in network.state.staff_of(KUNSHAN)}
    signers = []
    for sign_off in payload["sign_offs"]:
        claimed = msgspec.json.decode(b64decode(sign_off["payload"]))
        assert verified_elsewhere(sign_off, staff[claimed["person"]].keys) == claimed
        signers.append((claimed["person"], claimed["action"]))
    assert signers == [("lead", "reviewed"), ("head", "approved")]


async def test_altered_export_does_not_verify(network: Network) -> None:
    message = await network.submit(REFORM, content())
    exported = await network.people.call(REFORM, "officer", "GET", f"/api/v1/nodes/{REFORM}/messages/{message}")
    node = network.state.node(REFORM)
    assert node is not None
    payload = bytearray(b64decode(exported["payload"]))
    payload[payload.index("【样例】".encode()) + 3] ^= 1
    with pytest.raises(VerificationError):
        verified_elsewhere(exported | {"payload": b64encode(payload).decode()}, node.keys)


async def test_store_and_forward(network: Network) -> None:
    """The broker is away: submissions are taken and counted; it comes back: all arrive, in order, once."""
    mark = word()
    waiting: list[int] = []
    sent: list[UUID] = []
    async with line_down(network, REFORM):
        for number in range(MANY):
            sent.append(await network.submit(REFORM, content(title=f"样例：第{number}件", body=f"【样例】{mark}")))
            state = await line(network, REFORM)
            waiting.append(state["waiting"])
            assert not state["online"]
        assert waiting == list(range(1, MANY + 1))
        listed = await network.people.call(REFORM, "officer", "GET", f"/api/v1/nodes/{REFORM}/items?limit={MANY}")
        assert [item["message"] for item in listed] == [str(message) for message in reversed(sent)]
    for message in sent:
        await inbox(network, PROVINCE, message)
    received = await network.people.call(
        PROVINCE, "officer", "GET", f"/api/v1/nodes/{PROVINCE}/inbox?kind=report&limit=200"
    )
    mine = [r for r in reversed(received) if UUID(r["id"]) in sent]
    assert [r["title"] for r in mine] == [f"样例：第{number}件" for number in range(MANY)]
    assert [r["received_at"] for r in mine] == sorted(r["received_at"] for r in mine)
    hits = await found(network, PROVINCE, mark, MANY, order="newest", limit=100)
    assert [hit["id"] for hit in reversed(hits)] == [str(message) for message in sent]
    assert (await line(network, REFORM))["waiting"] == 0
    for message in (sent[0], sent[-1]):
        await network.receipt(REFORM, message, "delivered")
