"""AMQP properties as a hostile sender may write them, byte by byte: well-formed on the wire, unreadable for Python."""

import struct
from typing import Final

_FLAGS: Final = {
    "content_type": 1 << 15, "headers": 1 << 13, "message_id": 1 << 7, "timestamp": 1 << 6, "user_id": 1 << 4,
}  # fmt: skip
_MUCH: Final = 2**63 - 1


def short(text: bytes) -> bytes:
    """Return a short string."""
    return bytes([len(text)]) + text


def table(*items: tuple[bytes, bytes]) -> bytes:
    """Return a field table of (key, typed value) pairs."""
    fields = b"".join(short(key) + value for key, value in items)
    return struct.pack(">I", len(fields)) + fields


def nested(depth: int) -> bytes:
    """Return arrays in arrays."""
    value = b"t\x01"
    for _ in range(depth):
        value = b"A" + struct.pack(">I", len(value)) + value
    return value


def properties(**fields: bytes) -> bytes:
    """Return the property part of a content header: flags, then the fields in their order."""
    present = {name: fields[name] for name in _FLAGS if name in fields}
    flags = sum(_FLAGS[name] for name in present)
    return struct.pack(">H", flags) + b"".join(present.values())


UNREADABLE: Final = {
    "a time of the year 292278994": {"timestamp": struct.pack(">Q", _MUCH)},
    "a message id that is no UTF-8": {"message_id": short(b"\xff\xfe")},
    "a content type that is no UTF-8": {"content_type": short(b"\xff")},
    "a header whose name is no UTF-8": {"headers": table((b"\xff", b"t\x01"))},
    "a header with such a time": {"headers": table((b"a", b"T" + struct.pack(">Q", _MUCH)))},
    "headers nested 3000 deep": {"headers": table((b"a", nested(3000)))},
    "a header of no known type": {"headers": table((b"a", b"Z\0"))},
}


def content_header(body_size: int, fields: bytes) -> bytes:
    """Return the payload of a content header frame."""
    return struct.pack(">HHQ", 60, 0, body_size) + fields
