"""AMQP properties that a sender chose and the broker passed on unread, read without fear.

RabbitMQ checks a message's properties only for their form on the wire. pamqp raises for what Python cannot hold (a year
292,278,994, a name that is no UTF-8), and its error ends the whole connection: one such message would come back until its
delivery limit and keep a service down. No decision reads these properties, so what cannot be read is left out.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

from pamqp import decode

Read = Callable[[bytes], tuple[int, Any]]
_UNREADABLE: Final = (ValueError, OverflowError, OSError, ArithmeticError, RecursionError, struct.error)
_LENGTH: Final = struct.Struct(">I")


def tolerate_any_property() -> None:
    """Make pamqp read any properties that are well-formed on the wire. Once is enough; again changes nothing."""
    decode.METHODS.update(timestamp=_timestamp, shortstr=_short_string, table=_table)


def _or_else(read: Read, size: Callable[[bytes], int], instead: Callable[[], Any]) -> Read:
    def tolerant(value: bytes) -> tuple[int, Any]:
        try:
            return read(value)
        except _UNREADABLE:
            return size(value), instead()

    return tolerant


def _short_string(value: bytes) -> tuple[int, str]:
    end = value[0] + 1
    return end, value[1:end].decode(errors="replace")


_timestamp: Final = _or_else(decode.timestamp, lambda _: 8, lambda: None)
_table: Final = _or_else(decode.field_table, lambda value: _LENGTH.size + _LENGTH.unpack_from(value)[0], dict)
