"""The numbered steps of ``services.kit.trust.verify`` at their edges. Each step's flaw is in the vectors."""

from datetime import timedelta
from itertools import product

import pytest
from msgspec.structs import replace

from proto.addresses import ROUTER_CODE
from proto.envelope import Envelope, seal
from proto.errors import Reason, RefusedError
from proto.limits import CLOCK_SKEW_SECONDS
from proto.messages import Action, Importance, Message, Node, Report, Role, SignOff, Staff, Stage
from services.kit.trust import enrol
from services.kit.trust.verify import MAY_SIGN, check_policy, verify_message, verify_report, verify_signature
from tests.world import HEAD_SIGNS, KUNSHAN, LEAD_SIGNS, REFORM, SUZHOU, WUXI, World, fixed_world

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
SKEW = timedelta(seconds=CLOCK_SKEW_SECONDS)


@pytest.fixture
def world() -> World:
    return fixed_world()


def reason_of_message(
    world: World, sealed: tuple[Message, Envelope], now: object = None, user_id: str | None = "gw-test"
) -> Reason | None:
    message, envelope = sealed
    try:
        verify_message(world.state, envelope, message, now=now or world.now, user_id=user_id)  # type: ignore[arg-type]
    except RefusedError as refusal:
        return refusal.reason
    return None


def reason_of_report(world: World, report: Report, now: object = None) -> Reason | None:
    try:
        verify_report(world.state, report, now=now or world.now)  # type: ignore[arg-type]
    except RefusedError as refusal:
        return refusal.reason
    return None


def node_of(world: World, code: str = KUNSHAN) -> Node:
    node = world.state.node(code)
    assert node is not None
    return node


def lead_of(world: World) -> Staff:
    staff = world.state.staff(KUNSHAN, "lead")
    assert staff is not None
    return staff


def test_a_good_report_returns_its_content(world: World) -> None:
    report, envelope = world.report(KUNSHAN, title="【样例】标题")
    assert reason_of_message(world, (report, envelope)) is None
    assert verify_report(world.state, report, now=world.now).title == "【样例】标题"


def test_step_1_the_directory_expires(world: World) -> None:
    expires = world.state.directory.expires
    late = world.report(KUNSHAN, sent_at=expires - HOUR)
    assert reason_of_message(world, late, now=expires - TICK) is None
    assert reason_of_message(world, late, now=expires) is Reason.DIRECTORY_EXPIRED


def test_step_2_suspension_ends(world: World) -> None:
    world.change_node(KUNSHAN, suspended=True)
    assert reason_of_message(world, world.report(KUNSHAN)) is Reason.NODE_SUSPENDED
    world.change_node(KUNSHAN, suspended=False)
    assert reason_of_message(world, world.report(KUNSHAN)) is None


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [("gw-test", None), (None, None), ("", Reason.WRONG_GATEWAY), ("router", Reason.WRONG_GATEWAY)],
)
def test_step_3_the_gateway(world: World, user_id: str | None, reason: Reason | None) -> None:
    assert reason_of_message(world, world.report(KUNSHAN), user_id=user_id) is reason


def test_step_3_follows_the_directory(world: World) -> None:
    world.change_node(KUNSHAN, gateway="gw-kunshan")
    assert reason_of_message(world, world.report(KUNSHAN)) is Reason.WRONG_GATEWAY
    assert reason_of_message(world, world.report(KUNSHAN), user_id="gw-kunshan") is None


def test_step_4_two_signatures_of_the_origin(world: World) -> None:
    new = world.new_key("second")
    world.change_node(KUNSHAN, keys=(*node_of(world).keys, enrol.key_record(new.public, since=world.begun)))
    report, envelope = world.report(KUNSHAN)
    both = seal("report", envelope.payload, [world.node_keys[KUNSHAN], new])
    assert reason_of_message(world, (report, both)) is None


def test_step_4_the_order_of_reasons(world: World) -> None:
    """An unknown unit is said before an unknown key, and a missing signature before both."""
    report, envelope = world.report(KUNSHAN)
    with pytest.raises(RefusedError) as refusal:
        verify_signature(world.state, replace(envelope, signatures=()), report, now=world.now)
    assert refusal.value.reason is Reason.SIGNATURE_MISSING
    stranger = replace(report, origin="320999")
    assert reason_of_message(world, (stranger, world.seal(stranger, KUNSHAN))) is Reason.UNKNOWN_NODE


