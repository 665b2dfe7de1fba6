"""What JSON readers let pass: a key that stands twice, at any depth and however it is spelt, and times far out."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proto import codec
from proto.envelope import Envelope, from_json, payload_type_of, unpack
from proto.errors import Reason, RefusedError
from proto.limits import MAX_DECIMAL_PLACES, YEARS
from proto.messages import (
    KINDS,
    Action,
    Algorithm,
    Approved,
    BulletinContent,
    DesignationContent,
    KeyRequest,
    ReportContent,
    Role,
    SignOff,
)
from proto.messages.base import check_decimal
from services.kit.trust.enrol import key_request, open_key_request
from tests.assets.golden import golden_messages
from tests.world import KUNSHAN, fixed_world

WORLD = fixed_world()
GOLDEN = golden_messages(WORLD)
CONTENT = WORLD.content()
SIGN_OFF = GOLDEN["report"][0].sign_offs[0].payload  # type: ignore[attr-defined]
REQUEST = key_request(KUNSHAN, "【样例】昆山", new=WORLD.new_key("new"), old=None, at=WORLD.now)


class Pairs(list[tuple[str, Any]]):
    """A JSON object as written: what stands twice stands twice."""


def written(value: Any, space: Callable[[], str], spell: Callable[[str], str]) -> str:
    """Write JSON with blanks and spellings of one's own."""
    match value:
        case Pairs():
            members = (f"{spell(key)}{space()}:{space()}{written(item, space, spell)}" for key, item in value)
            return "{" + space() + f"{space()},".join(members) + "}"
        case list():
            return "[" + ",".join(space() + written(item, space, spell) for item in value) + space() + "]"
        case str():
            return spell(value)
        case _:
            return json.dumps(value)


def objects(value: Any) -> Iterator[Pairs]:
    """Yield every object at every depth."""
    if isinstance(value, Pairs):
        yield value
    for item in [v for _, v in value] if isinstance(value, Pairs) else value if isinstance(value, list) else ():
        yield from objects(item)


def spelt(data: st.DataObject) -> tuple[Callable[[], str], Callable[[str], str]]:
    """Draw how blanks and strings are written: plainly, or so that no comparison of bytes could tell."""
    if data.draw(st.booleans()):
        return (lambda: ""), (lambda text: json.dumps(text, ensure_ascii=False))
    blanks = st.sampled_from(["", " ", "\n", "\t "])

    def spell(text: str) -> str:
        place = data.draw(st.integers(0, max(0, min(len(text), 40) - 1)))
        escaped = "".join(f"\\u{ord(c):04x}" if n == place else json.dumps(c)[1:-1] for n, c in enumerate(text))
        return f'"{escaped}"'

    return (lambda: data.draw(blanks)), spell


def duplicated(text: str, data: st.DataObject) -> str:
    """Return the JSON with one key of one object said twice, the first or the second time with another's value."""
    value = json.loads(text, object_pairs_hook=Pairs)
    pairs = data.draw(st.sampled_from([found for found in objects(value) if found]))
    key, item = data.draw(st.sampled_from(pairs))
    other = data.draw(st.sampled_from([item, *(v for _, v in pairs), "机密★1年", None]))
    pairs.insert(data.draw(st.integers(0, len(pairs))), (key, other))
    return written(value, *spelt(data))


def refusal_of(reading: Callable[[], object]) -> RefusedError | None:
    try:
        reading()
    except RefusedError as refusal:
        return refusal
    return None


def sealed(kind: str, payload: str | bytes) -> Envelope:
    return Envelope(payload_type_of(kind), payload.encode() if isinstance(payload, str) else payload, ())


def read_approved(name: str, content: str) -> object:
    message = GOLDEN[name][0]
    assert isinstance(message, Approved)
    return codec.decode_approved(msgspec.structs.replace(message, content=content))


