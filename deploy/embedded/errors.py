"""What can go wrong on one machine; every message is one line that names the way out."""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(Exception):
    """The root of this package's errors: show ``str(error)`` to the person at the terminal and stop."""


class AlreadyRunningError(EmbeddedError):
    """Another living process holds the var folder."""

    def __init__(self, var: Path, pid: int | None) -> None:
        """Keep the holder's pid (None when it could not be read) for whoever wants to signal it."""
        self.pid = pid
        who = f"pid {pid}" if pid is not None else "an unknown pid"
        super().__init__(f"{var} is in use by {who}: stop that one first, or set YIZHAN_VAR to another folder")


class PortTakenError(EmbeddedError):
    """A port that we need is in somebody else's hands."""

    def __init__(self, port: int, purpose: str, pid: int | None) -> None:
        """Keep the port and, where /proc tells it, the holder's pid."""
        self.port = port
        self.pid = pid
        who = f" by pid {pid}" if pid is not None else ""
        super().__init__(
            f"port {port} ({purpose}) is taken{who}: set YIZHAN_PORT_BASE to a free range (for example 18470)",
        )


class SettingError(EmbeddedError):
    """An environment variable holds something that cannot be used."""


class MissingSoftwareError(EmbeddedError):
    """A program of the operating system that we need is not installed."""

    def __init__(self, what: str, package: str) -> None:
        """Name the missing program and the distribution package that brings it."""
        super().__init__(f"{what} not found: run bin/setup, or install the package {package}")


class NoAccessError(EmbeddedError):
    """The server's operating system user cannot enter the var folder."""

    def __init__(self, root: Path, blocker: Path, user: str) -> None:
        """Name the folder that stands in the way, since it is often a parent such as /root."""
        self.blocker = blocker
        super().__init__(
            f"the user {user} cannot enter {blocker}, so {root} cannot hold its data: "
            "set YIZHAN_VAR=/var/lib/yizhan (or another folder that everyone may enter)",
        )


class StartFailedError(EmbeddedError):
    """A server or service ended, or did not become ready in time, while starting."""

    def __init__(self, name: str, reason: str, log: Path, hint: str = "") -> None:
        """Point to the log, and quote its last telling line when there is one."""
        self.name = name
        quote = f": {hint}" if hint else ""
        super().__init__(f"{name} did not start ({reason}){quote}; see {log}")
