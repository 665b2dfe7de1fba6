"""Batches that form by themselves: while one is being handled the next gathers, so idle costs no latency."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Gathers single submissions into calls of ``handle``, at most ``size`` each, one call at a time.

    ``handle`` returns one result per item, in order; an exception as a result is raised to that submitter alone, an
    exception raised by ``handle`` to all of the batch. The first item after a quiet time is handled at once; under load
    a batch begins every ``pace`` seconds, or as soon as it is full: fewer transactions for the same work.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        size: int,
        *,
        pace: float = 0.0,
    ) -> None:
        self._pace = pace
        self._handle = handle
        self._size = size
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many submissions wait for the next batch."""
        return len(self._waiting)

    async def submit(self, item: T) -> R:
        """Hand in one item and return its result."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="batcher")
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                begun = loop.time()
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                await self._handle_one(batch)
                if len(self._waiting) < self._size:
                    await asyncio.sleep(max(0.0, begun + self._pace - loop.time()))
        finally:
            self._worker = None

    async def _handle_one(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results: Sequence[R | Exception] = await self._handle([item for item, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for {len(batch)} items")  # noqa: TRY301 - for every submitter
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed on to every submitter, who raises it
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


class PacedSignal:
    """Wakes its waiter when there is work, but not more often than every ``interval`` seconds.

    The first call after a quiet time passes at once; under load calls are gathered. That is how receipts coalesce and batches fill.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._event = asyncio.Event()
        self._hurry = asyncio.Event()
        self._last = float("-inf")

    def notify(self) -> None:
        """Say that there is work."""
        self._event.set()

    def hurry(self) -> None:
        """Say that the work must not wait for the interval."""
        self._hurry.set()
        self._event.set()

    async def wait(self) -> None:
        """Return when there is work and the interval has passed, or somebody hurries."""
        loop = asyncio.get_running_loop()
        await self._event.wait()
        pause = self._last + self._interval - loop.time()
        if pause > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause)
        self._event.clear()
        self._hurry.clear()
        self._last = loop.time()
