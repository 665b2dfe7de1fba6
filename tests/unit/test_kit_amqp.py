"""No properties that a broker passes on may end the connection."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame, header

from services.kit.amqp import tolerate_any_property
from tests.assets.properties import UNREADABLE, content_header, properties, short


@pytest.fixture(scope="module", autouse=True)
def tolerant() -> None:
    tolerate_any_property()


def read(fields: bytes) -> header.ContentHeader:
    payload = content_header(1, fields)
    _, _, found = frame.unmarshal(struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce")
    assert isinstance(found, header.ContentHeader)
    return found


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_left_out_and_the_rest_is_read(name: str) -> None:
    found = read(properties(user_id=short(b"gateway"), **UNREADABLE[name])).properties
    assert found.user_id == "gateway"
    assert not found.headers
    assert found.timestamp is None


@given(st.binary(max_size=60))
def test_any_name_is_read(text: bytes) -> None:
    found = read(properties(message_id=short(text), user_id=short(b"gateway"))).properties
    assert found.user_id == "gateway"
    assert found.message_id == text.decode(errors="replace")
