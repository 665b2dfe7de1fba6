"""Who may send what to whom: every kind, every relation; and nothing that a stranger sends raises."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proto.addresses import PRESENCE_ADDRESS, REGISTRY_ADDRESS, ROUTER_CODE, routing_key
from proto.envelope import Signature, payload_type_of, seal
from proto.errors import Reason, RefusedError
from proto.messages import (
    KINDS,
    Adjustment,
    Appeal,
    Article,
    Bulletin,
    Closure,
    DecidedItem,
    Decision,
    Designation,
    Heartbeat,
    Instruction,
    KeyPoint,
    KeyPoints,
    Level,
    Message,
    Notice,
    NoticeType,
    Outcome,
    Progress,
    Publication,
    Receipt,
    ReceiptEntry,
    Reminder,
    Report,
    Rules,
    Solicitation,
    Stage,
    Step,
    Verdict,
)  # fmt: skip
from proto.topology import SCORED_REPORTS
from services.kit.ids import new_id, utc_now
from services.router.domain import Accepted, Arrival, Refused, delivery_keys, judge
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World

NOW = utc_now()
WORLD = World.make(NOW)
APPROVAL = WORLD.approval(PROVINCE, "t")
BODIES: dict[type[Message], dict[str, Any]] = {
    Report: {"content": "{}", "sign_offs": ()},
    Progress: {"step": Step.SIGNED_FOR, "person": "lead"},
    Receipt: {"entries": (ReceiptEntry(message=new_id(), digest="0" * 64, outcome=Outcome.DELIVERED, at=NOW),)},
    Publication: {
        "series": "s", "name": "n", "organ": "o", "issue": "1", "total": 1, "day": "2026-01-01",
        "articles": (Article(title="t", body="b", reports=(new_id(),), units=(KUNSHAN,)),),
    },
    Decision: {
        "verdict": Verdict.DECLINED, "items": (DecidedItem(report=new_id(), origin=KUNSHAN, share=Decimal(1)),),
        "editor": "editor", "reason": "r",
    },
    KeyPoints: {"month": "2026-01", "points": (KeyPoint(number=1, text="t"),)},
    Solicitation: {"number": "1", "title": "t", "body": "b", "deadline": NOW},
    Notice: {"type": NoticeType.GENERAL, "title": "t", "body": "b"},
    Instruction: {
        "level": Level.CITY, "leader": "l", "rank": "r", "text": "t",
        "items": (DecidedItem(report=new_id(), origin=KUNSHAN, share=Decimal(1)),),
    },
    Reminder: {"text": "t", "step": 1},
    Closure: {"accepted": new_id()},
    Rules: {"content": "t", "approvals": (APPROVAL,)},
    Bulletin: {"content": "t", "approvals": (APPROVAL,)},
    Designation: {"content": "t", "approvals": (APPROVAL,)},
    Adjustment: {"lines": (), "person": "lead", "reason": "r"},
    Appeal: {"month": "2026-01", "person": "officer", "text": "t"},
}  # fmt: skip
UP = (Report, Progress, Appeal)
DOWN = (
    Decision, KeyPoints, Solicitation, Notice, Instruction, Reminder, Closure, Rules, Bulletin, Designation, Adjustment,
)  # fmt: skip


@dataclass(frozen=True)
class Relation:
    name: str
    origin: str
    to: str
    allowed: tuple[type[Message], ...]


RELATIONS = (
    Relation("county to its city", ZHANGJIAGANG, SUZHOU, (*UP, Receipt)),
    Relation("county past its city", ZHANGJIAGANG, PROVINCE, (Receipt,)),
    Relation("direct-report point to the province", KUNSHAN, PROVINCE, (*UP, Receipt)),
    Relation("direct-report point to its city", KUNSHAN, SUZHOU, (*UP, Receipt)),
    Relation("county to another city", ZHANGJIAGANG, WUXI, (Receipt,)),
    Relation("city to the province", SUZHOU, PROVINCE, (*UP, Receipt, Publication)),
    Relation("city to its county", SUZHOU, ZHANGJIAGANG, (*DOWN, Receipt, Publication)),
    Relation("city to another's county", SUZHOU, JIANGYIN, (Receipt, Publication)),
    Relation("city to city", SUZHOU, WUXI, (Receipt, Publication)),
    Relation("province to city", PROVINCE, SUZHOU, (*DOWN, Receipt, Publication)),
    Relation("province to department", PROVINCE, REFORM, (*DOWN, Receipt, Publication)),
    Relation("province to direct-report point", PROVINCE, KUNSHAN, (*DOWN, Receipt, Publication)),
    Relation(
        "province to another county", PROVINCE, ZHANGJIAGANG, (Receipt, Publication, Designation, Decision, Adjustment)
    ),
    Relation("province to itself", PROVINCE, PROVINCE, (Receipt, Publication)),
    Relation("department to the province", REFORM, PROVINCE, (*UP, Receipt)),
    Relation("department to department", REFORM, FARMING, (Receipt,)),
    Relation("department to city", REFORM, SUZHOU, (Receipt,)),
    Relation("liaison office to the province", BEIJING, PROVINCE, (*UP, Receipt)),
    Relation("router to a unit", ROUTER_CODE, KUNSHAN, (Receipt,)),
)


def a_message(kind: type[Message], origin: str, *to: str) -> Message:
    return kind(id=new_id(), origin=origin, to=to, sent_at=NOW, **BODIES[kind])


def test_the_matrix_knows_every_kind() -> None:
    assert {kind.kind() for kind in BODIES} | {"directory", "roster", "heartbeat"} == set(KINDS)


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: r.name)
@pytest.mark.parametrize("kind", BODIES, ids=lambda k: k.kind())
def test_permission(relation: Relation, kind: type[Message]) -> None:
    message = a_message(kind, relation.origin, relation.to)
    if kind in relation.allowed:
        assert delivery_keys(WORLD.state, message) == (routing_key(relation.to, kind.kind()),)
    else:
        with pytest.raises(RefusedError) as refused:
            delivery_keys(WORLD.state, message)
        assert (refused.value.reason, refused.value.detail) == (Reason.NOT_PERMITTED, relation.to)


@pytest.mark.parametrize("kind", BODIES, ids=lambda k: k.kind())
@pytest.mark.parametrize(
    ("to", "reason"),
    [((), Reason.NO_RECIPIENT), (("320999",), Reason.UNKNOWN_RECIPIENT), ((ROUTER_CODE,), Reason.UNKNOWN_RECIPIENT)],
)
def test_nobody_there(kind: type[Message], to: tuple[str, ...], reason: Reason) -> None:
    with pytest.raises(RefusedError) as refused:
        delivery_keys(WORLD.state, a_message(kind, PROVINCE, *to))
    assert refused.value.reason is reason


def test_one_wrong_recipient_refuses_the_whole() -> None:
    with pytest.raises(RefusedError):
        delivery_keys(WORLD.state, a_message(Report, KUNSHAN, SUZHOU, WUXI))


def test_a_recipient_named_twice_gets_it_once() -> None:
    keys = delivery_keys(WORLD.state, a_message(Report, KUNSHAN, SUZHOU, PROVINCE, SUZHOU))
    assert keys == (routing_key(SUZHOU, "report"), routing_key(PROVINCE, "report"))


@pytest.mark.parametrize(
    ("fields", "scored"),
    [
        ({}, ()),
        ({"research": True}, (SCORED_REPORTS,)),
        ({"about": new_id(), "stage": Stage.FOLLOW_UP}, (SCORED_REPORTS,)),
    ],
)
def test_the_score_is_told_of_research_and_of_what_may_follow_up_on_it_only(
    fields: dict[str, Any], scored: tuple[str, ...]
) -> None:
    report, envelope = WORLD.report(KUNSHAN, **fields)
    key, gateway = routing_key(KUNSHAN, report.kind()), WORLD.state.gateway_of(KUNSHAN)
    found = judge(WORLD.state, Arrival(body=envelope.packed(), routing_key=key, user_id=gateway), NOW)
    assert isinstance(found, Accepted)
    assert found.keys == (*(routing_key(hub, "report") for hub in (SUZHOU, PROVINCE)), *scored)


def test_registry_and_presence_have_addresses_of_their_own() -> None:
    beat = Heartbeat(id=new_id(), origin=KUNSHAN, to=(), sent_at=NOW, waiting=0, software="x")
    assert delivery_keys(WORLD.state, beat) == (f"{PRESENCE_ADDRESS}.heartbeat",)
    directory, roster, *_ = WORLD.registry()
    fresh = World.make(NOW, seed="x")
    for envelope, kind in ((directory, "directory"), (roster, "roster")):
        arrival = Arrival(body=envelope.packed(), routing_key=routing_key(PROVINCE, kind), user_id="gw-test")
        found = judge(WORLD.state, arrival, NOW)
        assert isinstance(found, Accepted)
        assert found.keys == (f"{REGISTRY_ADDRESS}.{kind}",)
    assert fresh.state.ready


def test_the_routing_key_must_tell_the_truth() -> None:
    message, envelope = WORLD.report(KUNSHAN)
    for key, reason in (
        (routing_key(ZHANGJIAGANG, "report"), Reason.WRONG_GATEWAY),
        (routing_key(KUNSHAN, "decision"), Reason.PAYLOAD_KIND_MISMATCH),
        ("nonsense", Reason.WRONG_GATEWAY),
    ):
        found = judge(WORLD.state, Arrival(body=envelope.packed(), routing_key=key, user_id="gw-test"), NOW)
        assert isinstance(found, Refused)
        assert (found.reason, found.claimed_id) == (reason, message.id)


def test_a_foreign_gateway_is_refused() -> None:
    _, envelope = WORLD.report(KUNSHAN)
    for user in ("gw-other", ""):
        arrival = Arrival(body=envelope.packed(), routing_key=routing_key(KUNSHAN, "report"), user_id=user)
        found = judge(WORLD.state, arrival, NOW)
        assert isinstance(found, Refused)
        assert found.reason is Reason.WRONG_GATEWAY


def test_a_classified_report_is_refused_though_signed() -> None:
    _, envelope = WORLD.report(KUNSHAN, body="【样例】\n机密★1年\n内容")
    arrival = Arrival(body=envelope.packed(), routing_key=routing_key(KUNSHAN, "report"), user_id="gw-test")
    found = judge(WORLD.state, arrival, NOW)
    assert isinstance(found, Refused)
    assert found.reason is Reason.REPORT_CLASSIFIED


@given(body=st.binary(max_size=200), key=st.text(max_size=40), user=st.none() | st.text(max_size=10))
def test_no_bytes_raise(body: bytes, key: str, user: str | None) -> None:
    found = judge(WORLD.state, Arrival(body=body, routing_key=key, user_id=user), NOW)
    assert isinstance(found, Refused)


@settings(max_examples=200)
@given(payload=st.binary(max_size=200), kind=st.sampled_from([*KINDS, "nonsense"]))
def test_no_signed_payload_raises(payload: bytes, kind: str) -> None:
    envelope = seal(kind, payload, [WORLD.node_keys[KUNSHAN]])
    arrival = Arrival(body=envelope.packed(), routing_key=routing_key(KUNSHAN, kind), user_id="gw-test")
    assert isinstance(judge(WORLD.state, arrival, NOW), Refused)


@settings(max_examples=300)
@given(st.data())
def test_no_mutation_of_a_good_report_is_accepted_as_another(data: st.DataObject) -> None:
    _, envelope = WORLD.report(KUNSHAN)
    good = envelope.packed()
    place = data.draw(st.integers(0, len(good) - 1))
    bad = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :]
    arrival = Arrival(body=bad, routing_key=routing_key(KUNSHAN, "report"), user_id="gw-test")
    assert isinstance(judge(WORLD.state, arrival, NOW), Refused)


def test_extreme_times_are_refused_not_raised() -> None:
    for moment in (NOW.replace(year=9999), NOW.replace(year=1), NOW + timedelta(hours=1)):
        _, envelope = WORLD.report(KUNSHAN, sent_at=moment)
        arrival = Arrival(body=envelope.packed(), routing_key=routing_key(KUNSHAN, "report"), user_id="gw-test")
        assert isinstance(judge(WORLD.state, arrival, NOW), Refused)


def test_a_signature_by_nobody_known() -> None:
    _, envelope = WORLD.report(KUNSHAN)
    forged = type(envelope)(payload_type_of("report"), envelope.payload, (Signature("0" * 64, b"x"),))
    arrival = Arrival(body=forged.packed(), routing_key=routing_key(KUNSHAN, "report"), user_id="gw-test")
    found = judge(WORLD.state, arrival, NOW)
    assert isinstance(found, Refused)
    assert found.reason is Reason.KEY_UNKNOWN


@pytest.mark.parametrize("text", ["秘密★1年", "机\u200b密★3年"])
def test_classified_text_is_the_reason_whatever_else_is_wrong(world: World, text: str) -> None:
    """Of classified text no copy may be kept, so no other refusal may hide it (Art. 2)."""
    _, unsigned = world.report(KUNSHAN, sign=(), body=f"【样例】{text} 正文")
    arrival = Arrival(body=unsigned.packed(), routing_key="32.05.83.gov.report", user_id="gw-test")
    judgement = judge(world.state, arrival, world.now)
    assert isinstance(judgement, Refused)
    assert judgement.reason is Reason.REPORT_CLASSIFIED


def test_a_marking_under_a_key_that_stands_twice_leaves_no_copy(world: World) -> None:
    content = world.content().replace('"body":', '"body":"【样例】\\n机密★1年\\n内容","body":', 1)
    _, envelope = world.report(KUNSHAN, content=content)
    arrival = Arrival(body=envelope.packed(), routing_key="32.05.83.gov.report", user_id="gw-test")
    judgement = judge(world.state, arrival, world.now)
    assert isinstance(judgement, Refused)
    assert judgement.reason is Reason.REPORT_CLASSIFIED
