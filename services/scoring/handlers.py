"""From the queue to the ledger: message → domain → store, one transaction a batch, committed before it is acked."""

from collections.abc import Sequence
from typing import Final

import structlog

from services.kit.bus import Incoming
from services.kit.errors import TransientError
from services.kit.registry import Registry
from services.scoring.domain.judging import Ignored, Scored, judge
from services.scoring.domain.rules import RuleBook
from services.scoring.metrics import ScoringMetrics
from services.scoring.store import Store

_log: Final = structlog.get_logger()


class Intake:
    """Takes in delivered decisions."""

    def __init__(self, registry: Registry, book: RuleBook, store: Store, metrics: ScoringMetrics, grace: float) -> None:
        self._registry = registry
        self._book = book
        self._store = store
        self._metrics = metrics
        self._grace = grace  # seconds
        self._waited_at = -1  # generation of the trust state that a wait did not improve

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Judge a batch and record it; raise ``TransientError`` where it must be tried again."""
        judged = await self._judge_all([message.body for message in batch])
        scored = [each for each in judged if isinstance(each, Scored)]
        ignored = [each for each in judged if isinstance(each, Ignored)]
        recorded = await self._store.record(scored, ignored)
        self._metrics.recorded(recorded.decisions, recorded.entries, recorded.ignored)
        for each in recorded.ignored:
            _log.warning("decision_ignored", reason=each.reason, message_id=str(each.message), hub=each.hub)

    async def _judge_all(self, bodies: Sequence[bytes]) -> list[Scored | Ignored]:
        state = self._registry.state
        if not state.ready:
            raise TransientError("there is no directory yet")
        judged = [judge(body, state, self._book) for body in bodies]
        # A decision may overtake the directory that introduces its unit: wait once for each state of the registry.
        while any(isinstance(each, Ignored) and each.may_turn for each in judged):
            generation = state.generation
            if generation == self._waited_at:
                break
            if not await self._registry.wait_newer(generation, self._grace):
                self._waited_at = generation
            judged = [
                judge(body, state, self._book) if isinstance(each, Ignored) and each.may_turn else each
                for body, each in zip(bodies, judged, strict=True)
            ]
        return judged
