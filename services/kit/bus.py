"""The bus: sessions one after the other, rebuilt whole when the line drops.

A ``Session`` lives as long as one connection. When it ends, everything that was unconfirmed or unacknowledged is
simply tried again in the next one: nothing in memory outlives its connection, which is what makes redelivery safe.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from services.kit.errors import TransientError
from services.kit.session import LINE_ERRORS, Incoming, Session, open_session
from services.kit.tasks import end_tasks

__all__ = ["LINE_ERRORS", "Bus", "Incoming", "Session", "open_session"]

Serve = Callable[[Session], Coroutine[Any, Any, None]]
_log: Final = structlog.get_logger()
_STEADY: Final = 10.0
"""Seconds that a session must have lasted before the next attempt is at once again: each session that drops counts
against the delivery limit of what it held."""
_BACKOFF: Final = (0.1, 5.0)  # seconds, first and longest pause between connection attempts


class Bus:
    """Keeps a session alive: connects, runs ``serve(session)``, and begins anew when the line drops.

    ``stop`` asks the session in hand to drain: ``serve`` sees it as ``session.stopping`` and returns when done.
    """

    def __init__(self, url: str, name: str, prefetch: int, stop: asyncio.Event) -> None:
        self._url = url
        self._name = name
        self._prefetch = prefetch
        self._stop = stop
        self._since = 0.0  # when the session in hand began, by the loop's clock
        self.online = False

    async def run(self, serve: Serve) -> None:
        """Serve session after session until stopped or cancelled. Errors of the line are absorbed; others are raised."""
        pause = _BACKOFF[0]
        while not self._stop.is_set():
            try:
                await self._one_session(serve)
            except TransientError as error:
                if self.online and asyncio.get_running_loop().time() - self._since > _STEADY:
                    pause = _BACKOFF[0]
                self.online = False
                _log.warning("line_down", error=str(error), retry_in=round(pause, 2))
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not secrecy
                pause = min(pause * 2, _BACKOFF[1])

    async def _one_session(self, serve: Serve) -> None:
        async with open_session(self._url, self._name, self._prefetch, self._stop) as session:
            self.online = True
            self._since = asyncio.get_running_loop().time()
            _log.info("line_up")
            work = asyncio.create_task(serve(session), name="session-work")
            ended = asyncio.create_task(session.closed.wait(), name="session-closed")
            try:
                await asyncio.wait([work, ended], return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return work.result()
                raise TransientError("the line to the broker dropped")
            finally:
                await end_tasks([work, ended])
