"""Processes that a killed earlier run left behind.

Every process started here carries ``YIZHAN_EMBEDDED=<part>@<root>`` in its environment, which /proc shows to its owner
and to root whatever else has become of it. So a leftover is known without pid files, and a reused pid can never be
mistaken for one. Normally none survive (the kernel or the closed pipe ends them); this covers the moments between, and
a parent that died while its children were still shutting down. They are ended, never adopted: a fresh start has one
known parent, one known configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import structlog

from deploy.embedded.errors import EmbeddedError

MARKER = "YIZHAN_EMBEDDED"
SERVERS = ("rabbitmq", "postgres")
GRACE = 60.0  # seconds to end in good order
_KILL_GRACE = 10.0  # seconds for the kernel to clear away a killed process

_log = structlog.get_logger(__name__)


def marker(root: Path, part: str) -> dict[str, str]:
    """Environment entry that makes a process recognisable as ``part`` of the deployment in ``root``."""
    return {MARKER: f"{part}@{root}"}


def find(root: Path, part: str | None = None) -> dict[int, str]:
    """Pid → part of what runs for ``root``, ourselves and our own ancestors left out."""
    root = root.resolve()
    mine = _ancestry(os.getpid())
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid not in mine and (owner := _part_of(folder, root)) is not None and part in (None, owner):
            found[pid] = owner
    return found


async def end(root: Path, part: str, grace: float = GRACE) -> int:
    """End what is left of ``part``, in good order while ``grace`` seconds last; return how many there were.

    Only the tops of the process trees are signalled: they know best how to end their own helpers.
    """
    pids = find(root, part)
    if not pids:
        return 0
    _log.info("leftover_ending", part=part, pids=sorted(pids))
    polite = signal.SIGINT if part == "postgres" else signal.SIGTERM  # SIGINT is PostgreSQL's fast shutdown
    for number, seconds in ((polite, grace), (signal.SIGKILL, _KILL_GRACE)):
        for pid in pids:
            if number is signal.SIGKILL or _parent(pid) not in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        gone = await asyncio.gather(*(_gone(pid, seconds) for pid in pids))
        if all(gone):
            return len(pids)
    zh, en = f"上次运行留下的 {part} 停不下来：请手工结束", f"{part} of an earlier run does not end: stop it by hand"
    raise EmbeddedError("leftover.stays", zh, en, f"pid {min(pids)}")


async def end_all(root: Path, grace: float = GRACE) -> int:
    """End every leftover of ``root``: services first, so that they can still drain, then the servers."""
    services = sorted(set(find(root).values()) - set(SERVERS))
    counts = await asyncio.gather(*(end(root, name, grace) for name in services))
    return sum(counts) + sum([await end(root, name, grace) for name in SERVERS])


def _part_of(folder: Path, root: Path) -> str | None:
    with contextlib.suppress(OSError):  # other people's processes, and those that end while we look
        for entry in (folder / "environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == MARKER.encode():
                part, _, owner = os.fsdecode(value).partition("@")
                return part if owner == str(root) else None
        # PostgreSQL's backends write their titles over their environment, but they stay in the data folder.
        if (folder / "exe").readlink().name == "postgres" and (folder / "cwd").readlink() == root / "postgres/data":
            return "postgres"
    return None


def _status(pid: int) -> Mapping[str, str]:
    with contextlib.suppress(OSError):
        rows = (row.partition(":") for row in Path(f"/proc/{pid}/status").read_text().splitlines())
        return {name: value.strip() for name, _, value in rows}
    return {}


def _parent(pid: int) -> int:
    return int(_status(pid).get("PPid", "0"))


def _ancestry(pid: int) -> set[int]:
    line: set[int] = set()
    while pid > 0 and pid not in line:
        line.add(pid)
        pid = _parent(pid)
    return line


async def _gone(pid: int, seconds: float) -> bool:
    """Wait until the process has ended; the kernel tells through a pidfd (pidfd_open(2)), so there is no polling."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return True
