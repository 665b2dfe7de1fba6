"""Trying again while a service does not know yet what it will know in a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from services.cli.network.sample.client import CallError

T = TypeVar("T")
PATIENCE: Final = 20.0  # seconds for a gateway to learn of the rosters that were published just now
_AGAIN: Final = 0.1  # seconds
_PASSING: Final = ("registry.", "sender.", "sign_off.", "auth.", "scoring.unreachable")


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Try again while the gateway, or the score that it asks, does not know the unit or its people yet."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        try:
            return await work()
        except CallError as error:
            if not error.code.startswith(_PASSING) or loop.time() > end:
                raise
            await asyncio.sleep(_AGAIN)


async def until(look: Callable[[], Awaitable[T | None]], what: str, seconds: float) -> T:
    """Look until something is there; raise ``CallError`` with its name where it does not come in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (found := await look()) is None:
        if loop.time() > end:
            raise CallError(504, f"sample.{what}", f"not within {seconds:.0f} s")
        await asyncio.sleep(_AGAIN)
    return found
