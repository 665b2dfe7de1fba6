"""Batches and paced signals, with events instead of waiting."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.batch import Batcher, PacedSignal

DEADLINE = 5  # seconds; reached only by a failing test


class Desk:
    """A handler that records its batches and can be held."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()
        self.running = 0

    async def handle(self, items: Sequence[int]) -> list[int | Exception]:
        self.running += 1
        assert self.running == 1, "one call at a time"
        self.batches.append(list(items))
        self.entered.set()
        await self.free.wait()
        self.running -= 1
        return [ValueError(str(item)) if item < 0 else item * 10 for item in items]


async def test_what_arrives_during_a_batch_is_the_next_one() -> None:
    desk = Desk()
    desk.free.clear()
    batcher = Batcher(desk.handle, size=3)
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        first = group.create_task(batcher.submit(1))
        await desk.entered.wait()
        rest = [group.create_task(batcher.submit(item)) for item in (2, 3, 4, 5)]
        await asyncio.sleep(0)  # lets the submitters run; no time passes
        assert batcher.waiting == 4
        desk.free.set()
    assert desk.batches == [[1], [2, 3, 4], [5]]
    assert [first.result(), *(task.result() for task in rest)] == [10, 20, 30, 40, 50]
    assert batcher.waiting == 0


async def test_an_exception_as_result_is_its_submitters_alone() -> None:
    batcher = Batcher(Desk().handle, size=10)
    async with asyncio.timeout(DEADLINE):
        found = await asyncio.gather(*map(batcher.submit, (1, -2, 3)), return_exceptions=True)
    assert (found[0], found[2]) == (10, 30)
    assert isinstance(found[1], ValueError)


async def test_a_failing_batch_fails_all_of_it_and_the_next_goes_on() -> None:
    calls = 0

    async def handle(items: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("away")
        return list(items)

    batcher = Batcher(handle, size=2)
    async with asyncio.timeout(DEADLINE):
        found = await asyncio.gather(*map(batcher.submit, (1, 2, 3)), return_exceptions=True)
        assert [type(each) for each in found] == [OSError, OSError, int]
        assert await batcher.submit(4) == 4


@pytest.mark.parametrize("results", [[], [1, 2, 3]])
async def test_a_handler_that_miscounts_leaves_nobody_waiting(results: list[int | Exception]) -> None:
    async def handle(_: Sequence[int]) -> list[int | Exception]:
        return results

    batcher = Batcher(handle, size=2)
    async with asyncio.timeout(DEADLINE):
        found = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
    assert [type(each) for each in found] == [RuntimeError, RuntimeError]


async def test_a_submitter_that_gave_up_disturbs_nobody() -> None:
    desk = Desk()
    desk.free.clear()
    batcher = Batcher(desk.handle, size=5)
    async with asyncio.timeout(DEADLINE):
        tasks = [asyncio.create_task(batcher.submit(item)) for item in (1, 2)]
        await desk.entered.wait()
        tasks[0].cancel()
        desk.free.set()
        assert await tasks[1] == 20
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]


async def test_the_first_call_passes_at_once_and_the_next_after_the_interval() -> None:
    loop = asyncio.get_running_loop()
    signal = PacedSignal(0.05)
    async with asyncio.timeout(DEADLINE):
        signal.notify()
        before = loop.time()
        await signal.wait()
        first = loop.time()
        signal.notify()
        signal.notify()
        await signal.wait()
        second = loop.time()
    assert first - before < 0.05
    assert second - first >= 0.05 - 0.002  # the loop's clock is rounded


async def test_without_work_nobody_wakes() -> None:
    signal = PacedSignal(0)
    signal.notify()
    await signal.wait()
    waiter = asyncio.create_task(signal.wait())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiter), 0.02)
    signal.notify()
    await asyncio.wait_for(waiter, DEADLINE)


async def test_hurry_does_not_wait_for_the_interval() -> None:
    signal = PacedSignal(3600)
    async with asyncio.timeout(DEADLINE):
        signal.notify()
        await signal.wait()
        signal.hurry()
        await signal.wait()
        signal.notify()
        waiter = asyncio.create_task(signal.wait())
        await asyncio.sleep(0)  # lets it begin
        assert not waiter.done()
        signal.hurry()
        await waiter


async def test_hurrying_once_hurries_once() -> None:
    signal = PacedSignal(3600)
    signal.hurry()
    await asyncio.wait_for(signal.wait(), DEADLINE)
    signal.notify()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(signal.wait(), 0.02)
