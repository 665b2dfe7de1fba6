"""A scope ends its tasks, also those that lose a cancellation."""

import asyncio
from collections.abc import Awaitable

import pytest

from services.kit.tasks import TaskScope


async def waits_for_a_reply_and_then_for_ever(reply: Awaitable[None]) -> None:
    await asyncio.wait_for(reply, 30)
    await asyncio.Event().wait()


async def test_a_cancellation_lost_in_wait_for_is_said_again() -> None:
    async def block() -> None:
        async with TaskScope() as scope:
            reply = asyncio.get_running_loop().create_future()
            scope.spawn(waits_for_a_reply_and_then_for_ever(reply), "consumer")
            await asyncio.sleep(0)
            reply.set_result(None)  # the reply arrives in the moment in which the block ends

    await asyncio.wait_for(block(), 5)


async def test_the_first_failure_is_raised_plain_and_the_others_end() -> None:
    ended = asyncio.Event()

    async def fails() -> None:
        raise ZeroDivisionError

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with TaskScope() as scope:
            scope.spawn(waits(), "waits")
            scope.spawn(fails(), "fails")
            await scope.until(asyncio.Event())

    with pytest.raises(ZeroDivisionError):
        await block()
    assert ended.is_set()
