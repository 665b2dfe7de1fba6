"""One run at a time per var folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.account import shared_root
from deploy.embedded.errors import AlreadyRunningError

_LONGEST_PID = 20


class VarLock:
    """Holds ``var/lock`` for as long as this process lives.

    flock belongs to the open file, so the kernel lets go of it however the process ends: a stale pid in the file is
    only text and never blocks anybody. The descriptor is close-on-exec, so no child keeps the lock alive. The holder
    deletes the file, and a folder that it made and that stayed empty; whoever locks a file that was deleted meanwhile
    tries again, so that two never hold two files of the same name.
    """

    def __init__(self, var: Path) -> None:
        """Remember the folder; nothing is opened yet."""
        self._var = var
        self._path = var / "lock"
        self._descriptor: int | None = None
        self._made_folder = False

    def acquire(self) -> None:
        """Take the lock, or raise AlreadyRunningError with the pid of the one that has it."""
        self._made_folder = not self._var.is_dir()
        shared_root(self._var)
        while (descriptor := self._try()) is None:
            pass
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def _try(self) -> int | None:
        """Return the locked file, or None where its former holder deleted it in the middle."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                return descriptor
        except BlockingIOError as error:
            text = os.pread(descriptor, _LONGEST_PID, 0).strip()
            os.close(descriptor)
            raise AlreadyRunningError(self._var, int(text) if text.isdigit() else None) from error
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Let go; harmless when the lock is not held."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            if self._made_folder:
                with contextlib.suppress(OSError):  # not empty: a network was made
                    self._var.rmdir()
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
