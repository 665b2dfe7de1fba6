"""What a JSON reader lets pass and the network does not: a key that stands twice, NUL, a time far out.

Of two equal keys every reader takes one and stores both, so that what stands under the other is signed and kept, and was
never looked at.
"""

import json
import re
from datetime import datetime
from functools import cache
from typing import Any, Final, NoReturn, get_args

import msgspec
from msgspec import Struct

from proto.errors import Reason, RefusedError
from proto.limits import YEARS

_ENCODER: Final = msgspec.json.Encoder()
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL_HINT: Final = rb"\u0000"  # found 40 times faster than the pattern, and in hardly any message


class _DuplicateKeyError(Exception):
    """An object that names a key twice."""


def check_strict(text: bytes, decoded: Struct) -> None:
    """Refuse JSON, which msgspec has decoded, for what msgspec does not mind."""
    if _NUL_HINT in text and _NUL.search(text):  # PostgreSQL cannot keep it in a text; a bare one is not JSON
        _refuse("NUL")
    if has_duplicate_key(text, decoded):
        _refuse("duplicate key")
    check_times(decoded)


def has_duplicate_key(text: bytes, decoded: Struct) -> bool:
    """Tell whether an object at any depth of the JSON ``text`` has a key twice.

    An encoder writes each field once, so text that is just what it writes has no key twice: so are nearly all messages,
    and writing them again takes a microsecond. Only other spellings are read a second time.
    """
    if _ENCODER.encode(decoded) == text:
        return False
    try:
        json.loads(text.decode(), object_pairs_hook=_checked, parse_int=str, parse_float=str)
    except _DuplicateKeyError:
        return True
    return False


def check_times(decoded: Struct) -> None:
    """Refuse a time outside ``YEARS``, wherever it stands: other zones and PostgreSQL could not express it."""
    for name in _holders(type(decoded)):
        value = getattr(decoded, name)
        if isinstance(value, datetime):
            if not YEARS[0] <= value.year <= YEARS[1]:
                _refuse(f"{name}: year")
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None:
                check_times(item)


@cache
def _holders(kind: type[Struct]) -> tuple[str, ...]:
    """Return the names of the fields that are times, structs that hold some, or lists of such structs."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _holds_time(field.type))


def _holds_time(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return bool(_holders(annotation))
    return annotation is datetime or any(map(_holds_time, get_args(annotation)))  # None, tuples


def _checked(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _DuplicateKeyError


def _refuse(detail: str) -> NoReturn:
    raise RefusedError(Reason.PAYLOAD_MALFORMED, detail)
