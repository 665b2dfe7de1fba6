"""Waiting for a paper to be recorded: woken by this process's recorder, and looking again at the end for another's."""

import asyncio
from uuid import UUID

from services.scoring.store import Awaiting
from tests.waiting import eventually
from tests.world import PROVINCE

PAPER = UUID(int=7)


class Record:
    """What is recorded, and how often somebody looked; the looks from ``since`` on find it."""

    def __init__(self, since: int = 1_000) -> None:
        self.looks = 0
        self.since = since

    async def look(self, hub: str, paper: UUID) -> bool:
        assert (hub, paper) == (PROVINCE, PAPER)
        self.looks += 1
        return self.looks >= self.since

    async def looked(self) -> int:
        return self.looks


async def test_what_is_recorded_is_not_waited_for() -> None:
    record = Record(since=1)
    assert await Awaiting(record.look, 60).recorded(PROVINCE, PAPER)
    assert record.looks == 1


async def test_it_looks_when_something_was_recorded_and_not_in_between() -> None:
    record = Record(since=3)
    awaiting = Awaiting(record.look, 60)
    waiting = asyncio.create_task(awaiting.recorded(PROVINCE, PAPER))
    for looks in (1, 2):
        await eventually(record.looked, "a look", wanted=looks.__eq__)
        assert not waiting.done()
        awaiting.tell()
    assert await waiting
    assert record.looks == 3


async def test_what_is_recorded_during_a_look_is_not_missed() -> None:
    looks = 0

    async def look(_: str, __: UUID) -> bool:
        nonlocal looks
        looks += 1
        awaiting.tell()  # as the recorder commits after what this look saw
        return looks == 2

    awaiting = Awaiting(look, 60)
    assert await awaiting.recorded(PROVINCE, PAPER)


async def test_another_process_may_have_recorded_it() -> None:
    record = Record(since=2)
    assert await Awaiting(record.look, 0.01).recorded(PROVINCE, PAPER)
    never = Record()
    assert not await Awaiting(never.look, 0.01).recorded(PROVINCE, PAPER)
    assert never.looks == 2
