"""转报: a city sends a county's report on with its signatures inside, and nothing else rides along (Art. 3)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from proto.addresses import routing_key
from proto.envelope import Envelope, Signature
from proto.errors import Reason
from services.kit.ids import utc_now
from services.router.domain import Accepted, Arrival, Judgement, Refused, judge
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, SUZHOU, ZHANGJIAGANG
from tests.world import World


@pytest.fixture
def world() -> World:
    return World.make(utc_now())


def sent_on(world: World, *originals: Envelope, origin: str = SUZHOU, **changes: Any) -> Judgement:
    """Return what the router makes of a report with these originals."""
    report, _ = world.report(origin)
    envelope = world.seal(replace(report, forwarded=originals, **changes), origin)
    arrival = Arrival(body=envelope.packed(), routing_key=routing_key(origin, "report"), user_id="gw-test")
    return judge(world.state, arrival, world.now)


def test_a_city_sends_its_counties_reports_on_together(world: World) -> None:
    originals = [world.report(unit)[1] for unit in (ZHANGJIAGANG, KUNSHAN, ZHANGJIAGANG)]
    found = sent_on(world, *originals)
    assert isinstance(found, Accepted)
    assert found.keys == (routing_key(PROVINCE, "report"),)


def test_an_original_is_judged_as_of_its_own_time(world: World) -> None:
    """A clerk who has left since, a key revoked since: it was good when it came."""
    _, original = world.report(ZHANGJIAGANG, sent_at=world.now - timedelta(days=3))
    world.change_staff(ZHANGJIAGANG, "lead", until=world.now - timedelta(days=1))
    assert isinstance(sent_on(world, original), Accepted)


def flawed(world: World) -> dict[str, tuple[Envelope, str]]:
    """Return wrong originals by name, each with the reason inside."""
    report, good = world.report(ZHANGJIAGANG)
    tampered = Envelope(good.payload_type, good.payload.replace(b"\xe6\x98\x86", b"\xe6\x98\x87", 1), good.signatures)
    return {
        "one byte altered": (tampered, "signature.invalid"),
        "signed by another": (world.seal(report, KUNSHAN), "key.not_of_origin"),
        "unsigned": (Envelope(good.payload_type, good.payload, ()), "signature.missing"),
        "signed by nobody known": (
            Envelope(good.payload_type, good.payload, (Signature("0" * 64, b"x"),)),
            "key.unknown",
        ),
        "not signed off": (world.report(ZHANGJIAGANG, sign=())[1], "sign_off.missing"),
        "not sent to this hub": (world.report(JIANGYIN)[1], "report.forwarded"),
        "of a unit that does not report here": (world.report(JIANGYIN, to=(SUZHOU,))[1], "report.forwarded"),
        "its own": (world.report(SUZHOU, to=(SUZHOU, PROVINCE))[1], "report.forwarded"),
        "from the future": (world.report(ZHANGJIAGANG, sent_at=world.now + timedelta(days=1))[1], "report.forwarded"),
        "no report": (world.decision(SUZHOU, [report], verdict="returned", reason="x")[1], "report.forwarded"),
        "forwarded itself": (
            world.seal(replace(report, forwarded=(good,)), ZHANGJIAGANG),
            "report.forwarded",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", flawed(World.make(utc_now())))
def test_what_may_not_ride_along(world: World, name: str) -> None:
    original, reason = flawed(world)[name]
    _, good = world.report(ZHANGJIAGANG)
    found = sent_on(world, good, original)
    assert isinstance(found, Refused)
    assert (found.reason, found.detail) == (Reason.REPORT_FORWARDED, f"1: {reason}")


@pytest.mark.parametrize("spoilt", [False, True], ids=["signed", "and unsigned"])
def test_a_classified_original_leaves_no_copy(world: World, spoilt: bool) -> None:  # noqa: FBT001 - a test's parameter
    _, original = world.report(ZHANGJIAGANG, body="【样例】\n机密★1年\n内容")
    if spoilt:
        original = Envelope(original.payload_type, original.payload, ())
    found = sent_on(world, original)
    assert isinstance(found, Refused)
    assert found.reason is Reason.REPORT_CLASSIFIED
