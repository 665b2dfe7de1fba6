"""Hostile inputs that are refused before anybody's key is looked at: envelope and payload."""

import json

import msgspec
from msgspec.structs import replace

from proto.envelope import Envelope, payload_type_of
from proto.errors import Reason
from proto.messages import Verdict
from tests.assets.flaw import Flaw, altered, sealed, signed, typed
from tests.assets.golden import heartbeat
from tests.world import KUNSHAN, PROVINCE, World


def hostile_bytes(world: World) -> dict[str, Flaw]:
    """Return flaws of form by name."""
    return {**_envelopes(world), **_payloads(world), **_values(world), **_decimals(world)}


def _envelopes(world: World) -> dict[str, Flaw]:
    good = world.seal(heartbeat(world), KUNSHAN)
    fields = msgspec.msgpack.decode(good.packed())
    text = json.loads(good.json())

    def on_bus(why: str, **changes: object) -> Flaw:
        data = msgspec.msgpack.encode(fields | changes)
        return Flaw(data=data, expect=Reason.ENVELOPE_MALFORMED, why=why)

    def in_json(why: str, **changes: object) -> Flaw:
        data = json.dumps(text | changes).encode()
        return Flaw(data=data, form="json", expect=Reason.ENVELOPE_MALFORMED, why=why)

    def malformed(data: bytes, why: str) -> Flaw:
        return Flaw(data=data, expect=Reason.ENVELOPE_MALFORMED, why=why)

    signature = fields["signatures"][0]
    return {
        "empty": malformed(b"", "no bytes at all"),
        "trailing-bytes": malformed(good.packed() + b"\x00", "a byte after the envelope"),
        "truncated": malformed(good.packed()[:-1], "the last byte is missing"),
        "json-on-the-bus": malformed(good.json(), "the JSON form where MessagePack is expected"),
        "deep-nesting-envelope": malformed(b"\x91" * 4000, "arrays in arrays in arrays"),
        "envelope-is-a-list": malformed(msgspec.msgpack.encode(list(fields.values())), "an array instead of a map"),
        "envelope-bad-utf8-type": malformed(
            good.packed().replace(b"heartbeat", b"heart\xffeat", 1), "the payload type is not UTF-8"
        ),
        "envelope-unknown-field": on_bus("a field that DSSE does not know", algorithm="none"),
        "payload-as-text": on_bus("the payload is text, not bytes", payload=good.payload.decode()),
        "five-signatures": on_bus("more signatures than the limit", signatures=[signature] * 5),
        "keyid-in-capitals": on_bus("the key id in capitals", signatures=[signature | {"keyid": signature["keyid"].upper()}]),
        "keyid-with-newline": on_bus("a newline after the key id", signatures=[signature | {"keyid": signature["keyid"] + "\n"}]),
        "wrong-base64": in_json("characters outside of the alphabet", payload=text["payload"][:-4] + "-_=="),
        "unpadded-base64": in_json("padding is missing", payload="QQ"),
        "json-lone-surrogate-type": Flaw(
            data=good.json().replace(b"heartbeat", b"\\ud800", 1), form="json", expect=Reason.ENVELOPE_MALFORMED,
            why="half a surrogate pair in the payload type",
        ),
    }  # fmt: skip


def _payloads(world: World) -> dict[str, Flaw]:
    beat = heartbeat(world)
    good = world.seal(beat, KUNSHAN)
    malformed, kind = Reason.PAYLOAD_MALFORMED, "heartbeat"
    deep = b'{"kind":' + b"[" * 4000 + b"]" * 4000 + b"}"
    foreign = Envelope("application/vnd.in-toto+json", good.payload, good.signatures)
    return {
        "bad-utf8": sealed(
            signed(world, kind, good.payload.replace(b"yizhan", b"yi\xffhan")), Reason.PAYLOAD_NOT_UTF8, "a byte that is no UTF-8"
        ),
        "utf8-surrogate": sealed(
            signed(world, kind, good.payload.replace(b"yizhan", b"\xed\xa0\x80")), Reason.PAYLOAD_NOT_UTF8,
            "a surrogate encoded in UTF-8",
        ),
        "lone-surrogate": sealed(altered(world, beat, ("yizhan", "\\ud800")), malformed, "half a surrogate pair"),
        "byte-order-mark": sealed(signed(world, kind, b"\xef\xbb\xbf" + good.payload), malformed, "a byte order mark"),
        "empty-payload": sealed(signed(world, kind, b""), malformed, "nothing was signed"),
        "trailing-text": sealed(signed(world, kind, good.payload + b" {}"), malformed, "a second document after the first"),
        "deep-nesting": sealed(signed(world, kind, deep), malformed, "arrays in arrays in the kind"),
        "payload-is-a-list": sealed(signed(world, kind, b"[]"), malformed, "an array instead of an object"),
        "unknown-kind": sealed(typed(good, "telegram"), Reason.PAYLOAD_UNKNOWN_KIND, "a kind that does not exist"),
        "foreign-type": sealed(foreign, Reason.PAYLOAD_UNKNOWN_KIND, "the payload type of another system"),
        "later-version": sealed(
            replace(good, payload_type=payload_type_of(kind).replace("v1", "v2")), Reason.PAYLOAD_UNKNOWN_KIND,
            "a version that is not known yet",
        ),
        "sign-off-as-message": sealed(
            world.report(KUNSHAN)[0].sign_offs[0], Reason.PAYLOAD_UNKNOWN_KIND, "a statement is no message"
        ),
        "kind-mismatch": sealed(typed(good, "receipt"), Reason.PAYLOAD_KIND_MISMATCH, "envelope and payload name two kinds"),
        "kind-twice": sealed(
            altered(world, beat, ('"software"', '"kind":"report","software"')), Reason.PAYLOAD_KIND_MISMATCH,
            "the kind stands twice with two values",
        ),
        "kind-missing": sealed(
            altered(world, beat, ('"kind":"heartbeat",', "")), Reason.PAYLOAD_KIND_MISMATCH, "the payload names no kind"
        ),
        "unknown-field": sealed(
            altered(world, beat, ('"software"', '"priority":9,"software"')), Reason.PAYLOAD_UNKNOWN_FIELD, "a field too many"
        ),
        "missing-field": sealed(altered(world, beat, ('"waiting":7,', "")), malformed, "a field too few"),
    }  # fmt: skip


