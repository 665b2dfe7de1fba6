"""What the scoring service counts."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from services.scoring.domain.judging import Ignored


class ScoringMetrics:
    """Decisions recorded, entries written, messages ignored by reason. Redeliveries are not counted again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter("yizhan_scoring_decisions", "Decisions recorded", registry=registry)
        self._entries = Counter("yizhan_scoring_entries", "Ledger entries written", registry=registry)
        self._ignored = Counter("yizhan_scoring_ignored", "Messages that score nothing", ["reason"], registry=registry)

    def recorded(self, decisions: int, entries: int, ignored: Iterable[Ignored]) -> None:
        """Count what one committed batch added."""
        self._decisions.inc(decisions)
        self._entries.inc(entries)
        for each in ignored:
            self._ignored.labels(each.reason).inc()
