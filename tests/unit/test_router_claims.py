"""Judged on trust with the claims checked apart, every message comes out as it does when judged at once."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from proto.addresses import routing_key
from proto.errors import RefusedError
from services.kit.trust.state import TrustState
from services.router.claims import hold, judge_on_trust
from services.router.domain import Accepted, Arrival, judge
from tests.assets import make_vectors
from tests.assets.vector_world import vector_world
from tests.places import KUNSHAN
from tests.world import World

GOLDEN = sorted((make_vectors.FOLDER / "golden").glob("*.json"))
HOSTILE = sorted((make_vectors.FOLDER / "hostile").glob("*.json"))


@pytest.fixture(scope="module")
def world() -> World:
    return vector_world()


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def key_of(body: bytes, claimed: dict[str, Any] | None) -> str:
    try:
        told = claimed or json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        return routing_key(told["origin"], told["kind"])
    except (ValueError, KeyError, TypeError, RefusedError):
        return routing_key(KUNSHAN, "report")


@pytest.mark.parametrize("path", [*GOLDEN, *HOSTILE], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_claims_apart_or_at_once(path: Path, world: World) -> None:
    vector = read(path)
    body = bytes.fromhex(vector["bytes"] if "bytes" in vector else vector["msgpack"])
    state = world.state if vector.get("registry", True) else TrustState(world.pinned)
    arrival = Arrival(body=body, routing_key=key_of(body, vector.get("message")), user_id=vector.get("user_id") or None)
    now = datetime.fromisoformat(vector["now"])
    outcome, claims = judge_on_trust(state, arrival, now)
    if hold([claims]) == [True]:
        assert outcome == judge(state, arrival, now)
    else:
        assert not isinstance(judge(state, arrival, now), Accepted), "a false claim must not be accepted"


def test_each_signature_is_a_claim_and_one_false_one_is_found(world: World) -> None:
    message, envelope = world.report(KUNSHAN)
    arrival = Arrival(body=envelope.packed(), routing_key=routing_key(KUNSHAN, "report"), user_id=None)
    outcome, claims = judge_on_trust(world.state, arrival, world.now)
    assert isinstance(outcome, Accepted)
    assert len(claims) == 1 + len(message.sign_offs) == 3
    for number, (algorithm, public, signature, data) in enumerate(claims):
        flipped = signature[:-1] + bytes([signature[-1] ^ 1])
        false = [*claims[:number], (algorithm, public, flipped, data), *claims[number + 1 :]]
        assert hold([claims, false, claims]) == [True, False, True]


def test_nothing_to_check_holds() -> None:
    assert hold([]) == []
    assert hold([[]]) == [True]