READERS: dict[str, tuple[str, Callable[[str], object], Reason]] = {
    "content": (CONTENT, codec.decode_content, Reason.REPORT_INVALID),
    "sign-off": (
        SIGN_OFF.decode(), lambda text: codec.decode_sign_off(sealed("sign-off", text)), Reason.SIGN_OFF_INVALID,
    ),
    "key-request": (
        REQUEST.payload.decode(), lambda text: open_key_request(sealed("key-request", text), None), Reason.PAYLOAD_MALFORMED,
    ),
    **{
        name: (GOLDEN[name][0].content, lambda text, name=name: read_approved(name, text), Reason.PAYLOAD_MALFORMED)  # type: ignore[attr-defined, misc]
        for name in ("bulletin", "designation")
    },
}  # fmt: skip
"""By what is read: a good text, its reader, and the reason for a key that stands twice."""


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_no_message_with_a_key_twice_is_read(name: str, data: st.DataObject) -> None:
    message, envelope = GOLDEN[name]
    payload = duplicated(envelope.payload.decode(), data)
    assert refusal_of(lambda: codec.decode(sealed(message.kind(), payload))) is not None


@given(st.sampled_from(sorted(READERS)), st.data())
def test_nothing_signed_inside_with_a_key_twice_is_read(name: str, data: st.DataObject) -> None:
    text, read, _ = READERS[name]
    twice = duplicated(text, data)
    assert refusal_of(lambda: read(twice)) is not None


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_what_is_only_spelt_otherwise_is_read_the_same(name: str, data: st.DataObject) -> None:
    message, envelope = GOLDEN[name]
    value = json.loads(envelope.payload, object_pairs_hook=Pairs)
    for pairs in objects(value):
        pairs[:] = data.draw(st.permutations(pairs))
    payload = written(value, *spelt(data))
    assert codec.decode(sealed(message.kind(), payload)) == message


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("spelling", ['"{key}"', '" {key}"', '"\\u{code:04x}{rest}"'])
def test_the_reason_says_what_is_wrong(name: str, spelling: str) -> None:
    text, read, reason = READERS[name]
    key, value = next(iter(json.loads(text).items()))
    again = spelling.format(key=key, code=ord(key[0]), rest=key[1:])
    refusal = refusal_of(lambda: read(f"{{{again}:{json.dumps(value)},{text[1:]}"))
    assert refusal is not None
    if again != f'" {key}"':  # another key altogether: an unknown field
        assert refusal.reason is reason
        assert refusal.detail == ("" if name == "sign-off" else "duplicate key")


def test_a_marking_under_the_first_of_two_titles() -> None:
    content = CONTENT.replace('{"title":', '{"title":"机密★1年","title":', 1)
    refusal = refusal_of(lambda: codec.decode_content(content))
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.REPORT_INVALID, "duplicate key")


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_no_json_envelope_with_a_key_twice_is_read(name: str, data: st.DataObject) -> None:
    twice = duplicated(GOLDEN[name][1].json().decode(), data)
    assert refusal_of(lambda: from_json(twice.encode())) is not None


@given(st.binary(max_size=300), st.integers(0, 3), st.data())
@example(b"", 0, None)
def test_no_bus_envelope_with_a_key_twice_is_read(hidden: bytes, place: int, data: st.DataObject | None) -> None:
    envelope = GOLDEN["heartbeat"][1]
    fields = list(msgspec.msgpack.decode(envelope.packed(), type=dict[str, Any]).items())
    fields = data.draw(st.permutations(fields)) if data else fields
    assert unpack(map_of(fields)) == envelope, "any order is good"
    refusal = refusal_of(lambda: unpack(map_of([*fields[:place], ("payload", hidden), *fields[place:]])))
    assert refusal is not None
    assert refusal.reason is Reason.ENVELOPE_MALFORMED
    signature = [*fields[2][1][0].items(), ("sig", hidden)] if fields[2][0] == "signatures" else []
    if signature:
        packed = bytes([0x83]) + pairs_of(fields[:2]) + b"\xaasignatures\x91" + map_of(signature)
        assert refusal_of(lambda: unpack(packed)) is not None


def map_of(fields: list[tuple[str, Any]]) -> bytes:
    return bytes([0x80 + len(fields)]) + pairs_of(fields)


def pairs_of(fields: list[tuple[str, Any]]) -> bytes:
    return b"".join(msgspec.msgpack.encode(key) + msgspec.msgpack.encode(value) for key, value in fields)


