"""Signatures checked elsewhere: a worker process takes a whole batch, so that the event loop's core does nothing else.

Python threads are no use for this: each check gives up the interpreter and must win it back from the busy event loop.
So a message is first judged on trust, noting down each signature it rests on (``judge_on_trust``); the worker then
checks these (``hold``). A judgement whose claims all hold is what ``judge`` would have said. Where one fails, the message
is judged again with every check made at once, which finds the first flaw in its right order.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import structlog
from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from proto.messages import Algorithm
from services.kit.crypto import Verifier, load_public
from services.kit.trust.state import TrustState
from services.router.domain import Arrival, Judgement, judge

_log: Final = structlog.get_logger()

Claim = tuple[str, bytes, bytes, bytes]
"""Algorithm, public key, signature, the data it should cover."""


def judge_on_trust(state: TrustState, arrival: Arrival, now: datetime) -> tuple[Judgement, list[Claim]]:
    """Return what becomes of a message if these claims hold."""
    claims: list[Claim] = []

    def note(verifier: Verifier, signature: bytes, data: bytes) -> bool:
        claims.append((verifier.algorithm.value, verifier.public, signature, data))
        return True

    return judge(state, arrival, now, note), claims


class ClaimChecker:
    """One worker process, started when first needed and again when it dies; none where ``worker`` is off."""

    def __init__(self, *, worker: bool = True) -> None:
        self._worker = worker
        self._one = CapacityLimiter(1)

    async def hold(self, batch: Sequence[list[Claim]]) -> list[bool]:
        """Tell for each list of claims whether all of them hold."""
        if not self._worker:
            return hold(batch)
        try:
            return await to_process.run_sync(hold, list(batch), limiter=self._one)
        except BrokenWorkerProcess as error:  # killed, or no memory for it: done here, and the next batch tries anew
            _log.warning("claim_worker_lost", batch=len(batch), cause=repr(error.__cause__)[:200])
            return hold(batch)


def hold(batch: Sequence[list[Claim]]) -> list[bool]:
    """Check signatures; what the worker process runs."""
    return [
        all(_verifier(algorithm, public).matches(signature, data) for algorithm, public, signature, data in claims)
        for claims in batch
    ]


@lru_cache(maxsize=4096)
def _verifier(algorithm: str, public: bytes) -> Verifier:
    return load_public(Algorithm(algorithm), public)
