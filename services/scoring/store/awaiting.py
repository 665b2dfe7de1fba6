"""Waiting until a hub's paper is recorded: what is said of the next one rests on it."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID


class Awaiting:
    """Looks whether a paper is recorded when this process has recorded something, and at the end: another may have."""

    def __init__(self, look: Callable[[str, UUID], Awaitable[bool]], seconds: float) -> None:
        """``look`` is given hub and message; ``seconds`` is how long at most to wait."""
        self._look = look
        self._seconds = seconds
        self._news = asyncio.Event()

    def tell(self) -> None:
        """Say that something was recorded."""
        self._news.set()
        self._news = asyncio.Event()

    async def recorded(self, hub: str, paper: UUID) -> bool:
        """Return whether a hub's paper is recorded, as a statement or as ignored, in time."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            news = self._news  # before the look, during which there may be some
            if await self._look(hub, paper):
                return True
            try:
                async with asyncio.timeout_at(deadline):
                    await news.wait()
            except TimeoutError:
                return await self._look(hub, paper)
