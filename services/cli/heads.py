"""What operators may see of a message: its head, never its text (Art. 17)."""

from datetime import datetime
from uuid import UUID

import msgspec

from proto.envelope import kind_of, unpack
from proto.errors import RefusedError


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that all messages begin with. As claimed: nothing is verified here."""

    id: UUID
    kind: str
    origin: str
    to: tuple[str, ...]
    sent_at: datetime
    about: UUID | None = None


def head_of(body: bytes) -> Head | None:
    """Return the head of a message as it travels; None where it cannot be read."""
    try:
        envelope = unpack(body)
        kind_of(envelope.payload_type)
        return msgspec.json.decode(envelope.payload, type=Head)
    except (RefusedError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