def test_step_5_a_key_begins_and_ends(world: World) -> None:
    ends = world.now - HOUR
    (key,) = node_of(world).keys
    world.change_node(KUNSHAN, keys=(replace(key, valid_to=ends),))
    times = [world.begun - TICK, world.begun, ends - TICK, ends]
    found = [reason_of_message(world, world.report(KUNSHAN, sent_at=at)) for at in times]
    assert found == [Reason.KEY_NOT_VALID, None, None, Reason.KEY_NOT_VALID]


def test_step_5_a_revocation_counts_by_the_receivers_clock(world: World) -> None:
    revoked = world.now + HOUR
    sealed = world.report(KUNSHAN, sent_at=world.now - HOUR)
    world.change_node(KUNSHAN, keys=enrol.revoked(node_of(world), world.node_keys[KUNSHAN].keyid, since=revoked).keys)
    assert reason_of_message(world, sealed, now=revoked - TICK) is None
    assert reason_of_message(world, sealed, now=revoked) is Reason.KEY_REVOKED


def test_step_7_a_clock_may_run_ahead_a_little(world: World) -> None:
    assert reason_of_message(world, world.report(KUNSHAN, sent_at=world.now + SKEW)) is None
    assert reason_of_message(world, world.report(KUNSHAN, sent_at=world.now + SKEW + TICK)) is Reason.SENT_IN_FUTURE


@pytest.mark.parametrize(
    ("research", "joint", "expected"),
    [
        (False, (), None),
        (True, (), None),
        (True, (WUXI, REFORM), None),
        (True, (SUZHOU,), None),  # also the hub that it reports to
        (False, (WUXI,), (Reason.REPORT_JOINT, "research")),
        (True, (WUXI, REFORM, WUXI), (Reason.REPORT_JOINT, WUXI)),
        (True, (KUNSHAN,), (Reason.REPORT_JOINT, KUNSHAN)),
        (True, (WUXI, "320999"), (Reason.REPORT_JOINT_UNKNOWN, "320999")),
        (True, (ROUTER_CODE,), (Reason.REPORT_JOINT_UNKNOWN, ROUTER_CODE)),
    ],
)
def test_step_8_joint_units(
    world: World,
    research: bool,  # noqa: FBT001
    joint: tuple[str, ...],
    expected: tuple[Reason, str] | None,
) -> None:
    report, _ = world.report(KUNSHAN, research=research, joint=joint)
    if expected is None:
        assert verify_report(world.state, report, now=world.now).joint == joint
        return
    with pytest.raises(RefusedError) as refusal:
        verify_report(world.state, report, now=world.now)
    assert (refusal.value.reason, refusal.value.detail) == expected


def test_step_8_a_suspended_unit_is_still_a_partner(world: World) -> None:
    world.change_node(WUXI, suspended=True)
    assert reason_of_report(world, world.report(KUNSHAN, research=True, joint=(WUXI,))[0]) is None


def sign_offs_at(world: World, *offsets: timedelta) -> Report:
    report, _ = world.report(KUNSHAN)
    signed = [world.sign_off(KUNSHAN, report.content, *LEAD_SIGNS[1], at=world.now + each) for each in offsets]
    return replace(report, sign_offs=(report.sign_offs[0], *signed))


def test_step_11_a_revoked_staff_key(world: World) -> None:
    (key,) = lead_of(world).keys
    report, _ = world.report(KUNSHAN)
    world.change_staff(KUNSHAN, "lead", keys=(replace(key, revoked_from=world.now + HOUR),))
    assert reason_of_report(world, report, now=world.now + HOUR - TICK) is None
    assert reason_of_report(world, report, now=world.now + HOUR) is Reason.SIGN_OFF_KEY_REVOKED


