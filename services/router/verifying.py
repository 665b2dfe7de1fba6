"""Arriving messages, judged in their order, their signatures many at a time.

Two batches are under way: while the worker process checks the signatures of one, the event loop reads the next. A
directory or roster changes what the next message is judged by, so all before it are sent first, and it is applied
before anything after it is looked at.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NoReturn

from msgspec import Struct

from proto.envelope import unpack
from proto.errors import RefusedError
from proto.topology import REGISTRY_KINDS
from services.kit.batch import PacedSignal
from services.kit.bus import Incoming
from services.kit.ids import Clock
from services.kit.registry import Registry
from services.kit.tasks import TaskScope
from services.kit.trust.state import GRACE_REASONS
from services.router.claims import Claim, ClaimChecker, judge_on_trust
from services.router.domain import Accepted, Arrival, Judgement, Refused, judge
from services.router.settings import RouterSettings

_PACE: Final = 0.005  # seconds between two batches under load
_LARGE: Final = 100_000  # bytes from which a message is read on a thread: screening a megabyte takes its time

Outcome = Judgement | Exception
"""An exception is a flaw of ours: that one message is parked, the router lives on."""


class _Batch(Struct, frozen=True):
    messages: Sequence[Incoming]
    generation: int  # of the trust state that they were judged by
    at: datetime
    outcomes: Sequence[Outcome]  # on trust
    held: "asyncio.Task[list[bool]]"


class Verifying:
    """Takes arrivals, hands each on with its outcome, in order but for those that wait for the registry."""

    def __init__(
        self,
        registry: Registry,
        checker: ClaimChecker,
        settings: RouterSettings,
        clock: Clock,
        scope: TaskScope,
        done: Callable[[Incoming, Outcome], None],
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._scope = scope
        self._done = done
        self._arrived: list[Incoming] = []
        self._work = PacedSignal(_PACE)
        self._checker = checker
        self._under_way: asyncio.Queue[_Batch] = asyncio.Queue(maxsize=1)

    def start(self) -> None:
        """Start working in the scope."""
        self._scope.spawn(self._read(), "router-read")
        self._scope.spawn(self._finish(), "router-verify")

    async def take(self, message: Incoming) -> None:
        """Take one arrival."""
        self._arrived.append(message)
        if len(self._arrived) >= self._settings.batch:
            self._work.hurry()
        else:
            self._work.notify()

    async def _read(self) -> NoReturn:
        size = self._settings.batch
        while True:
            await self._work.wait()
            batch, self._arrived = self._arrived[:size], self._arrived[size:]
            if self._arrived:
                self._work.notify()
            start = 0
            for index, message in enumerate(batch):
                if message.routing_key.rpartition(".")[2] in REGISTRY_KINDS:
                    await self._judge(batch[start:index])
                    await self._under_way.join()
                    await self._take_registry(message)
                    start = index + 1
            await self._judge(batch[start:])

    async def _judge(self, messages: Sequence[Incoming]) -> None:
        if not messages:
            return
        generation, now = self._registry.state.generation, self._clock()
        trusted = [
            await asyncio.to_thread(self._on_trust, message, now)
            if len(message.body) > _LARGE
            else self._on_trust(message, now)
            for message in messages
        ]
        held = self._scope.spawn(self._checker.hold([claims for _, claims in trusted]), "router-claims")
        await self._under_way.put(_Batch(messages, generation, now, [outcome for outcome, _ in trusted], held))

    async def _finish(self) -> NoReturn:
        while True:
            batch = await self._under_way.get()
            held = await batch.held
            for message, outcome, holds in zip(batch.messages, batch.outcomes, held, strict=True):
                if not holds:
                    outcome = judge(self._registry.state, self._arrival(message), batch.at)  # noqa: PLW2901 - its first flaw
                if isinstance(outcome, Refused) and _may_turn(outcome):
                    self._scope.spawn(self._judge_again(message, outcome, batch.generation), "router-again")
                else:
                    self._done(message, outcome)
            self._under_way.task_done()

    def _on_trust(self, message: Incoming, now: datetime) -> tuple[Outcome, list[Claim]]:
        try:
            return judge_on_trust(self._registry.state, self._arrival(message), now)
        except Exception as error:  # noqa: BLE001 - a flaw of ours, see ``Outcome``
            return error, []

    async def _judge_again(self, message: Incoming, judgement: Judgement, generation: int) -> None:
        self._done(message, await self._turned(message, judgement, generation))

    async def _turned(self, message: Incoming, judgement: Judgement, generation: int) -> Judgement:
        """Wait for the registry, which may bring others' news first, until it knows the sender or the grace is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.registry_grace
        while _may_turn(judgement) and await self._registry.wait_newer(generation, end - loop.time()):
            generation = self._registry.state.generation
            judgement = judge(self._registry.state, self._arrival(message), self._clock())
        return judgement

    async def _take_registry(self, message: Incoming) -> None:
        """Judge a directory or roster and apply it at once, or when the registry knows its sender."""
        generation = self._registry.state.generation
        judgement = await asyncio.to_thread(judge, self._registry.state, self._arrival(message), self._clock())
        if _may_turn(judgement):
            self._scope.spawn(self._take_later(message, judgement, generation), "router-again")
        else:
            await self._apply(message, judgement)

    async def _take_later(self, message: Incoming, judgement: Judgement, generation: int) -> None:
        await self._apply(message, await self._turned(message, judgement, generation))

    async def _apply(self, message: Incoming, judgement: Judgement) -> None:
        if isinstance(judgement, Accepted):
            try:
                await self._registry.take(unpack(message.body))
            except RefusedError as error:
                judgement = Refused(
                    claimed_id=judgement.message.id,
                    sender=judgement.message.origin,
                    digest=judgement.digest,
                    reason=error.reason,
                    detail=error.detail,
                )
        self._done(message, judgement)

    def _arrival(self, message: Incoming) -> Arrival:
        """What came, with the broker's word on who handed it in: nobody ("") where the sender left that out."""
        user = None if message.user_id in self._settings.replayers else message.user_id or ""
        return Arrival(body=message.body, routing_key=message.routing_key, user_id=user)


def _may_turn(judgement: Judgement) -> bool:
    """Tell whether newer trust state may turn the judgement."""
    return isinstance(judgement, Refused) and judgement.reason in GRACE_REASONS
