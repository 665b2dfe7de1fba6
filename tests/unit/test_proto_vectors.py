"""The committed vectors through the whole verification: what is good passes, each flaw has its own reason."""

import json
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from proto import codec
from proto.envelope import Envelope, digest_of, from_json, unpack
from proto.errors import Reason, RefusedError
from proto.limits import MAX_ENVELOPE_BYTES
from proto.messages import KINDS, Approved, Directory, Message, Report, Roster
from services.kit.trust.enrol import open_key_request
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_approved, verify_forwarded, verify_message, verify_report
from tests.assets import make_vectors
from tests.assets.vector_world import vector_world
from tests.world import World

GOLDEN = sorted((make_vectors.FOLDER / "golden").glob("*.json"))
HOSTILE = sorted((make_vectors.FOLDER / "hostile").glob("*.json"))
NOT_FROM_BYTES_ALONE = {
    Reason.NO_RECIPIENT,  # these three are the router's: who may send what to whom
    Reason.UNKNOWN_RECIPIENT,
    Reason.NOT_PERMITTED,
    Reason.ID_REUSED,  # said by a recipient, which knows the first message of the id
    Reason.REPORT_CLASSIFIED,  # the secrecy screen's
    Reason.ENVELOPE_TOO_LARGE,  # made by the test below instead of being stored
}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def accept(envelope: Envelope, state: TrustState, now: datetime, user_id: str | None) -> Message:
    """What a receiver does with an envelope, from the bytes to the report."""
    message = codec.decode(envelope)
    if isinstance(message, Directory | Roster):
        return state.apply(envelope)
    verify_message(state, envelope, message, now=now, user_id=user_id)
    if isinstance(message, Report):
        verify_report(state, message, now=now)
        verify_forwarded(state, message)
    if isinstance(message, Approved):
        verify_approved(state, message, now=now)
    return message


@pytest.fixture(scope="module")
def world() -> World:
    return vector_world()


def test_every_kind_is_there_and_enough_flaws() -> None:
    assert {read(path)["message"]["kind"] for path in GOLDEN} == set(KINDS)
    assert len(HOSTILE) >= 25


def test_the_generator_makes_exactly_what_is_committed() -> None:
    assert make_vectors.drift() == []


def test_the_committed_registry_replays_to_the_state_of_the_world(world: World) -> None:
    listed = read(make_vectors.FOLDER / "registry.json")
    state = TrustState(world.pinned)
    for item in listed["envelopes"]:
        state.apply(from_json(json.dumps(item).encode()))
    assert list(state.nodes()) == list(world.state.nodes())
    assert [root["keyid"] for root in listed["roots"]] == [root.keyid for root in world.pinned]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path, world: World) -> None:
    vector = read(path)
    on_bus = unpack(bytes.fromhex(vector["msgpack"]))
    in_json = from_json(json.dumps(vector["dsse"]).encode())
    assert on_bus == in_json
    assert on_bus.packed().hex() == vector["msgpack"]
    assert on_bus.payload == b64decode(vector["dsse"]["payload"], validate=True) == vector["payload"].encode()
    assert digest_of(on_bus.payload) == vector["payload_sha256"]
    assert digest_of(on_bus.pae()) == vector["pae_sha256"]
    assert digest_of(bytes.fromhex(vector["public"])) == vector["keyid"] == on_bus.signatures[0].keyid
    message = accept(on_bus, world.state, datetime.fromisoformat(vector["now"]), None)
    assert codec.encode(message) == on_bus.payload
    assert json.loads(codec.encode(message)) == vector["message"]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_hostile(path: Path, world: World) -> None:
    vector = read(path)
    data, now = bytes.fromhex(vector["bytes"]), datetime.fromisoformat(vector["now"])
    state = world.state if vector["registry"] else TrustState(world.pinned)
    generation = state.generation

    def receive() -> None:
        match vector["form"]:
            case "bus":
                accept(unpack(data), state, now, vector["user_id"])
            case "json":
                accept(from_json(data), state, now, vector["user_id"])
            case _:
                open_key_request(unpack(data), state.directory)

    with pytest.raises(RefusedError) as refusal:
        receive()
    assert refusal.value.reason.value == vector["expect"]
    assert "样例" not in str(refusal.value), "a refusal must not quote the report"
    assert state.generation == generation, "a refusal must change nothing"


def test_every_reason_that_bytes_can_have_is_shown_by_a_vector() -> None:
    assert {Reason(read(path)["expect"]) for path in HOSTILE} == set(Reason) - NOT_FROM_BYTES_ALONE


@pytest.mark.parametrize("reading", [unpack, from_json])
def test_oversize(reading: Any) -> None:
    with pytest.raises(RefusedError) as refusal:
        reading(b"\x00" * (MAX_ENVELOPE_BYTES + 1))
    assert refusal.value.reason is Reason.ENVELOPE_TOO_LARGE


def test_the_largest_report_passes(world: World) -> None:
    _, envelope = world.report("320583", body="信" * 50_000)
    assert len(envelope.packed()) < MAX_ENVELOPE_BYTES
    accept(unpack(envelope.packed()), world.state, world.now, "gw-test")


def test_a_body_beyond_the_limit_is_refused(world: World) -> None:
    _, envelope = world.report("320583", body="信" * 50_001)
    with pytest.raises(RefusedError) as refusal:
        accept(envelope, world.state, world.now, "gw-test")
    assert refusal.value.reason is Reason.REPORT_INVALID
