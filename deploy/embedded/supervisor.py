"""Keeps the services of one machine running.

A child is told of our end by its stdin: a pipe that only we hold (``YIZHAN_PARENT_PIPE=1`` says so). At end of file the
child drains and ends, so that even a kill -9 of the supervisor leaves nobody behind; a start in the middle of that
waits for it (see ``leftovers``). Crashes are noticed because the kernel reports the exit, not by asking in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp
import structlog

from deploy.embedded import leftovers
from deploy.embedded.account import shared_root
from deploy.embedded.block import StartStop
from deploy.embedded.errors import StartFailedError
from deploy.embedded.logfile import trim
from deploy.embedded.process import OwnedProcess
from deploy.embedded.program import Backoff, Happening, Limits, Program, ProgramEvent

PARENT_PIPE = "YIZHAN_PARENT_PIPE"

_READY_INTERVAL = 0.1  # seconds between two looks at /readyz while a program starts
_READY_TIMEOUT = aiohttp.ClientTimeout(total=2)
_TRIM_INTERVAL = 60.0  # seconds between two looks at the size of the logs
_LEVELS = {Happening.CRASHED: "error", Happening.NOT_READY: "error", Happening.KILLED: "warning"}

_log = structlog.get_logger(__name__)


def log_event(event: ProgramEvent) -> None:
    """Say it in the structured log; the default listener."""
    fields = {name: value for name in ("pid", "status", "delay") if (value := getattr(event, name)) is not None}
    level = _LEVELS.get(event.happening, "info")
    getattr(_log, level)(f"program_{event.happening.value}", program=event.program, **fields)


@dataclass(kw_only=True)
class _Child:
    """A program and the process that runs it now."""

    program: Program
    backoff: Backoff
    log: Path
    process: OwnedProcess | None = None
    ready_since: float | None = None  # monotonic clock of the event loop
    keeper: asyncio.Task[None] | None = None


class Supervisor(StartStop):
    """Starts the programs together, restarts the ones that crash, stops them in reverse order."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        root: Path,
        listener: Callable[[ProgramEvent], None] = log_event,
        limits: Limits | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Logs go to ``root/log/<name>.log``. ``chance`` returns numbers in [0, 1) for the jitter of the back-off."""
        self._root = root.resolve()
        self._listener = listener
        self._limits = limits or Limits()
        self._children = [
            _Child(
                program=program,
                backoff=Backoff(self._limits, chance),
                log=self._root / "log" / f"{program.name}.log",
            )
            for program in programs
        ]
        self._stopping = asyncio.Event()
        self._resources = AsyncExitStack()
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Return when every program is ready.

        A program that ends or stays unready during this first start is not tried again: that is a wrong setting far
        more often than bad luck. All are stopped and StartFailedError quotes what it said last.
        """
        shared_root(self._root)
        await asyncio.gather(*(leftovers.end(self._root, child.program.name) for child in self._children))
        self._stopping.clear()
        try:
            self._http = await self._resources.enter_async_context(aiohttp.ClientSession(timeout=_READY_TIMEOUT))
            async with asyncio.TaskGroup() as group:
                for child in self._children:
                    group.create_task(self._launch(child), name=f"start {child.program.name}")
        except BaseExceptionGroup as errors:
            await self.stop()
            raise errors.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise
        for child in self._children:
            child.keeper = asyncio.create_task(self._keep(child), name=f"keep {child.program.name}")
        trimmer = asyncio.create_task(self._trim_logs(), name="trim logs")
        self._resources.push_async_callback(asyncio.wait, [trimmer])

    async def stop(self) -> None:
        """End all in reverse order: SIGTERM, time to drain, SIGKILL."""
        self._stopping.set()
        keepers = [child.keeper for child in self._children if child.keeper is not None]
        for keeper in keepers:
            keeper.cancel()  # nobody may be started again from here on
        if keepers:
            await asyncio.wait(keepers)
        for child in reversed(self._children):
            child.keeper = None
            await self._end(child)
        await self._resources.aclose()
        self._http = None

    async def _launch(self, child: _Child) -> None:
        """Start a program and wait until it is ready."""
        program = child.program
        child.ready_since = None
        env = {**os.environ, **program.env, PARENT_PIPE: "1", **leftovers.marker(self._root, program.name)}
        child.process = await OwnedProcess.start(
            program.name,
            program.argv,
            env=env,
            log=child.log,
            cwd=Path.cwd(),
            hold_stdin=True,
        )
        self._tell(child, Happening.STARTED)
        if program.ready_url is not None:
            deadline = self._limits.ready_deadline
            await child.process.until_ready(lambda: self._is_ready(child), deadline=deadline, interval=_READY_INTERVAL)
        child.ready_since = asyncio.get_running_loop().time()
        self._tell(child, Happening.READY)

    async def _keep(self, child: _Child) -> None:
        """Restart the program whenever it ends, until our task is cancelled."""
        while child.process is not None:
            self._tell(child, Happening.CRASHED, status=await child.process.wait())
            started = False
            while not started:
                healthy = 0.0 if child.ready_since is None else asyncio.get_running_loop().time() - child.ready_since
                delay = child.backoff.next(healthy)
                self._tell(child, Happening.RESTARTING, delay=delay)
                await asyncio.sleep(delay)
                started = await self._relaunch(child)

    async def _relaunch(self, child: _Child) -> bool:
        try:
            await self._launch(child)
        except StartFailedError:
            self._tell(child, Happening.NOT_READY)
            if child.process is not None:
                await child.process.stop((signal.SIGTERM, self._limits.grace))
            return False
        return True

    async def _end(self, child: _Child) -> None:
        if child.process is None or not child.process.running:
            return
        drained = await child.process.stop((signal.SIGTERM, self._limits.grace))
        self._tell(child, Happening.STOPPED if drained else Happening.KILLED, status=await child.process.wait())

    async def _is_ready(self, child: _Child) -> bool:
        if self._http is None or child.program.ready_url is None:
            return False
        try:
            async with self._http.get(child.program.ready_url) as response:
                return response.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _trim_logs(self) -> None:
        """Keep the logs from filling the disk, once a minute, until we stop."""
        while not self._stopping.is_set():
            for child in self._children:
                try:
                    await asyncio.to_thread(trim, child.log)
                except OSError as error:
                    _log.warning("log_trim_failed", program=child.program.name, error=error.strerror)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TRIM_INTERVAL):
                    await self._stopping.wait()

    def _tell(
        self, child: _Child, happening: Happening, *, status: int | None = None, delay: float | None = None
    ) -> None:
        pid = child.process.pid if child.process is not None else None
        self._listener(
            ProgramEvent(program=child.program.name, happening=happening, pid=pid, status=status, delay=delay),
        )
