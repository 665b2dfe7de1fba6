"""What the archive counts."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.archive.domain.records import Batch

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class ArchiveMetrics:
    """Stored by kind, batch sizes, and how long reports took from the origin's hand into the repository."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stored = Counter("yizhan_archive_messages", "Messages stored", ["kind"], registry=registry)
        self._known = Counter("yizhan_archive_redelivered", "Messages that were there already", registry=registry)
        self._reused = Counter(
            "yizhan_archive_reused_ids", "Other bytes under the id of a stored message, not stored", registry=registry
        )
        self._refused = Counter("yizhan_archive_refused", "Refused messages kept as evidence", registry=registry)
        self._unindexed = Counter(
            "yizhan_archive_unindexed", "Reports stored whose content cannot be indexed", registry=registry
        )
        self._batch = Histogram("yizhan_archive_batch_size", "Messages in a batch", buckets=_SIZES, registry=registry)
        self._delay = Histogram(
            "yizhan_archive_report_seconds", "From sent_at to stored, reports", buckets=_SECONDS, registry=registry
        )

    def stored(self, batch: Batch, *, known: frozenset[object], reused: int, refused: int, at: datetime) -> None:
        """Count one committed batch; ``known`` are the ids that were there before."""
        self._batch.observe(batch.size)
        new = [m for m in batch.messages if m.id not in known]
        _add(self._stored, (m.kind for m in new))
        for message in new:
            if message.kind == "report":
                self._delay.observe(max(0.0, (at - message.sent_at).total_seconds()))
        self._known.inc(len(batch.messages) - len(new))
        self._reused.inc(reused)
        self._refused.inc(refused)
        self._unindexed.inc(len(batch.unindexed))


def _add(counter: Counter, labels: Iterable[str]) -> None:
    for label in labels:
        counter.labels(label).inc()
