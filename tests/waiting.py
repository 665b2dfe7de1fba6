"""Waiting, from outside, for what another process did: it sets no event of ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from services.cli.network.sample.client import CallError

T = TypeVar("T")
DEADLINE = 60.0  # seconds
_LOOK = 0.03


async def eventually(
    look: Callable[[], Awaitable[T]], what: str, seconds: float = DEADLINE, *, wanted: Callable[[T], Any] = bool
) -> T:
    """Look until it is as wanted; fail at the deadline with its name and what was last seen.

    A service that is away, and what is not there yet (404, 503), count as not seen.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    seen: Any = None
    while True:
        try:
            seen = await look()
        except (aiohttp.ClientError, TimeoutError, CallError) as error:
            if isinstance(error, CallError) and error.status not in {404, 503}:
                raise
            seen = error
        else:
            if wanted(seen):
                return seen
        if loop.time() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {seen!r:.500}")
        await asyncio.sleep(_LOOK)
