"""What every message begins with, and the field types that messages share."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from proto.addresses import CODE_PATTERN
from proto.limits import (
    MAX_BODY_CHARS,
    MAX_COUNT,
    MAX_DECIMAL_PLACES,
    MAX_LABEL_CHARS,
    MAX_NAME_CHARS,
    MAX_NOTE_CHARS,
    MAX_RECIPIENTS,
    MAX_TITLE_CHARS,
)

Time = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with zone; a naive time is refused at decoding, and one outside ``YEARS`` (``proto.strict``)."""
Code = Annotated[str, Meta(pattern=CODE_PATTERN)]
"""A node code."""
Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE_CHARS)]
Body = Annotated[str, Meta(min_length=1, max_length=MAX_BODY_CHARS)]
Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARS)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
Label = Annotated[str, Meta(max_length=MAX_LABEL_CHARS)]
PersonId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$(?!\n)")]
"""A staff member's short id, unique within the node."""
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256, lower-case hex."""
Share = Decimal
"""A part of one, as an exact decimal string on the wire; ``check_decimal`` bounds it."""
Points = Decimal
"""Points (积分), likewise; a reversal may make them negative."""
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Ordinal = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Month = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$(?!\n)")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)")]


class Wire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every struct on the wire: immutable, named fields, nothing unknown."""


def check_decimal(value: Decimal, low: int, high: int, places: int = MAX_DECIMAL_PLACES) -> None:
    """Raise ``ValueError``, which decoding turns into a refusal, unless low <= value <= high with few places.

    ``places``: how many may differ from 0.

    ``Decimal`` itself takes NaN, infinities and exponents that would fill the memory when written out.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_DECIMAL_PLACES or not low <= value <= high:
        raise ValueError("not a decimal within its bounds")
    if value != round(value, places):
        raise ValueError(f"more than {places} decimal places")


def _kind_of(class_name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in class_name).lstrip("_")


class Message(Wire, frozen=True, kw_only=True, tag_field="kind", tag=_kind_of):
    """The common head of all payloads; ``kind`` is the tag."""

    id: UUID  # UUIDv7 (RFC 9562), given by the origin when it sends
    origin: Code  # who says it
    to: Annotated[tuple[Code, ...], Meta(max_length=MAX_RECIPIENTS)]  # whom it is for
    sent_at: Time  # by the origin's clock
    about: UUID | None = None  # the message that this one answers

    @classmethod
    def kind(cls) -> str:
        """Return the wire name of this kind of message."""
        return str(cls.__struct_config__.tag)
