"""The operating system user a private server runs as.

PostgreSQL refuses to run as root, and RabbitMQ has no need to. As root we therefore step down to the users that the
distribution's packages made; as anybody else the servers run as that person.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.embedded.errors import MissingSoftwareError, NoAccessError


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs the server; ``name`` is None when that is simply ourselves."""

    name: str | None
    uid: int
    gid: int

    @classmethod
    def choose(cls, name: str) -> Self:
        """User ``name`` when we are root and it exists, else ourselves."""
        if os.geteuid() == 0:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                pass
            else:
                return cls(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
        return cls(name=None, uid=os.geteuid(), gid=os.getegid())

    def launcher(self, parent_death_signal: str | None = None) -> list[str]:
        """Words to put before a command: they step down to this user and tie the process to our life.

        ``parent_death_signal`` ("INT", "TERM"): the kernel sends it when the thread that started the process is gone,
        kill -9 included (prctl PR_SET_PDEATHSIG). setpriv(1) does both after the fork and then becomes the command, so
        no Python code runs between fork and exec, and it works the same under uvloop, which knows no ``user=``.
        """
        setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
        if setpriv is None:
            raise MissingSoftwareError("setpriv", "util-linux")
        words = [setpriv]
        if self.name is not None:
            words += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--inh-caps=-all"]
        if parent_death_signal is not None:
            words += ["--pdeathsig", parent_death_signal]
        return words if len(words) > 1 else []

    def own(self, path: Path, mode: int) -> None:
        """Give ``path`` to this user with ``mode``."""
        if self.name is not None:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def folder(self, path: Path) -> Path:
        """Make ``path`` a folder that only this user can enter."""
        path.mkdir(parents=True, exist_ok=True)
        self.own(path, 0o700)
        return path

    async def require_entry(self, root: Path) -> None:
        """Raise NoAccessError when this user could not enter ``root``, which need not be there yet.

        The kernel is asked, in that user's name, rather than the mode bits read: it also knows of access lists.
        """
        if self.name is None:
            return
        nearest = nearest_folder(root)
        argv = [*self.launcher(), "/usr/bin/test", "-x", str(nearest)]
        process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL)
        if await process.wait() != 0:
            raise NoAccessError(root, self.blocker(nearest) or nearest, self.name)

    def blocker(self, root: Path) -> Path | None:
        """Topmost folder on the way to ``root`` whose mode keeps this user out; None where no mode does."""
        if self.name is None:
            return None
        for folder in [*reversed(root.parents), root]:
            status = folder.stat()
            bit = stat.S_IXOTH
            if status.st_uid == self.uid:
                bit = stat.S_IXUSR
            elif status.st_gid == self.gid:
                bit = stat.S_IXGRP
            if not status.st_mode & bit:
                return folder
        return None


def nearest_folder(path: Path) -> Path:
    """Return ``path`` itself where it exists, else the closest of its parents that does."""
    path = path.resolve()
    return next(each for each in (path, *path.parents) if each.exists())


def shared_root(root: Path) -> Path:
    """Make the var folder when missing, so that servers under another user may pass through it, whatever the umask.

    An existing folder is left as its owner set it. What is secret in it is closed by its own mode.
    """
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    return root.resolve()