def times_of(kind: type[msgspec.Struct], where: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every time that a struct can hold, found anew from the types."""
    for field in msgspec.structs.fields(kind):
        yield from times_in(field.type, (*where, field.name))


def times_in(annotation: Any, where: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if annotation is datetime:
        yield where
    elif isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield from times_of(annotation, where)
    for inner in get_args(annotation):
        yield from times_in(inner, where)


def with_time(value: dict[str, Any], where: tuple[str, ...], time: str) -> bool:
    """Set the time in the JSON value; tell whether it has such a place."""
    *path, last = where
    for name in path:
        inner = value.get(name)
        if not inner:
            return False
        value = (
            next((item for item in inner if last in item or name == path[-1]), inner[0])
            if isinstance(inner, list)
            else inner
        )
    value[last] = time
    return True


INSIDE: dict[str, tuple[type[msgspec.Struct], str, Callable[[str], object]]] = {
    **{
        name: (type(message), envelope.payload.decode(), lambda text, message=message: codec.decode(sealed(message.kind(), text)))  # type: ignore[misc]
        for name, (message, envelope) in GOLDEN.items()
    },
    "content": (ReportContent, *READERS["content"][:2]),
    "sign-off": (SignOff, *READERS["sign-off"][:2]),
    "key-request": (KeyRequest, REQUEST.payload.decode(), lambda text: codec.decode_key_request(sealed("key-request", text))),
}  # fmt: skip
TIMES = [(name, where) for name, (kind, _, _) in INSIDE.items() for where in times_of(kind)]


def test_every_struct_with_times_is_tried() -> None:
    tried = {name for name, _ in TIMES}
    assert tried == set(GOLDEN) | {"content", "sign-off", "key-request"}
    assert {INSIDE[name][0].__name__ for name in tried} >= {kind.__name__ for kind in KINDS.values()}
    for kind in (BulletinContent, DesignationContent):
        assert not list(times_of(kind)), "then it belongs above"
    assert {"at", "sent_at", "event_at", "known_at", "deadline", "sign_up_until", "expires", "since", "until",
            "valid_from", "valid_to", "revoked_from"} == {where[-1] for _, where in TIMES}  # fmt: skip


@pytest.mark.parametrize(("name", "where"), TIMES, ids=lambda part: ".".join(part) if isinstance(part, tuple) else part)
def test_no_time_lies_far_out(name: str, where: tuple[str, ...]) -> None:
    _, text, read = INSIDE[name]
    for time, good in (
        ("0001-01-01T00:00:00+14:00", False), ("9999-12-31T23:59:59-12:00", False), ("1899-12-31T23:59:59Z", False),
        ("3000-01-01T00:00:00Z", False), (f"{YEARS[0]}-01-01T00:00:00+14:00", True), (f"{YEARS[1]}-12-31T23:59:59-12:00", True),
    ):  # fmt: skip
        value = json.loads(text)
        if not with_time(value, where, time):
            pytest.skip("the example has none such")
        refusal = refusal_of(lambda value=value: read(json.dumps(value)))  # type: ignore[misc]
        if good:
            assert refusal is None
        else:
            assert refusal is not None
            assert refusal.reason in {Reason.PAYLOAD_MALFORMED, Reason.REPORT_INVALID, Reason.SIGN_OFF_INVALID}
            assert refusal.detail == ("" if name == "sign-off" else f"{where[-1]}: year")


@pytest.mark.parametrize(
    "text", ["0E+2000000000", "0E+13", "0E-13", "-0E+999999999", "1E-13", "NaN", "sNaN", "Infinity", "2"]
)
def test_no_decimal_that_fills_the_memory(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal within its bounds"):
        check_decimal(Decimal(text), 0, 1)


@pytest.mark.parametrize("text", ["0", "1", "0.5", "0E+12", "0E-12", "1.000000000000", f"1E-{MAX_DECIMAL_PLACES}"])
def test_decimals_within_their_bounds(text: str) -> None:
    check_decimal(Decimal(text), 0, 1)


def test_what_we_make_ourselves_passes() -> None:
    statement = SignOff(
        digest="0" * 64, node="320583", person="lead", role=Role.UNIT_LEAD, action=Action.APPROVED, at=datetime.now(UTC)
    )
    assert codec.decode_sign_off(sealed("sign-off", codec.encode(statement))) == statement
    assert open_key_request(REQUEST, None).algorithm is Algorithm.ED25519
