"""A child process that is started, awaited until ready, and ended, in one place for servers and services alike."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from deploy.embedded.errors import StartFailedError
from deploy.embedded.logfile import open_log, telling_line

Probe = Callable[[], Awaitable[bool]]


class OwnedProcess:
    """One running child in a session of its own, so that Ctrl-C at our terminal does not reach it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        """Use ``start`` instead."""
        self.name = name
        self.log = log
        self._process = process
        self._log_start = log_start

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path,
        hold_stdin: bool = False,
    ) -> OwnedProcess:
        """Start ``argv`` with exactly ``env``; both outputs go to ``log``.

        ``hold_stdin``: the child's stdin is a pipe that only we hold, so that its end of file tells the child that we
        are gone, however we went.
        """
        descriptor = open_log(log)
        try:
            log_start = os.fstat(descriptor).st_size
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(env),
                cwd=cwd,
                stdin=asyncio.subprocess.PIPE if hold_stdin else asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailedError(name, f"{argv[0]}: {error.strerror}", log) from error
        finally:
            os.close(descriptor)
        return cls(name, process, log, log_start)

    @property
    def pid(self) -> int:
        """Process id; the commands used here replace their launchers, so it is the program's own."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended, as far as the event loop knows."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit status once the process has ended (negative: the signal that ended it)."""
        return await self._process.wait()

    async def until_ready(self, probe: Probe, *, deadline: float, interval: float) -> None:
        """Ask ``probe`` every ``interval`` seconds until it says yes.

        Raises StartFailedError as soon as the process ends, or after ``deadline`` seconds; the process is then still
        to be stopped by the caller.
        """
        ended = asyncio.create_task(self.wait(), name=f"{self.name} exit")
        try:
            async with asyncio.timeout(deadline):
                while not ended.done() and not await probe():
                    await asyncio.wait([ended], timeout=interval)
        except TimeoutError as error:
            reason = f"not ready within {deadline:g} s"
            raise StartFailedError(self.name, reason, self.log, self._said()) from error
        finally:
            ended.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ended
        if not self.running:
            status = self._process.returncode
            raise StartFailedError(self.name, f"exit status {status}", self.log, self._said(), status)

    async def complete(self, *, deadline: float) -> None:
        """Wait for a command that ends by itself; raise StartFailedError unless it succeeds within ``deadline`` seconds."""
        try:
            async with asyncio.timeout(deadline):
                status = await self.wait()
        except TimeoutError as error:
            reason = f"not done within {deadline:g} s"
            raise StartFailedError(self.name, reason, self.log, self._said()) from error
        if status != 0:
            raise StartFailedError(self.name, f"exit status {status}", self.log, self._said(), status)

    async def stop(self, *signals: tuple[signal.Signals, float]) -> bool:
        """Send each signal in turn, waiting its seconds for the end; kill at last. False when it came to that."""
        for number, grace in signals:
            if not self.running:
                return True
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._process.wait()
        if not self.running:
            return True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        return False

    def _said(self) -> str:
        return telling_line(self.log, self._log_start)


def plain_environment(**more: str) -> dict[str, str]:
    """Environment for the servers: none of our own variables (secrets, RABBITMQ_*, PG*) reach them by accident."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **more}
