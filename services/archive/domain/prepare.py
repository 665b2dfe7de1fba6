"""Arrivals → rows. Pure and free of the event loop: the handler runs it on a thread, one call per batch."""

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.addresses import split_routing_key
from proto.envelope import unpack
from proto.errors import RefusedError
from proto.messages import Decision, Message, Receipt, Report, ReportContent, Verdict
from services.archive.domain.lexemes import vector
from services.archive.domain.records import (
    Batch,
    DocumentRecord,
    EntryRecord,
    ItemRecord,
    MessageRecord,
    RefusedRecord,
)
from services.archive.domain.text import fold, storable, text_hash


class Arrival(Struct, frozen=True, kw_only=True):
    """One delivery: its bytes and the hints that came with it."""

    body: bytes
    refused: bool  # the router refused it: perhaps garbage
    routing_key: str


def prepare(arrivals: Iterable[Arrival]) -> Batch:
    """Return the rows of a batch, the first of several arrivals with one id or digest only.

    Raises ``RefusedError`` where a message that the router let pass cannot be read: this program is older than it.
    """
    batch = Batch(size=0, messages=[], documents=[], entries=[], items=[], refused=[], unindexed=[])
    ids: set[UUID] = set()
    digests: set[bytes] = set()
    for arrival in arrivals:
        batch.size += 1
        digest = sha256(arrival.body).digest()
        if arrival.refused:
            if digest not in digests:
                batch.refused.append(_refused(arrival, digest))
            digests.add(digest)
            continue
        message = codec.decode(unpack(arrival.body))
        if message.id not in ids:
            _add(batch, message, arrival.body, digest)
        ids.add(message.id)
    return batch


def _add(batch: Batch, message: Message, body: bytes, digest: bytes) -> None:
    batch.messages.append(
        MessageRecord(
            id=message.id,
            kind=message.kind(),
            origin=message.origin,
            recipients=message.to,
            about=message.about,
            sent_at=message.sent_at,
            digest=digest,
            envelope=body,
        )
    )
    match message:
        case Report():
            try:
                content = codec.decode_content(message.content)
            except RefusedError:
                batch.unindexed.append(message.id)
            else:
                batch.documents.append(document_of(message, content))
        case Receipt():
            batch.entries += _entries(message)
        case Decision():
            batch.items += _items(message)


def document_of(report: Report, content: ReportContent) -> DocumentRecord:
    """Return a report as it is searched."""
    title, body = storable(content.title), storable(content.body)
    folded_title, folded_body = fold(title), fold(body)
    folded = f"{folded_title}\n{folded_body}"
    return DocumentRecord(
        id=report.id,
        origin=report.origin,
        readers=tuple(dict.fromkeys((report.origin, *report.to))),
        title=title,
        body=body,
        folded=None if folded_title == title and folded_body == body else folded,
        category=content.category.value,
        stage=content.stage.value,
        urgency=content.urgency.value,
        importance=content.importance.value,
        research=content.research,
        sources=tuple(map(storable, content.sources)),
        sent_at=report.sent_at,
        text_hash=text_hash(folded),
        search=vector(folded_title, folded_body),
    )


def _entries(receipt: Receipt) -> list[EntryRecord]:
    return [
        EntryRecord(
            receipt=receipt.id,
            position=position,
            message=entry.message,
            digest=bytes.fromhex(entry.digest),
            outcome=entry.outcome.value,
            at=entry.at,
            reason=storable(entry.reason),
            detail=storable(entry.detail),
            by=receipt.origin,
        )
        for position, entry in enumerate(receipt.entries)
    ]


def _items(decision: Decision) -> list[ItemRecord]:
    appears = decision.publication
    return [
        ItemRecord(
            decision=decision.id,
            position=position,
            report=item.report,
            origin=item.origin,
            hub=decision.origin,
            verdict=decision.verdict.value,
            share=str(item.share),
            series=storable(appears.series) if appears else None,
            issue=storable(appears.issue) if appears else None,
            reverses=decision.about if decision.verdict is Verdict.REVERSED else None,
            sent_at=decision.sent_at,
        )
        for position, item in enumerate(decision.items)
    ]


def _refused(arrival: Arrival, digest: bytes) -> RefusedRecord:
    try:
        origin: str | None = split_routing_key(arrival.routing_key)[0]
    except ValueError:
        origin = None
    try:
        claimed = codec.peek_id(unpack(arrival.body).payload)
    except RefusedError:
        claimed = None
    return RefusedRecord(digest=digest, claimed_id=claimed, claimed_origin=origin, envelope=arrival.body)
