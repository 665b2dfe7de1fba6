"""Named tasks that end together: the first failure is raised, plain, to whoever waits in the block."""

import asyncio
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, Self

_AGAIN: Final = 1.0  # seconds


async def end_tasks(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and wait for their ends, whatever these are.

    Cancelled again until they do: before Python 3.12 ``asyncio.wait_for`` may swallow the one cancellation that comes
    in the moment of its success.
    """
    ending = set(tasks)
    while ending:
        for task in ending:
            task.cancel()
        done, ending = await asyncio.wait(ending, timeout=_AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()  # retrieved: whoever needs it has been told


class TaskScope:
    """Tasks spawned in the block are cancelled when it is left.

    Unlike ``asyncio.TaskGroup`` it raises the first failure itself, not a group, so that callers' ``except`` clauses
    for a dropped line stay simple.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        self._failed = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._failed.cancel()
        await end_tasks(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Start a task of this scope."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def until(self, event: asyncio.Event) -> None:
        """Wait for an event; raise the first failure of a task that comes before it."""
        waiter = asyncio.create_task(event.wait(), name="scope-until")
        try:
            watched: list[asyncio.Future[Any]] = [waiter, self._failed]
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
        finally:
            waiter.cancel()

    async def all_done(self) -> None:
        """Wait until no task is left; raise the first failure."""
        while self._tasks:
            await asyncio.wait([*self._tasks, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._failed.done():
            self._failed.set_exception(error)
