"""Rows of the repository, as the domain makes them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class MessageRecord(Struct, frozen=True, kw_only=True):
    """A message that travelled, with the exact bytes."""

    id: UUID
    kind: str
    origin: str
    recipients: tuple[str, ...]
    about: UUID | None
    sent_at: datetime
    digest: bytes  # SHA-256 of ``envelope``
    envelope: bytes  # as they were on the bus


class DocumentRecord(Struct, frozen=True, kw_only=True):
    """A report as it is searched (检索条目)."""

    id: UUID
    origin: str
    readers: tuple[str, ...]  # origin and recipients
    title: str
    body: str
    folded: str | None  # folded title and body; None where they fold to themselves
    category: str
    stage: str
    urgency: str
    importance: str
    research: bool
    sources: tuple[str, ...]
    sent_at: datetime
    text_hash: bytes  # SHA-256 of the normalised text: equal for the same text from two units
    search: str  # tsvector in its text form


class EntryRecord(Struct, frozen=True, kw_only=True):
    """One entry of a receipt."""

    receipt: UUID
    position: int
    message: UUID | None
    digest: bytes
    outcome: str
    at: datetime
    reason: str
    detail: str
    by: str  # who gave the receipt


class ItemRecord(Struct, frozen=True, kw_only=True):
    """One report under a decision."""

    decision: UUID
    position: int
    report: UUID
    origin: str
    hub: str
    verdict: str
    share: str  # exact decimal
    series: str | None
    issue: str | None
    reverses: UUID | None  # the decision that a reversal takes back
    sent_at: datetime


class RefusedRecord(Struct, frozen=True, kw_only=True):
    """What the router refused: perhaps garbage, kept as evidence."""

    digest: bytes
    claimed_id: UUID | None  # unproven
    claimed_origin: str | None  # by routing key, which the broker holds to the sender's own addresses
    envelope: bytes


class Batch(Struct, kw_only=True):
    """What one batch of arrivals becomes."""

    size: int  # arrivals, duplicates included
    messages: list[MessageRecord]
    documents: list[DocumentRecord]
    entries: list[EntryRecord]
    items: list[ItemRecord]
    refused: list[RefusedRecord]
    unindexed: list[UUID]  # reports whose content cannot be read by this program: stored, not searchable
