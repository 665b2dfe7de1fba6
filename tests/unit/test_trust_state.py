"""The ordering rules of ``services.kit.trust.state``, both sides of each. The flaws themselves are in the vectors."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from proto.envelope import Envelope, Signature
from proto.errors import Reason, RefusedError
from proto.messages import Directory, Key, Node, NodeKind, Role, Staff
from services.kit.trust import enrol
from services.kit.trust.state import TrustState, holds_role, in_office
from tests.world import (
    BEIJING,
    FIXED_NOW,
    JIANGYIN,
    KUNSHAN,
    PROVINCE,
    REFORM,
    SUZHOU,
    WUXI,
    ZHANGJIAGANG,
    World,
    fixed_world,
)

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@pytest.fixture
def world() -> World:
    return fixed_world()


def node_of(world: World, code: str) -> Node:
    node = world.state.node(code)
    assert node is not None
    return node


def staff_of(world: World, code: str, person: str) -> Staff:
    staff = world.state.staff(code, person)
    assert staff is not None
    return staff


def refused(state: TrustState, envelope: Envelope, reason: Reason) -> None:
    before = (state.generation, list(state.nodes()), state.ready)
    with pytest.raises(RefusedError) as refusal:
        state.apply(envelope)
    assert refusal.value.reason is reason
    assert before == (state.generation, list(state.nodes()), state.ready), "a refusal changes nothing"


def directory(world: World, key: object = None, **changes: object) -> Envelope:
    current = world.state.directory
    fields: dict[str, object] = {"version": current.version + 1, "id": world.new_id(), "sent_at": world.now} | changes
    return enrol.seal_message(replace(current, **fields), "directory", key or world.root)  # type: ignore[arg-type]


# Rule 1


def test_nothing_is_known_before_the_first_directory(world: World) -> None:
    state = TrustState(world.pinned)
    assert not state.ready
    assert (state.node(KUNSHAN), state.hubs_of(KUNSHAN), list(state.nodes())) == (None, (), [])
    with pytest.raises(RefusedError) as refusal:
        state.require_fresh(world.now)
    assert refusal.value.reason is Reason.NO_DIRECTORY
    refused(state, world.registry()[1], Reason.UNKNOWN_NODE)


def test_the_first_directory_must_be_signed_by_a_pinned_root(world: World) -> None:
    stranger = world.new_key("stranger")
    refused(
        TrustState([enrol.key_record(stranger.public, since=world.begun)]),
        world.registry()[0],
        Reason.REGISTRY_NOT_ROOT,
    )
    refused(TrustState([]), world.registry()[0], Reason.REGISTRY_NOT_ROOT)
    two = TrustState([enrol.key_record(stranger.public, since=world.begun), *world.pinned])
    assert isinstance(two.apply(world.registry()[0]), Directory)


def test_one_good_root_signature_among_others_is_enough(world: World) -> None:
    first = world.registry()[0]
    noise = Signature("0" * 64, b"")
    TrustState(world.pinned).apply(replace(first, signatures=(noise, *first.signatures)))


@pytest.mark.parametrize(
    "changes", [{"valid_from": FIXED_NOW}, {"valid_to": FIXED_NOW - 9 * HOUR * 24}, {"revoked_from": FIXED_NOW}]
)
def test_a_root_that_does_not_hold_signs_nothing(world: World, changes: dict[str, object]) -> None:
    refused(TrustState([replace(world.pinned[0], **changes)]), world.registry()[0], Reason.REGISTRY_NOT_ROOT)


# Rule 2


def test_the_same_bytes_again_change_nothing(world: World) -> None:
    generation = world.state.generation
    for envelope in (world.registry()[0], world.registry()[-1]):
        world.state.apply(envelope)
    assert world.state.generation == generation


def test_versions_may_jump_but_not_fall(world: World) -> None:
    first = world.registry()[0]
    world.state.apply(directory(world, version=7))
    refused(world.state, first, Reason.REGISTRY_ROLLBACK)
    refused(world.state, directory(world, version=7), Reason.REGISTRY_ROLLBACK)
    refused(world.state, directory(world, version=6), Reason.REGISTRY_ROLLBACK)
    world.state.apply(directory(world, version=8))


def test_a_new_root_is_introduced_by_the_old(world: World) -> None:
    new = world.new_key("root-2")
    record = enrol.key_record(new.public, since=world.begun)
    refused(world.state, directory(world, new, roots=(record,)), Reason.REGISTRY_NOT_ROOT)
    world.state.apply(directory(world, world.root, roots=(record,)))
    refused(world.state, directory(world, world.root), Reason.REGISTRY_NOT_ROOT)
    world.state.apply(directory(world, new))


def test_two_roots_may_overlap(world: World) -> None:
    new = world.new_key("root-2")
    record = enrol.key_record(new.public, since=world.begun)
    world.state.apply(directory(world, world.root, roots=(*world.pinned, record)))
    world.state.apply(directory(world, new))
    world.state.apply(directory(world, world.root))


# Rule 3


def test_keys_are_added_ended_and_revoked(world: World) -> None:
    node = node_of(world, KUNSHAN)
    added = enrol.key_record(world.new_key("second").public, since=world.now)
    world.change_node(KUNSHAN, keys=(replace(node.keys[0], valid_to=world.now), added))
    world.change_node(
        KUNSHAN, keys=(replace(node.keys[0], valid_to=world.now - HOUR), replace(added, revoked_from=world.now))
    )
    found = world.state.node_key(added.keyid)
    assert found is not None
    assert (found.node, found.key.revoked_from) == (KUNSHAN, world.now)


@pytest.mark.parametrize("field", ["valid_to", "revoked_from"])
def test_an_ending_is_neither_lifted_nor_put_off(world: World, field: str) -> None:
    (key,) = node_of(world, KUNSHAN).keys
    world.change_node(KUNSHAN, keys=(replace(key, **{field: world.now}),))
    for value in (None, world.now + TICK):
        nodes = tuple(
            replace(n, keys=(replace(key, **{field: value}),)) if n.code == KUNSHAN else n for n in world.state.nodes()
        )
        refused(world.state, directory(world, nodes=nodes), Reason.REGISTRY_INVALID)


def test_what_is_no_key_may_change(world: World) -> None:
    world.change_node(
        KUNSHAN, name="昆山市", gateway="gw-kunshan", direct_report=False, parent=PROVINCE, suspended=True
    )
    assert node_of(world, KUNSHAN).gateway == "gw-kunshan"


def test_a_persons_beginning_is_not_moved(world: World) -> None:
    staff = [replace(s, since=world.now) if s.person == "lead" else s for s in world.state.staff_of(KUNSHAN)]
    roster = enrol.roster(KUNSHAN, staff, version=2, id=world.new_id(), at=world.now)
    refused(world.state, enrol.seal_message(roster, "roster", world.node_keys[KUNSHAN]), Reason.REGISTRY_INVALID)


def test_a_leavers_end_is_not_lifted_or_put_off(world: World) -> None:
    world.change_staff(KUNSHAN, "lead", until=world.now)
    for until in (None, world.now + HOUR):
        staff = [replace(s, until=until) if s.person == "lead" else s for s in world.state.staff_of(KUNSHAN)]
        with pytest.raises(RefusedError) as refused:
            world.publish_roster(KUNSHAN, staff)
        assert refused.value.reason is Reason.REGISTRY_INVALID
    world.change_staff(KUNSHAN, "lead", until=world.now - HOUR)


def test_people_join_and_leave(world: World) -> None:
    key = world.new_key("joiner")
    joiner = Staff(
        person="joiner", name="【样例】新人", roles=(Role.EDITOR,), full_time=False, since=world.now,
        keys=(enrol.key_record(key.public, since=world.now),),
    )  # fmt: skip
    world.publish_roster(KUNSHAN, [*world.state.staff_of(KUNSHAN), joiner])
    world.change_staff(KUNSHAN, "officer", until=world.now)
    assert world.state.roster_version(KUNSHAN) == 3
    assert {s.person for s in world.state.staff_of(KUNSHAN)} == {"officer", "lead", "head", "joiner"}
    assert world.state.staff_key(KUNSHAN, key.keyid) is not None
    assert world.state.staff_key(SUZHOU, key.keyid) is None, "a person's key counts in the own unit only"


# Rule 4


def test_a_roster_in_the_overlap_of_two_keys(world: World) -> None:
    node, new = node_of(world, KUNSHAN), world.new_key("second")
    world.change_node(KUNSHAN, keys=(*node.keys, enrol.key_record(new.public, since=world.begun)))
    world.publish_roster(KUNSHAN, world.state.staff_of(KUNSHAN))
    world.node_keys[KUNSHAN] = new
    world.publish_roster(KUNSHAN, world.state.staff_of(KUNSHAN))


@pytest.mark.parametrize(("ends", "good"), [(-TICK, False), (timedelta(0), False), (TICK, True)])
def test_the_end_of_a_key_ends_its_rosters(world: World, ends: timedelta, good: bool) -> None:  # noqa: FBT001
    (key,) = node_of(world, KUNSHAN).keys
    world.change_node(KUNSHAN, keys=(replace(key, valid_to=world.now + ends),))
    roster = enrol.roster(KUNSHAN, world.state.staff_of(KUNSHAN), version=2, id=world.new_id(), at=world.now)
    envelope = enrol.seal_message(roster, "roster", world.node_keys[KUNSHAN])
    if good:
        world.state.apply(envelope)
    else:
        refused(world.state, envelope, Reason.SIGNATURE_INVALID)


def test_a_date_of_before_does_not_revive_an_ended_key(world: World) -> None:
    (key,) = node_of(world, KUNSHAN).keys
    ended = replace(node_of(world, KUNSHAN), keys=(replace(key, valid_to=world.now - HOUR),))
    world.publish_directory([ended], sent_at=world.now)
    roster = enrol.roster(KUNSHAN, world.state.staff_of(KUNSHAN), version=2, id=world.new_id(), at=world.now - 2 * HOUR)
    refused(world.state, enrol.seal_message(roster, "roster", world.node_keys[KUNSHAN]), Reason.SIGNATURE_INVALID)


def test_a_roster_with_a_planned_revocation_counts_as_revoked(world: World) -> None:
    (key,) = node_of(world, KUNSHAN).keys
    world.change_node(KUNSHAN, keys=(replace(key, revoked_from=world.now + HOUR),))
    roster = enrol.roster(KUNSHAN, world.state.staff_of(KUNSHAN), version=2, id=world.new_id(), at=world.now)
    refused(world.state, enrol.seal_message(roster, "roster", world.node_keys[KUNSHAN]), Reason.SIGNATURE_INVALID)


# Rule 5


def test_an_expired_directory_authorises_nothing_new_but_keeps_the_past(world: World) -> None:
    expires = world.state.directory.expires
    assert world.state.require_fresh(expires - TICK) is world.state.directory
    with pytest.raises(RefusedError) as refusal:
        world.state.require_fresh(expires)
    assert refusal.value.reason is Reason.DIRECTORY_EXPIRED
    assert world.state.node(KUNSHAN) is not None
    world.state.apply(directory(world, expires=expires + HOUR))
    world.state.require_fresh(expires)


def test_other_messages_are_no_registry(world: World) -> None:
    refused(world.state, world.report(KUNSHAN)[1], Reason.PAYLOAD_UNKNOWN_KIND)


@pytest.mark.parametrize(
    ("code", "hubs"),
    [
        (PROVINCE, ()), (SUZHOU, (PROVINCE,)), (REFORM, (PROVINCE,)), (BEIJING, (PROVINCE,)), ("320999", ()),
        (KUNSHAN, (SUZHOU, PROVINCE)), (ZHANGJIAGANG, (SUZHOU,)), (JIANGYIN, (WUXI, PROVINCE)),
    ],
)  # fmt: skip
def test_where_a_unit_reports(world: World, code: str, hubs: tuple[str, ...]) -> None:
    assert world.state.hubs_of(code) == hubs


def test_a_direct_report_point_right_under_the_province_reports_once(world: World) -> None:
    world.change_node(KUNSHAN, parent=PROVINCE)
    assert world.state.hubs_of(KUNSHAN) == (PROVINCE,)
    assert node_of(world, PROVINCE).type is NodeKind.PROVINCE


def test_office_begins_inclusive_and_ends_exclusive(world: World) -> None:
    staff = replace(staff_of(world, KUNSHAN, "lead"), since=world.now, until=world.now + HOUR)
    times = [world.now - TICK, world.now, world.now + HOUR - TICK, world.now + HOUR]
    assert [in_office(staff, at) for at in times] == [False, True, True, False]
    assert [holds_role(staff, Role.OFFICE_LEAD, at) for at in times] == [False, True, True, False]
    assert not holds_role(staff, Role.UNIT_LEAD, world.now)


def test_a_pinned_root_whose_id_is_not_its_hash(world: World) -> None:
    wrong: Key = replace(world.pinned[0], keyid="0" * 64)
    with pytest.raises(RefusedError) as refusal:
        TrustState([wrong])
    assert refusal.value.reason is Reason.REGISTRY_INVALID
