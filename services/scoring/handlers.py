"""From the queue to the ledger: message → domain → store, one transaction a batch, committed before it is acked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from proto.envelope import kind_of, unpack
from proto.errors import RefusedError
from services.kit.bus import Incoming
from services.kit.errors import PoisonError, TransientError
from services.kit.ids import Clock
from services.kit.registry import Registry
from services.kit.trust.state import TrustState
from services.scoring.domain.judging import Scored, judge
from services.scoring.domain.known import Books
from services.scoring.domain.stating import SAID_KINDS, Said, read
from services.scoring.domain.weighing import Ignored
from services.scoring.metrics import ScoringMetrics
from services.scoring.store import Batch, Recorded

_log: Final = structlog.get_logger()
Judged = Scored | Said | Ignored


class Recorder(Protocol):
    """Where batches go."""

    async def record(self, batch: Batch) -> Recorded:
        """Record a batch in one transaction."""
        ...


def judgement(body: bytes, state: TrustState, books: Books) -> Judged:
    """Return what a delivered body is: something that scores, something that is said of the score, or neither."""
    try:
        kind = kind_of(unpack(body).payload_type)
    except RefusedError:
        return judge(body, state, books)  # which says the same
    return read(body, state) if kind in SAID_KINDS else judge(body, state, books)


class Intake:
    """Takes in what is delivered.

    What our trust state cannot judge yet waits for newer state: ``grace`` seconds in place, as it may only just have
    overtaken its directory, then by being tried again, and ``patience`` seconds after it was first seen it is poison. The
    others of its batch are recorded meanwhile.
    """

    def __init__(
        self,
        registry: Registry,
        books: Books,
        store: Recorder,
        metrics: ScoringMetrics,
        clock: Clock,
        *,
        grace: float,
        patience: float,
    ) -> None:
        self._registry = registry
        self._books = books
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._grace = grace  # seconds
        self._patience = timedelta(seconds=patience)
        self._first_seen: dict[str, datetime] = {}  # by digest: what could not be judged yet

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Judge a batch and record what is final.

        Raises ``TransientError`` where some of it must be tried again, ``PoisonError`` where some of it has waited for
        the registry long enough: it is to be found and parked, to be replayed once the registry is in order.
        """
        judged = await self._judge_all([message.body for message in batch])
        recorded = await self._store.record(
            Batch(
                scored=[each for each in judged if isinstance(each, Scored)],
                said=[each for each in judged if isinstance(each, Said)],
                ignored=[each for each in judged if isinstance(each, Ignored) and not each.may_turn],
            )
        )
        self._metrics.recorded(recorded)
        for each in recorded.ignored:
            _log.warning("message_ignored", reason=each.reason, message_id=str(each.message), hub=each.hub)
        waiting = _waiting(judged)
        for each in waiting:
            if self._overdue(each):
                raise PoisonError(each.reason)
        if waiting:
            raise TransientError(f"{len(waiting)} wait for the registry: {waiting[0].reason}")

    async def _judge_all(self, bodies: Sequence[bytes]) -> list[Judged]:
        state = self._registry.state
        if not state.ready:
            raise TransientError("there is no directory yet")
        generation = state.generation
        judged = [judgement(body, state, self._books) for body in bodies]
        self._note(_waiting(judged))
        while any(not self._overdue(each) for each in _waiting(judged)):
            if not await self._registry.wait_newer(generation, self._grace):
                break
            generation = state.generation
            judged = [
                judgement(body, state, self._books) if isinstance(each, Ignored) and each.may_turn else each
                for body, each in zip(bodies, judged, strict=True)
            ]
        return judged

    def _note(self, waiting: Sequence[Ignored]) -> None:
        """Remember since when these wait; what was seen long ago is judged by now, or parked."""
        if not waiting:
            return
        now = self._clock()
        self._first_seen = {digest: at for digest, at in self._first_seen.items() if now - at < 2 * self._patience}
        for each in waiting:
            self._first_seen.setdefault(each.digest, now)

    def _overdue(self, each: Ignored) -> bool:
        now = self._clock()
        return now - self._first_seen.get(each.digest, now) >= self._patience


def _waiting(judged: Sequence[Judged]) -> list[Ignored]:
    return [each for each in judged if isinstance(each, Ignored) and each.may_turn]
