"""What the supervisor runs, what it says about it, and how patient it is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Program:
    """One service to be kept running."""

    name: str  # also the name of its log file
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  # added to the supervisor's own environment
    ready_url: str | None = None  # answers 200 once the service is ready; None: ready as soon as it runs


class Happening(enum.Enum):
    """What can happen to a program."""

    STARTED = "started"  # the process runs
    READY = "ready"  # it answered /readyz with 200
    CRASHED = "crashed"  # it ended though nobody asked it to
    RESTARTING = "restarting"  # it will be started again after ``delay``
    NOT_READY = "not_ready"  # a restart ended or did not become ready in time
    STOPPED = "stopped"  # it ended by itself when asked
    KILLED = "killed"  # it did not, within the grace


@dataclass(frozen=True, kw_only=True)
class ProgramEvent:
    """One happening, for the terminal or the log."""

    program: str
    happening: Happening
    pid: int | None = None
    status: int | None = None  # exit status; negative: the signal that ended it
    delay: float | None = None  # seconds until the restart


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The supervisor's patience, in seconds."""

    ready_deadline: float = 60.0  # from start to ready
    grace: float = 30.0  # from SIGTERM to SIGKILL: time to drain
    first_delay: float = 0.5  # before the first restart; doubles each time
    longest_delay: float = 30.0
    healthy_after: float = 60.0  # ready for so long: the next crash counts as the first again


class Backoff:
    """Exponential back-off with jitter, so that services that fell together do not rise together."""

    def __init__(self, limits: Limits, chance: Callable[[], float]) -> None:
        """``chance`` returns numbers in [0, 1)."""
        self._limits = limits
        self._chance = chance
        self._failures = 0

    def next(self, healthy: float) -> float:
        """Return the seconds to wait now, the program having been ready for ``healthy`` seconds before it fell.

        The delay lies between half and the whole of the doubled step.
        """
        if healthy >= self._limits.healthy_after:
            self._failures = 0
        step = min(self._limits.longest_delay, self._limits.first_delay * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return step * (0.5 + self._chance() / 2)
