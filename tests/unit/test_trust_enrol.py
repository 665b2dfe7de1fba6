"""Enrolment, rotation and revocation, from the request to the directory that everybody replays."""

from datetime import timedelta

import pytest

from proto.envelope import digest_of, unpack
from proto.errors import Reason, RefusedError
from proto.messages import Heartbeat, Node, NodeKind
from services.kit.crypto import PrivateKey
from services.kit.trust import enrol
from services.kit.trust.verify import verify_message
from tests.world import KUNSHAN, PROVINCE, SUZHOU, World, fixed_world

HOUR = timedelta(hours=1)
TAICANG = "320585"


@pytest.fixture
def world() -> World:
    return fixed_world()


def say(
    world: World, code: str, key: PrivateKey, *, ago: timedelta = timedelta(0), now_in: timedelta = timedelta(0)
) -> Reason | None:
    """Send a heartbeat signed ``ago`` and received ``now_in``; return why it was refused."""
    beat = Heartbeat(
        id=world.new_id(), origin=code, to=(PROVINCE,), sent_at=world.now - ago, waiting=0, software="yizhan 0.1.0"
    )
    try:
        verify_message(world.state, world.seal(beat, code, key=key), beat, now=world.now + now_in, user_id=None)
    except RefusedError as refusal:
        return refusal.reason
    return None


def test_enrolment(world: World) -> None:
    key = world.new_key(TAICANG)
    request = enrol.key_request(TAICANG, "太仓市人民政府办公室", new=key, old=None, at=world.now)
    opened = enrol.open_key_request(unpack(request.packed()), world.state.directory)
    assert (opened.node, opened.public, opened.replaces) == (TAICANG, key.public, None)
    assert say(world, TAICANG, key) is Reason.UNKNOWN_NODE
    record = enrol.key_record(opened.public, since=world.begun)
    node = Node(code=TAICANG, name=opened.name, type=NodeKind.COUNTY, parent=SUZHOU, gateway="gw-test", keys=(record,))
    before = [n.code for n in world.state.nodes()]
    world.publish_directory([node])
    assert [n.code for n in world.state.nodes()] == [*before, TAICANG]
    assert say(world, TAICANG, key) is None


def test_enrolment_before_any_directory() -> None:
    key = PrivateKey.generate()
    world = fixed_world()
    request = enrol.key_request(PROVINCE, "江苏省人民政府办公厅", new=key, old=None, at=world.now)
    assert enrol.open_key_request(request, None).public == key.public
    rotation = enrol.key_request(PROVINCE, "江苏省人民政府办公厅", new=key, old=world.node_keys[PROVINCE], at=world.now)
    with pytest.raises(RefusedError) as refusal:
        enrol.open_key_request(rotation, None)
    assert refusal.value.reason is Reason.KEY_UNKNOWN


def test_rotation(world: World) -> None:
    old, new, node = world.node_keys[KUNSHAN], world.new_key("second"), world.state.node(KUNSHAN)
    assert node is not None
    request = enrol.key_request(KUNSHAN, node.name, new=new, old=old, at=world.now)
    assert {s.keyid for s in request.signatures} == {old.keyid, new.keyid}
    opened = enrol.open_key_request(request, world.state.directory)
    at = world.now - 2 * HOUR
    world.publish_directory([enrol.rotated(node, opened, at=at)], sent_at=world.now)
    assert say(world, KUNSHAN, new) is None
    assert say(world, KUNSHAN, old) is Reason.KEY_NOT_VALID
    assert say(world, KUNSHAN, old, ago=3 * HOUR) is None, "what was signed before, and only now arrives, is good"
    assert say(world, KUNSHAN, new, ago=3 * HOUR) is Reason.KEY_NOT_VALID


def test_rotation_leaves_an_earlier_end_alone(world: World) -> None:
    node, new, newer = world.state.node(KUNSHAN), world.new_key("second"), world.new_key("third")
    assert node is not None
    requests = [
        enrol.open_key_request(
            enrol.key_request(KUNSHAN, node.name, new=key, old=world.node_keys[KUNSHAN], at=world.now),
            world.state.directory,
        )
        for key in (new, newer)
    ]
    once = enrol.rotated(node, requests[0], at=world.now - HOUR)
    twice = enrol.rotated(once, requests[1], at=world.now)
    assert [key.valid_to for key in twice.keys] == [world.now - HOUR, None, None]


def test_revocation(world: World) -> None:
    key, node = world.node_keys[KUNSHAN], world.state.node(KUNSHAN)
    assert node is not None
    world.publish_directory([enrol.revoked(node, key.keyid, since=world.now)])
    assert say(world, KUNSHAN, key, ago=HOUR, now_in=-HOUR) is None, "what was received before stays good"
    assert say(world, KUNSHAN, key, ago=HOUR) is Reason.KEY_REVOKED
    with pytest.raises(RefusedError) as refusal:
        enrol.revoked(node, "0" * 64, since=world.now)
    assert refusal.value.reason is Reason.KEY_UNKNOWN


def test_a_revoked_key_introduces_nobody(world: World) -> None:
    old, new, node = world.node_keys[KUNSHAN], world.new_key("second"), world.state.node(KUNSHAN)
    assert node is not None
    world.publish_directory([enrol.revoked(node, old.keyid, since=world.now)])
    request = enrol.key_request(KUNSHAN, node.name, new=new, old=old, at=world.now)
    with pytest.raises(RefusedError) as refusal:
        enrol.open_key_request(request, world.state.directory)
    assert refusal.value.reason is Reason.KEY_REVOKED


def test_the_next_directory_keeps_who_is_not_named(world: World) -> None:
    current = world.state.directory
    found = enrol.next_directory(
        current, [], current.roots, id=world.new_id(), origin=PROVINCE, issued=world.now, expires=world.now + HOUR
    )
    assert (found.version, found.nodes, found.roots) == (current.version + 1, current.nodes, current.roots)
    first = enrol.next_directory(
        None, [], world.pinned, id=world.new_id(), origin=PROVINCE, issued=world.now, expires=world.now + HOUR
    )
    assert (first.version, first.nodes) == (1, ())


def test_a_key_record_names_the_hash() -> None:
    key = PrivateKey.generate()
    world = fixed_world()
    assert enrol.key_record(key.public, since=world.now).keyid == digest_of(key.public) == key.keyid