def test_step_12_a_leavers_earlier_signature_holds(world: World) -> None:
    world.change_staff(KUNSHAN, "lead", until=world.now - HOUR)
    early = world.report(KUNSHAN, sent_at=world.now - HOUR - TICK)[0]
    late = world.report(KUNSHAN, sent_at=world.now - HOUR)[0]
    assert (reason_of_report(world, early), reason_of_report(world, late)) == (None, Reason.SIGN_OFF_NOT_IN_OFFICE)


def test_step_12_an_ended_staff_key(world: World) -> None:
    (key,) = lead_of(world).keys
    world.change_staff(KUNSHAN, "lead", keys=(replace(key, valid_to=world.now - HOUR),))
    found = [reason_of_report(world, sign_offs_at(world, -HOUR - TICK))]
    assert found == [Reason.SIGN_OFF_NOT_IN_OFFICE], "the review of now is by the ended key as well"
    early = world.report(KUNSHAN, sent_at=world.now - HOUR - TICK)[0]
    assert reason_of_report(world, early) is None


def test_step_12_not_after_sending(world: World) -> None:
    assert reason_of_report(world, sign_offs_at(world, SKEW)) is None
    assert reason_of_report(world, sign_offs_at(world, SKEW + TICK)) is Reason.SIGN_OFF_TIME


def test_step_14_every_sign_off_must_hold_even_a_needless_one(world: World) -> None:
    report = sign_offs_at(world, timedelta(0), timedelta(0))
    assert reason_of_report(world, report) is None
    stranger = world.sign_off(KUNSHAN, report.content, *HEAD_SIGNS[1], key=world.new_key("stranger"))
    assert reason_of_report(world, replace(report, sign_offs=(*report.sign_offs, stranger))) is Reason.SIGN_OFF_KEY


def test_sign_offs_do_not_travel_to_another_unit(world: World) -> None:
    report, _ = world.report(KUNSHAN)
    assert reason_of_report(world, replace(report, origin=SUZHOU)) is Reason.SIGN_OFF_DIGEST


def test_nor_where_that_unit_lists_the_same_person_with_the_same_key(world: World) -> None:
    (lead,) = [s for s in world.state.staff_of(KUNSHAN) if s.person == "lead"]
    others = [s for s in world.state.staff_of(SUZHOU) if s.person != "lead"]
    (own,) = [s for s in world.state.staff_of(SUZHOU) if s.person == "lead"]
    world.publish_roster(SUZHOU, [*others, replace(own, keys=(*own.keys, *lead.keys))])
    report, _ = world.report(KUNSHAN)
    assert reason_of_report(world, replace(report, origin=SUZHOU)) is Reason.SIGN_OFF_DIGEST


def test_sign_offs_do_not_travel_to_another_chain(world: World) -> None:
    first, _ = world.report(KUNSHAN)
    correction, _ = world.report(KUNSHAN, about=first.id, stage=Stage.CORRECTION)
    assert reason_of_report(world, replace(correction, about=world.new_id())) is Reason.SIGN_OFF_DIGEST


@pytest.mark.parametrize(
    ("importance", "review", "approval"), list(product(Importance, [None, *Role], [None, *Role])), ids=str
)
def test_step_15_who_may_sign(world: World, importance: Importance, review: Role | None, approval: Role | None) -> None:
    content = verify_report(
        world.state, world.report(KUNSHAN, importance=importance, sign=HEAD_SIGNS)[0], now=world.now
    )
    statements = [
        SignOff(digest="0" * 64, node=KUNSHAN, person="lead", role=role, action=action, at=world.now)
        for action, role in ((Action.REVIEWED, review), (Action.APPROVED, approval))
        if role is not None
    ]
    leads = {Role.OFFICE_LEAD, Role.UNIT_LEAD}
    needed = leads if importance is Importance.ORDINARY else {Role.UNIT_LEAD}
    if review in leads and approval in needed:
        check_policy(content, statements)
        return
    with pytest.raises(RefusedError) as refusal:
        check_policy(content, statements)
    lead_is_missing = review in leads and importance is Importance.IMPORTANT and approval is not None
    assert refusal.value.reason is (Reason.SIGN_OFF_NOT_UNIT_LEAD if lead_is_missing else Reason.SIGN_OFF_MISSING)


def test_step_15_names_every_pair() -> None:
    assert set(MAY_SIGN) == set(product(Importance, Action))
