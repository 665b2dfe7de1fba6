"""One run at a time per var folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.errors import AlreadyRunningError

_LONGEST_PID = 20


class VarLock:
    """Holds ``var/lock`` for as long as this process lives.

    flock belongs to the open file, so the kernel lets go of it however the process ends: a stale pid in the file is
    only text and never blocks anybody. The descriptor is close-on-exec, so no child keeps the lock alive. The file is
    never deleted: deleting would let two processes lock two different files of the same name.
    """

    def __init__(self, var: Path) -> None:
        """Remember the folder; nothing is opened yet."""
        self._var = var
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise AlreadyRunningError with the pid of the one that has it."""
        self._var.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._var / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            text = os.pread(descriptor, _LONGEST_PID, 0).strip()
            os.close(descriptor)
            raise AlreadyRunningError(self._var, int(text) if text.isdigit() else None) from error
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; harmless when the lock is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        """Acquire."""
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release."""
        self.release()
