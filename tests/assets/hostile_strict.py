"""Hostile inputs that a lenient reader takes: keys that stand twice, times that no store can hold."""

import json

import msgspec

from proto import codec
from proto.envelope import Envelope, digest_of, seal
from proto.errors import Reason
from proto.messages import Action, Outcome, Role
from services.kit.trust.enrol import key_request
from tests.assets.flaw import Flaw, altered, content_with, report_with, sealed
from tests.assets.golden import heartbeat
from tests.world import KUNSHAN, World

_FIRST, _LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"


def hostile_strict(world: World) -> dict[str, Flaw]:
    """Return flaws that only a strict reader sees, by name."""
    return {**_twice(world), **_envelopes(world), **_times(world)}


def _twice(world: World) -> dict[str, Flaw]:
    beat = heartbeat(world)
    report, _ = world.report(KUNSHAN)
    entries = world.receipt(KUNSHAN, ["320000"], [world.entry(*world.report(KUNSHAN), Outcome.OPENED)])[0]
    malformed = Reason.PAYLOAD_MALFORMED
    waiting = '"waiting":7'
    request = key_request(KUNSHAN, "【样例】昆山", new=world.new_key("another"), old=None, at=world.now)
    requested = request.payload.replace(b'{"node":', b'{"node":"320500","node":', 1)
    return {
        "key-twice": sealed(altered(world, beat, (waiting, f"{waiting},{waiting}")), malformed, "the same value twice"),
        "key-twice-spelt-otherwise": sealed(
            altered(world, beat, (waiting, f'"\\u0077aiting":8, {waiting}')), malformed, "one of them with an escape"
        ),
        "kind-twice-alike": sealed(
            altered(world, beat, ('"software"', '"kind":"heartbeat","software"')), malformed, "the kind stands twice"
        ),
        "key-twice-deep": sealed(
            altered(world, entries, ('"reason"', '"detail":"【样例】","reason"')), malformed, "in an entry of a receipt"
        ),
        "content-key-twice": sealed(
            content_with(world, lambda text: text.replace("{", '{"title":"机密★1年",', 1)), Reason.REPORT_INVALID,
            "a marking under the first of two titles, which no reader would show",
        ),
        "sign-off-key-twice": sealed(
            report_with(world, report, report.sign_offs[0], _approval(world, '{"digest":', '{"person":"officer","digest":')),
            Reason.SIGN_OFF_INVALID, "a person stands twice in a statement",
        ),
        "request-key-twice": Flaw(
            data=seal(codec.KEY_REQUEST_KIND, requested, [world.new_key("another")]).packed(), form="key-request",
            expect=malformed, why="a request for two units",
        ),
    }  # fmt: skip


def _envelopes(world: World) -> dict[str, Flaw]:
    good = world.seal(heartbeat(world), KUNSHAN)
    packed = good.packed()
    hidden = msgspec.msgpack.encode("payload") + msgspec.msgpack.encode("【样例】".encode())
    twice = good.json().replace(b"{", b'{"payload":"' + b'QUFB",', 1)
    assert json.loads(twice)["payload"] == json.loads(good.json())["payload"]
    malformed = Reason.ENVELOPE_MALFORMED
    return {
        "envelope-payload-twice": Flaw(
            data=bytes([packed[0] + 1]) + hidden + packed[1:], expect=malformed, why="a second payload, unsigned"
        ),
        "envelope-padded": Flaw(
            data=b"\xde\x00" + bytes([packed[0] & 15]) + packed[1:],
            expect=malformed,
            why="a longer map header than needed",
        ),
        "json-payload-twice": Flaw(data=twice, form="json", expect=malformed, why="a second payload, unsigned"),
    }


def _times(world: World) -> dict[str, Flaw]:
    beat = heartbeat(world)
    report, envelope = world.report(KUNSHAN)
    receipt = world.receipt(KUNSHAN, ["320000"], [world.entry(report, envelope, Outcome.OPENED)])[0]
    sent, at = '"sent_at":"2026-11-20T09:00:00Z"', '"at":"2026-11-20T09:00:00Z"'
    malformed = Reason.PAYLOAD_MALFORMED
    return {
        "time-year-one": sealed(altered(world, beat, (sent, f'"sent_at":"{_FIRST}"')), malformed, "no other zone has it"),
        "time-year-9999": sealed(altered(world, beat, (sent, f'"sent_at":"{_LAST}"')), malformed, "no other zone has it"),
        "receipt-year-one": sealed(
            altered(world, receipt, (at, f'"at":"{_FIRST}"')), malformed, "an entry that no store can hold"
        ),
        "sign-off-year-9999": sealed(
            report_with(world, report, report.sign_offs[0], _approval(world, at, f'"at":"{_LAST}"')),
            Reason.SIGN_OFF_INVALID, "an approval that no store can hold",
        ),
    }  # fmt: skip


def _approval(world: World, old: str, new: str) -> Envelope:
    """Return the lead's approval of the usual report, its text changed before it was signed."""
    good = world.sign_off(KUNSHAN, world.content(), "lead", Role.OFFICE_LEAD, Action.APPROVED).payload.decode()
    assert old in good, old
    assert digest_of(world.content().encode()) in good
    return seal(codec.SIGN_OFF_KIND, good.replace(old, new, 1).encode(), [world.staff_keys[KUNSHAN, "lead"]])
