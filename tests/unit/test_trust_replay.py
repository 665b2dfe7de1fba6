"""The trust state as a replayed log: any history, any prefix, any repetition."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proto.envelope import Envelope
from proto.errors import RefusedError
from proto.messages import Role, Staff
from services.kit.trust import enrol
from services.kit.trust.state import TrustState
from tests.world import KUNSHAN, REFORM, SUZHOU, World, fixed_world

CODES = (KUNSHAN, SUZHOU, REFORM)
HOUR = timedelta(hours=1)


def rotate(world: World, code: str) -> None:
    node, old = world.state.node(code), world.node_keys[code]
    assert node is not None
    new = world.new_key(f"{code}/{len(node.keys)}")
    request = enrol.key_request(code, node.name, new=new, old=old, at=world.now)
    opened = enrol.open_key_request(request, world.state.directory)
    # Keys change at the moment at which the world issues its directories, so that both sign within their time.
    world.publish_directory([enrol.rotated(node, opened, at=world.now - timedelta(days=1))])
    world.node_keys[code] = new


def rename(world: World, code: str) -> None:
    world.change_node(code, name=f"【样例】{world.state.directory.version}")


def suspend(world: World, code: str) -> None:
    node = world.state.node(code)
    assert node is not None
    world.change_node(code, suspended=not node.suspended)


def leave(world: World, code: str) -> None:
    world.change_staff(code, "officer", until=world.now - world.state.roster_version(code) * HOUR)


def join(world: World, code: str) -> None:
    staff = world.state.staff_of(code)
    record = enrol.key_record(world.new_key(f"{code}/joiner{len(staff)}").public, since=world.begun)
    person = Staff(
        person=f"joiner{len(staff)}",
        name="【样例】新人",
        roles=(Role.EDITOR,),
        full_time=True,
        since=world.begun,
        keys=(record,),
    )
    world.publish_roster(code, [*staff, person])


def change_root(world: World, _: str) -> None:
    new = world.new_key(f"root-{world.state.directory.version}")
    world.publish_directory(roots=(enrol.key_record(new.public, since=world.begun),))
    world.root = new


EVENTS = (rotate, rename, suspend, leave, join, change_root)
HISTORIES = st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(CODES)), max_size=12)
History = list[tuple[Callable[[World, str], None], str]]


def snapshot(state: TrustState) -> dict[str, Any]:
    """Return all that a state believes."""
    return {
        "directory": state.directory if state.ready else None,
        "nodes": {n.code: n for n in state.nodes()},
        "staff": {n.code: state.staff_of(n.code) for n in state.nodes()},
        "versions": {n.code: state.roster_version(n.code) for n in state.nodes()},
        "owners": {
            k.keyid: (k, known.node) for n in state.nodes() for k in n.keys if (known := state.node_key(k.keyid))
        },
        "hubs": {n.code: state.hubs_of(n.code) for n in state.nodes()},
    }


def lived(history: History) -> tuple[World, list[dict[str, Any]]]:
    """Return the world after a history, and what was believed after each registry message of it."""
    world = fixed_world()
    beliefs: list[dict[str, Any]] = []
    for event, code in history:
        event(world, code)
        beliefs.append(snapshot(world.state))
    return world, beliefs


def replayed(world: World, envelopes: list[Envelope]) -> TrustState:
    state = TrustState(world.pinned)
    for envelope in envelopes:
        state.apply(envelope)
    return state


@settings(max_examples=30, deadline=None)
@given(HISTORIES)
def test_a_replay_ends_where_life_did(history: History) -> None:
    world, beliefs = lived(history)
    state = replayed(world, world.registry())
    assert snapshot(state) == snapshot(world.state)
    begun = len(world.registry()) - len(history)
    for count, belief in enumerate(beliefs, start=1):
        assert snapshot(replayed(world, world.registry()[: begun + count])) == belief


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.data())
def test_every_prefix_is_consistent(history: History, data: st.DataObject) -> None:
    world, _ = lived(history)
    cut = data.draw(st.integers(0, len(world.registry())))
    state = replayed(world, world.registry()[:cut])
    nodes = {node.code for node in state.nodes()}
    for node in state.nodes():
        assert node.parent is None or node.parent in nodes
        assert set(state.hubs_of(node.code)) <= nodes
        for key in node.keys:
            known = state.node_key(key.keyid)
            assert known is not None
            assert (known.node, known.key) == (node.code, key)
        for staff in state.staff_of(node.code):
            for key in staff.keys:
                person = state.staff_key(node.code, key.keyid)
                assert person is not None
                assert person.person == staff.person


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.data())
def test_replaying_any_part_again_changes_nothing(history: History, data: st.DataObject) -> None:
    world, _ = lived(history)
    state = replayed(world, world.registry())
    before, generation = snapshot(state), state.generation
    for envelope in data.draw(st.lists(st.sampled_from(world.registry()), max_size=20)):
        with suppress(RefusedError):  # an older version is a rollback
            state.apply(envelope)
    assert snapshot(state) == before
    assert state.generation == generation


@settings(max_examples=20, deadline=None)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_a_shuffled_stream_never_believes_more_than_was_said(history: History, random: Any) -> None:
    world, _ = lived(history)
    shuffled = world.registry()
    random.shuffle(shuffled)
    state = TrustState(world.pinned)
    for envelope in shuffled:
        with suppress(RefusedError):
            state.apply(envelope)
    for node in state.nodes():
        assert state.roster_version(node.code) <= world.state.roster_version(node.code)
    if state.ready:
        assert state.directory.version <= world.state.directory.version


def test_a_key_that_replaced_another_stays_with_its_unit() -> None:
    world = fixed_world()
    rotate(world, KUNSHAN)
    node = world.state.node(KUNSHAN)
    assert node is not None
    old, new = node.keys
    assert (old.valid_to, new.valid_from) == (world.now - timedelta(days=1),) * 2
    assert new.keyid == world.node_keys[KUNSHAN].keyid
