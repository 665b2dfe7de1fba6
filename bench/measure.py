"""Small tools of the benchmarks: percentiles, memory, children, waiting."""

import asyncio
import contextlib
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path


def percentile(values: Sequence[float], part: float) -> float:
    """Return a percentile by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process in MB; 0 where it is gone."""
    return _memory(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """Return the most resident memory that a process ever had, in MB; 0 where it is gone."""
    return _memory(pid, "VmHWM:")


def _memory(pid: int, field: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def machine() -> str:
    """Name the machine and the versions that matter."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {platform.system()} {platform.release()}"


@asynccontextmanager
async def child(*argv: str, env: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python module as a child process for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *argv,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until(look: Callable[[], Awaitable[bool]], every: float = 0.01, seconds: float = 600) -> None:
    """Wait until ``look`` says yes."""
    async with asyncio.timeout(seconds):
        while not await look():  # noqa: ASYNC110 - from outside there is no event to wait for
            await asyncio.sleep(every)
