"""Which program listens where: one base number decides all of them."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.embedded.errors import PortTakenError, SettingError

DEFAULT_BASE = 8470
LOOPBACK = "127.0.0.1"

#: What each port is for, as an offset from the base. The gaps are room for later services.
OFFSETS: Mapping[str, int] = {
    "gateway": 0,
    "router": 1,
    "scoring": 2,
    "archive": 3,
    "amqp": 10,
    "management": 11,
    "dist": 12,
    "epmd": 13,
    "postgres": 20,
}

_FIRST_UNPRIVILEGED = 1024
_LAST_PORT = 65535
_LISTEN = "0A"  # the state column of /proc/net/tcp, see proc_pid_net(5)


@dataclass(frozen=True)
class Ports:
    """The ports of one deployment on one machine."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        """Refuse a base from which some port would fall outside what an ordinary user may bind."""
        last = _LAST_PORT - max(OFFSETS.values())
        if not _FIRST_UNPRIVILEGED <= self.base <= last:
            raise SettingError(
                "port_base.range",
                f"YIZHAN_PORT_BASE 须在 {_FIRST_UNPRIVILEGED} 至 {last} 之间",
                f"YIZHAN_PORT_BASE must lie between {_FIRST_UNPRIVILEGED} and {last}",
                str(self.base)[:20],
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read ``YIZHAN_PORT_BASE``; unset or empty means the default."""
        text = environ.get("YIZHAN_PORT_BASE", "").strip()
        if not text:
            return cls()
        if not (text.isascii() and text.isdecimal()):
            raise SettingError(
                "port_base.number",
                f"YIZHAN_PORT_BASE 须为数字，如 {DEFAULT_BASE}",
                f"YIZHAN_PORT_BASE must be a number such as {DEFAULT_BASE}",
                f"{text[:20]!r}",
            )
        return cls(int(text[:20]))  # as much as is wrong anyway

    @property
    def gateway(self) -> int:
        """HTTP of the gateway: the console and the API."""
        return self.of("gateway")

    @property
    def router(self) -> int:
        """HTTP of the router: health and metrics."""
        return self.of("router")

    @property
    def scoring(self) -> int:
        """HTTP of the scoring service."""
        return self.of("scoring")

    @property
    def archive(self) -> int:
        """HTTP of the archive: search and the public channel."""
        return self.of("archive")

    @property
    def amqp(self) -> int:
        """AMQP 0-9-1 of the private RabbitMQ."""
        return self.of("amqp")

    @property
    def management(self) -> int:
        """HTTP API of the private RabbitMQ."""
        return self.of("management")

    @property
    def dist(self) -> int:
        """Erlang distribution of the private RabbitMQ."""
        return self.of("dist")

    @property
    def epmd(self) -> int:
        """The private RabbitMQ's own Erlang port mapper."""
        return self.of("epmd")

    @property
    def postgres(self) -> int:
        """The private PostgreSQL."""
        return self.of("postgres")

    def of(self, purpose: str) -> int:
        """Port of ``purpose``, one of OFFSETS."""
        return self.base + OFFSETS[purpose]

    def check_free(self, purposes: Iterable[str] = tuple(OFFSETS)) -> None:
        """Raise PortTakenError for the first port somebody listens on.

        Leftovers of a killed run hold ports too: call ``leftovers.end_all`` first. The two private servers check
        their own ports again when they start.
        """
        for purpose in purposes:
            require_free(self.of(purpose), purpose)


def require_free(port: int, purpose: str) -> None:
    """Raise PortTakenError when nobody could bind 127.0.0.1:``port`` now.

    SO_REUSEADDR makes this the question a server asks: old connections in TIME_WAIT do not count, a listener does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(port, purpose, holder(port)) from error
            raise SettingError(
                "port.unusable",
                f"端口 {port}（{purpose}）不能使用：用 YIZHAN_PORT_BASE 另选一段",
                f"port {port} ({purpose}) cannot be used: set YIZHAN_PORT_BASE to another range",
                str(error.strerror),
            ) from error


def holder(port: int) -> int | None:
    """Pid of the process that listens on ``port``, or None when /proc does not show it to us."""
    links = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not links:
        return None
    for folder in Path("/proc").glob("[0-9]*/fd"):
        # Other people's processes may not be looked into, and any process may end while we look.
        with contextlib.suppress(OSError):
            for entry in folder.iterdir():
                if str(entry.readlink()) in links:
                    return int(folder.parent.name)
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for row in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
