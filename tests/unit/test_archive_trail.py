"""The way of what a hub sends: forwarded originals and approvals are steps, each proven anew."""

from msgspec.structs import replace

from proto.envelope import Envelope, digest_of
from proto.messages import Message, Rules
from services.archive.domain.trail import Step, Subject, steps
from services.kit.ids import utc_now
from tests.places import KUNSHAN, PROVINCE, SUZHOU
from tests.world import World


def way(world: World, message: Message, envelope: Envelope) -> list[Step]:
    packed = envelope.packed()
    subject = Subject(
        id=message.id, origin=message.origin, digest=digest_of(packed), stored_at=world.now, envelope=packed, refused=False
    )  # fmt: skip
    return steps(world.state, subject, [])


def test_a_forwarded_report_shows_its_originals_with_their_own_proof() -> None:
    world = World.make(utc_now())
    original, good = world.report(KUNSHAN)
    bad = replace(good, payload=good.payload.replace("昆".encode(), "崑".encode(), 1))
    report = replace(world.report(SUZHOU)[0], forwarded=(good, bad))
    found = [step for step in way(world, report, world.seal(report, SUZHOU)) if step.what == "carried"]
    assert [(step.by, step.message, step.verified) for step in found] == [
        (KUNSHAN, original.id, True),
        (KUNSHAN, original.id, False),
    ]
    assert found[1].problem == "report.forwarded"


def test_rules_show_who_approved_them() -> None:
    world = World.make(utc_now())
    text = "# 【样例】规则"
    rules = Rules(
        id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=world.now, content=text,
        approvals=(world.approval(PROVINCE, text),),
    )  # fmt: skip
    approval, sent = way(world, rules, world.seal(rules, PROVINCE))
    assert (approval.what, approval.person, approval.role, approval.verified) == (
        "signed_off",
        "lead",
        "office_lead",
        True,
    )
    assert (sent.what, sent.verified) == ("sent", True)
