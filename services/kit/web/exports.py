"""Messages in bulk, as two services hand them out: signed bytes, a page at a time, for whoever follows them anew."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from proto.envelope import Envelope, unpack
from proto.limits import MAX_ENVELOPE_BYTES
from proto.messages import KINDS, Receipt

PAGE_BYTES: Final = 4 * MAX_ENVELOPE_BYTES
"""A page ends with the message that reaches this, so that memory is bounded whatever the messages' sizes."""
ExportedKind: Any = Literal[tuple(kind for kind in KINDS if kind != Receipt.kind())]
"""Kinds that are handed out. A receipt is not: units of one gateway share it, and each may see its own entries only."""


class ExportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""

    kind: ExportedKind
    after: UUID | None = None  # the last message of the page before
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class ExportPage(Struct, frozen=True, kw_only=True):
    """A page of messages (报文批量导出), the oldest first."""

    messages: list[Envelope]
    next: UUID | None  # ``after`` of the next page; None where this one is empty, and so the end


def page_of(rows: Iterable[tuple[UUID, bytes]]) -> ExportPage:
    """Return stored messages, by id and bytes as they travelled, as a page."""
    listed = list(rows)
    return ExportPage(messages=[unpack(body) for _, body in listed], next=listed[-1][0] if listed else None)