def _values(world: World) -> dict[str, Flaw]:
    beat = heartbeat(world)
    malformed = Reason.PAYLOAD_MALFORMED
    time = '"sent_at":"2026-11-20T09:00:00Z"'

    def beat_with(why: str, *changes: tuple[str, str], expect: Reason = malformed) -> Flaw:
        return sealed(altered(world, beat, *changes), expect, why)

    origin, to, waiting = f'"origin":"{KUNSHAN}"', f'"to":["{PROVINCE}"]', '"waiting":7'
    v4 = "7f6dbd0e-8b0f-4d25-8dc1-63a2b9f7d0a1"
    return {
        "naive-time": beat_with(
            "a time without a zone", (time, time.replace("Z", "")), expect=Reason.PAYLOAD_NAIVE_TIME
        ),
        "time-as-number": beat_with("seconds since 1970", (time, '"sent_at":1795251600')),
        "time-leap-second": beat_with("a sixty-first second", (time, '"sent_at":"2026-12-31T23:59:60Z"')),
        "id-v4": beat_with("a random UUID", (str(beat.id), v4), expect=Reason.PAYLOAD_ID_NOT_V7),
        "id-nil": beat_with(
            "the nil UUID", (str(beat.id), "0" * 8 + "-0000-0000-0000-" + "0" * 12), expect=Reason.PAYLOAD_ID_NOT_V7
        ),
        "id-not-a-uuid": beat_with("no UUID", (str(beat.id), "1")),
        "nan": beat_with("NaN is not JSON", (waiting, '"waiting":NaN')),
        "negative-count": beat_with("fewer than none", (waiting, '"waiting":-1')),
        "integer-beyond-the-store": beat_with("one more than 2^31 - 1", (waiting, '"waiting":2147483648')),
        "giant-integer": beat_with("a number of five thousand digits", (waiting, '"waiting":' + "9" * 5000)),
        "fraction-as-count": beat_with("half a message", (waiting, '"waiting":0.5')),
        "escaped-nul": beat_with("U+0000, which no PostgreSQL text can hold", ("yizhan", "yi\\u0000han")),
        "code-with-newline": beat_with("a newline after the code", (origin, f'"origin":"{KUNSHAN}\\n"')),
        "code-in-fullwidth-digits": beat_with("digits of another script", (origin, '"origin":"３２０５８３"')),
        "code-named-gov": beat_with("the reserved word as a slug", (origin, f'"origin":"{KUNSHAN}-gov"')),
        "recipient-pattern": beat_with("a wildcard as recipient", (to, '"to":["32.05.*.*.#"]')),
        "null-origin": beat_with("nobody as origin", (origin, '"origin":null')),
    }


def _decimals(world: World) -> dict[str, Flaw]:
    report = world.report(KUNSHAN)[0]
    decision = world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED)[0]
    key = world.node_keys[PROVINCE]

    def share(text: str, why: str) -> Flaw:
        envelope = altered(world, decision, ('"share":"1"', f'"share":"{text}"'), key=key)
        return sealed(envelope, Reason.PAYLOAD_MALFORMED, why)

    return {
        "share-nan": share("NaN", "not a number as a share"),
        "share-infinite": share("Infinity", "endless credit"),
        "share-above-one": share("1.01", "more than the whole"),
        "share-negative": share("-0.5", "less than nothing"),
        "share-huge-exponent": share("1e1000000", "a million zeros when written out"),
        "share-tiny-exponent": share("1e-1000000", "a million places when written out"),
        "share-zero-huge-exponent": share("0E+2000000000", "two billion zeros that are worth nothing"),
    }
