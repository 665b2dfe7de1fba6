"""Storing a batch: at most two statements, each whole or not at all, each harmless when repeated."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from services.archive.domain.records import Batch
from services.kit.db import Database
from services.kit.errors import PoisonError, TransientError


class Written(Struct, frozen=True, kw_only=True):
    """What a batch changed."""

    known: frozenset[UUID]  # ids that were stored before
    reused: frozenset[UUID]  # of these, the ones under which other bytes came now
    refused: int  # refused messages, new or not


class Writer:
    """Puts batches into the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._q = database.queries

    async def store(self, batch: Batch, at: datetime) -> Written:
        """Commit a batch. ``TransientError`` may be tried again; ``PoisonError`` means that some row is not storable."""
        before: list[Any] = []
        try:
            async with self._database.connection() as connection:
                if batch.messages:
                    known = self._q.store_batch(connection, stored_at=at, **_columns(batch))
                    before = [row async for row in known]
                if batch.refused:
                    await self._q.store_refused(
                        connection,
                        first_seen=at,
                        digests=[r.digest for r in batch.refused],
                        claimed_ids=[r.claimed_id for r in batch.refused],
                        claimed_origins=[r.claimed_origin for r in batch.refused],
                        envelopes=[r.envelope for r in batch.refused],
                    )
        except TransientError:
            raise
        except (asyncpg.PostgresError, asyncpg.DataError) as error:
            raise PoisonError(type(error).__name__) from None  # its text may quote the row
        return Written(
            known=frozenset(row["id"] for row in before),
            reused=frozenset(row["id"] for row in before if row["reused"]),
            refused=len(batch.refused),
        )


def _columns(batch: Batch) -> dict[str, Any]:
    messages, documents, entries, items = batch.messages, batch.documents, batch.entries, batch.items
    return {
        "ids": [m.id for m in messages],
        "kinds": [m.kind for m in messages],
        "origins": [m.origin for m in messages],
        "recipients": [",".join(m.recipients) for m in messages],
        "abouts": [m.about for m in messages],
        "sent_ats": [m.sent_at for m in messages],
        "digests": [m.digest for m in messages],
        "envelopes": [m.envelope for m in messages],
        "doc_ids": [d.id for d in documents],
        "doc_origins": [d.origin for d in documents],
        "doc_readers": [",".join(d.readers) for d in documents],
        "doc_titles": [d.title for d in documents],
        "doc_bodies": [d.body for d in documents],
        "doc_folded": [d.folded for d in documents],
        "doc_categories": [d.category for d in documents],
        "doc_stages": [d.stage for d in documents],
        "doc_urgencies": [d.urgency for d in documents],
        "doc_importances": [d.importance for d in documents],
        "doc_research": [d.research for d in documents],
        "doc_sources": ["\n".join(s.replace("\n", " ") for s in d.sources) for d in documents],
        "doc_sent_ats": [d.sent_at for d in documents],
        "doc_hashes": [d.text_hash for d in documents],
        "doc_vectors": [d.search for d in documents],
        "entry_receipts": [e.receipt for e in entries],
        "entry_positions": [e.position for e in entries],
        "entry_messages": [e.message for e in entries],
        "entry_digests": [e.digest for e in entries],
        "entry_outcomes": [e.outcome for e in entries],
        "entry_ats": [e.at for e in entries],
        "entry_reasons": [e.reason for e in entries],
        "entry_details": [e.detail for e in entries],
        "entry_bys": [e.by for e in entries],
        "item_decisions": [i.decision for i in items],
        "item_positions": [i.position for i in items],
        "item_reports": [i.report for i in items],
        "item_origins": [i.origin for i in items],
        "item_hubs": [i.hub for i in items],
        "item_verdicts": [i.verdict for i in items],
        "item_shares": [i.share for i in items],
        "item_series": [i.series for i in items],
        "item_issues": [i.issue for i in items],
        "item_reverses": [i.reverses for i in items],
        "item_sent_ats": [i.sent_at for i in items],
    }
