"""What the scoring service counts."""

from prometheus_client import CollectorRegistry, Counter

from services.scoring.store import Recorded


class ScoringMetrics:
    """Facts recorded, entries and statements written, messages ignored by reason. Redeliveries are not counted again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._facts = Counter("yizhan_scoring_facts", "Facts recorded", registry=registry)
        self._entries = Counter("yizhan_scoring_entries", "Ledger entries written", registry=registry)
        self._statements = Counter(
            "yizhan_scoring_statements", "Rules, bulletins, designations and appeals recorded", registry=registry
        )
        self._ignored = Counter("yizhan_scoring_ignored", "Messages that score nothing", ["reason"], registry=registry)

    def recorded(self, recorded: Recorded) -> None:
        """Count what one committed batch added."""
        self._facts.inc(recorded.facts)
        self._entries.inc(recorded.entries)
        self._statements.inc(recorded.statements)
        for each in recorded.ignored:
            self._ignored.labels(each.reason).inc()
