"""The life of a service process: start, run until told to stop, drain, end."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from services.kit.errors import SettingsError

_log: Final = structlog.get_logger()
DRAIN_SECONDS: Final = 8.0
_SETTLED: Final = 10.0  # seconds after the start: modules, keys and the registry are in memory
_YOUNG: Final = 10_000  # objects between two looks at the young ones; Python's own 700 is for small programs
EXIT_SETTINGS: Final = 78
"""sysexits' EX_CONFIG: the supervisor need not try again."""


def run(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> int:
    """Run ``main(stop)`` on uvloop; ``stop`` is set by SIGTERM, SIGINT or the supervisor's end. Return the exit code."""
    try:
        uvloop.run(_run(main))
    except SettingsError as error:
        sys.stderr.write(f"yizhan: {error}\n")
        return EXIT_SETTINGS
    return 0


def config_path() -> Path | None:
    """Return the settings file named by ``--config FILE`` or ``YIZHAN_CONFIG``; None where neither is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default=os.environ.get("YIZHAN_CONFIG"))
    named = parser.parse_args().config
    return Path(named) if named else None


async def _run(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get("YIZHAN_PARENT_PIPE") == "1":
        await _stop_with_parent(loop, stop)
    settling = asyncio.create_task(_settle(), name="settle")
    await main(stop)
    settling.cancel()
    _log.info("stopped")


async def _settle() -> None:
    """Spare the garbage collector what lives as long as the process.

    A full collection stops everything, for 50 to 100 ms with what a gateway knows; frozen objects are not looked at.
    """
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    await asyncio.sleep(_SETTLED)
    gc.collect()
    gc.freeze()


async def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when stdin closes: the supervisor holds its other end, so even its kill -9 is noticed."""

    class _Pipe(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
            stop.set()

    await loop.connect_read_pipe(_Pipe, sys.stdin)


@asynccontextmanager
async def running(name: str, work: Awaitable[None], stop: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``work`` as a named task beside the block; its failure sets ``stop`` and is raised when the block ends.

    When the block ends because of ``stop``, the work is given ``DRAIN_SECONDS`` to end by itself.
    """

    async def guarded() -> None:
        try:
            await work
        except Exception:
            _log.exception("task_failed", task=name)
            stop.set()
            raise

    task = asyncio.create_task(guarded(), name=name)
    try:
        yield task
    finally:
        if stop.is_set():
            await asyncio.wait([task], timeout=DRAIN_SECONDS)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
