"""Payloads: every kind there and back, and nothing but ``RefusedError`` for what is not a payload."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from proto import codec
from proto.envelope import Envelope, payload_type_of, unpack
from proto.errors import Reason, RefusedError
from proto.limits import MAX_POINT_PLACES
from proto.messages import KINDS, AdjustmentLine, Message, Stage
from tests.assets.golden import golden_messages
from tests.world import KUNSHAN, World, fixed_world

WORLD = fixed_world()
GOLDEN = golden_messages(WORLD)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KIND_NAMES = st.sampled_from(sorted(KINDS))


def under(kind: str, payload: bytes) -> Envelope:
    return Envelope(payload_type_of(kind), payload, ())


def refusal_of(reading: Callable[[], object]) -> RefusedError | None:
    """Return the refusal, None where there is none; any other exception fails the test."""
    try:
        reading()
    except RefusedError as refusal:
        return refusal
    return None


def reason_of(kind: str, payload: bytes) -> Reason | None:
    refusal = refusal_of(lambda: codec.decode(under(kind, payload)))
    return refusal.reason if refusal else None


@pytest.mark.parametrize("name", GOLDEN)
def test_there_and_back(name: str) -> None:
    message, envelope = GOLDEN[name]
    assert codec.encode(message) == envelope.payload
    again = codec.decode(unpack(envelope.packed()))
    assert again == message
    assert type(again) is type(message) is KINDS[message.kind()]


@pytest.mark.parametrize(("title", "body"), [(" ", "【样例】文"), ("【样例】题", "　\n"), ("\t", " ")])
def test_a_report_is_not_blank(title: str, body: str) -> None:
    text = msgspec.json.encode({"title": title, "body": body, "category": "development", "sources": ["样例"]}).decode()
    refusal = refusal_of(lambda: codec.decode_content(text))
    assert refusal is not None
    assert refusal.reason is Reason.REPORT_INVALID


def test_every_kind_goes_there_and_back() -> None:
    assert {message.kind() for message, _ in GOLDEN.values()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_comes_first(kind: str) -> None:
    names = list(json.loads(next(e.payload for m, e in GOLDEN.values() if m.kind() == kind)))
    assert names[:6] == ["kind", "id", "origin", "to", "sent_at", "about"]


@given(KIND_NAMES, st.binary(max_size=300))
@example("report", b'{"kind":"report","id":"\xff"}')
def test_arbitrary_bytes(kind: str, payload: bytes) -> None:
    assert reason_of(kind, payload) is not None
    codec.peek_id(payload)


@given(KIND_NAMES, JSON_VALUES)
def test_arbitrary_json(kind: str, value: Any) -> None:
    assert reason_of(kind, json.dumps(value).encode()) is not None


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_a_field_of_a_good_message_replaced_by_anything(name: str, data: st.DataObject) -> None:
    message, envelope = GOLDEN[name]
    fields = json.loads(envelope.payload)
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(JSON_VALUES)
    payload = json.dumps(fields, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass")
    if reason_of(message.kind(), payload) is None:
        codec.encode(codec.decode(under(message.kind(), payload)))


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_a_good_message_with_bytes_changed(name: str, data: st.DataObject) -> None:
    message, envelope = GOLDEN[name]
    payload = bytearray(envelope.payload)
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    reason_of(message.kind(), bytes(payload))
    codec.peek_id(bytes(payload))


@given(st.sampled_from(sorted(GOLDEN)), st.data())
def test_a_packed_envelope_with_bytes_changed(name: str, data: st.DataObject) -> None:
    packed = bytearray(GOLDEN[name][1].packed())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    assert "样例" not in str(refusal_of(lambda: codec.decode(unpack(bytes(packed)))))


@given(st.text(max_size=200) | JSON_VALUES.map(json.dumps))
def test_arbitrary_content(content: str) -> None:
    with pytest.raises(RefusedError):
        codec.decode_content(content)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(WORLD.content()))), JSON_VALUES, min_size=1, max_size=2))
def test_content_with_fields_replaced(changes: dict[str, Any]) -> None:
    content = json.dumps(json.loads(WORLD.content()) | changes)
    assert "样例" not in str(refusal_of(lambda: codec.decode_content(content)))


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_sign_offs(payload: bytes) -> None:
    with pytest.raises(RefusedError) as refusal:
        codec.decode_sign_off(under(codec.SIGN_OFF_KIND, payload))
    assert refusal.value.reason is Reason.SIGN_OFF_INVALID


def test_peek_id() -> None:
    message, envelope = GOLDEN["heartbeat"]
    assert codec.peek_id(envelope.payload) == message.id
    assert codec.peek_id(envelope.payload.replace(b'"heartbeat"', b"7")) == message.id
    assert codec.peek_id(b"") is None
    assert codec.peek_id(b'{"id":"1"}') is None


@pytest.mark.parametrize(
    ("stage", "about", "good"), [(s, a, (s is Stage.FIRST) != a) for s in Stage for a in (True, False)]
)
def test_chains(stage: Stage, about: bool, good: bool) -> None:  # noqa: FBT001
    content = codec.decode_content(WORLD.content(stage=stage))
    earlier = UUID(int=1) if about else None
    if good:
        codec.check_chain(content, earlier)
    else:
        with pytest.raises(RefusedError) as refusal:
            codec.check_chain(content, earlier)
        assert refusal.value.reason is Reason.REPORT_CHAIN


@pytest.mark.parametrize(
    ("text", "good"), [("a\\u0000b", False), ("a\\\\u0000b", True), ("a\\\\\\u0000b", False), ("\\u00001", False)]
)
def test_nul_but_not_text_that_looks_like_it(text: str, good: bool) -> None:  # noqa: FBT001
    payload = GOLDEN["reminder"][1].payload.replace("【样例】请尽快报送。".encode(), text.encode())
    assert reason_of("reminder", payload) is (None if good else Reason.PAYLOAD_MALFORMED)


def test_an_enum_value_cannot_pose_as_another_error() -> None:
    payload = GOLDEN["decision"][1].payload.replace(b'"adopted"', b'"Object contains unknown field `kind` timezone"')
    assert reason_of("decision", payload) is Reason.PAYLOAD_MALFORMED


def test_messages_cannot_be_changed() -> None:
    message: Message = GOLDEN["heartbeat"][0]
    with pytest.raises(AttributeError):
        message.origin = KUNSHAN  # type: ignore[misc]
    assert replace(message, origin="320000") != message


def test_the_world_is_the_same_in_every_run() -> None:
    other: World = fixed_world()
    golden_messages(other)
    assert other.registry() == WORLD.registry()


def test_points_that_a_person_states_have_few_places() -> None:
    def line(points: str) -> AdjustmentLine:
        return AdjustmentLine(unit="320583", month="2026-03", rule="appeal", points=Decimal(points))

    text = codec.encode(line("1.2345")).decode()
    assert msgspec.json.decode(text, type=AdjustmentLine) == line("1.2345")
    assert line("-1.50000").points == Decimal("-1.5"), "zeros say nothing more"
    with pytest.raises(msgspec.ValidationError, match=f"more than {MAX_POINT_PLACES} decimal places"):
        msgspec.json.decode(text.replace("1.2345", "1.23456"), type=AdjustmentLine)
