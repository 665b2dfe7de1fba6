"""What is started and stopped can also be used as a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class StartStop(ABC):
    """Starts when the ``async with`` block is entered, stops when it is left."""

    @abstractmethod
    async def start(self) -> None:
        """Return when it is ready."""

    @abstractmethod
    async def stop(self) -> None:
        """Return when it has ended; harmless when it was not started."""

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()
