"""What can go wrong on one machine; every message is one line, in both languages, that names the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SETTINGS_STATUS: Final = 78  # sysexits' EX_CONFIG: how a service ends whose settings are wrong
SHARED_VAR: Final = Path("/var/lib/yizhan")
"""Where data can lie that other users' servers must reach."""


class EmbeddedError(Exception):
    """The root of this package's errors; ``code`` is stable, ``zh`` and ``en`` are for people, ``detail`` says which."""

    def __init__(self, code: str, zh: str, en: str, detail: str = "", *, settings: bool = False) -> None:
        """``settings``: what somebody set is wrong, so that starting again will not help."""
        super().__init__(f"{zh} / {en} [{code}] {detail}".strip())
        self.code = code
        self.zh = zh
        self.en = en
        self.detail = detail
        self.settings = settings


class AlreadyRunningError(EmbeddedError):
    """Another living process holds the var folder."""

    def __init__(self, var: Path, pid: int | None) -> None:
        """Keep the holder's pid (None when it could not be read) for whoever wants to signal it."""
        self.pid = pid
        who = f"pid {pid}" if pid is not None else "?"
        super().__init__(
            "var.in_use",
            f"{var} 正被进程 {who} 使用：先停止它，或用 YIZHAN_VAR 另指文件夹",
            f"{var} is in use by {who}: stop that one first, or set YIZHAN_VAR to another folder",
        )


class PortTakenError(EmbeddedError):
    """A port that we need is in somebody else's hands."""

    def __init__(self, port: int, purpose: str, pid: int | None) -> None:
        """Keep the port and, where /proc tells it, the holder's pid."""
        self.port = port
        self.pid = pid
        zh, en = (f"被进程 pid {pid} ", f" by pid {pid}") if pid is not None else ("", "")
        super().__init__(
            "port.taken",
            f"端口 {port}（{purpose}）已{zh}占用：用 YIZHAN_PORT_BASE 另选一段，如 18470",
            f"port {port} ({purpose}) is taken{en}: set YIZHAN_PORT_BASE to a free range (for example 18470)",
        )


class SettingError(EmbeddedError):
    """An environment variable holds something that cannot be used."""

    def __init__(self, code: str, zh: str, en: str, detail: str = "") -> None:
        """Say which variable, and what it should be."""
        super().__init__(code, zh, en, detail, settings=True)


class MissingSoftwareError(EmbeddedError):
    """A program of the operating system that we need is not installed."""

    def __init__(self, what: str, package: str) -> None:
        """Name the missing program and the distribution package that brings it."""
        super().__init__(
            "software.missing",
            f"没有找到 {what}：运行 bin/setup，或安装软件包 {package}",
            f"{what} not found: run bin/setup, or install the package {package}",
        )


class NoAccessError(EmbeddedError):
    """The server's operating system user cannot enter the var folder."""

    def __init__(self, root: Path, blocker: Path, user: str) -> None:
        """Name the folder that stands in the way, since it is often a parent such as /root."""
        self.blocker = blocker
        super().__init__(
            "var.no_entry",
            f"用户 {user} 进不了 {blocker}，{root} 不能存放其数据：设 YIZHAN_VAR={SHARED_VAR}（或另一个人人可进的文件夹）",
            f"the user {user} cannot enter {blocker}, so {root} cannot hold its data: "
            f"set YIZHAN_VAR={SHARED_VAR} (or another folder that everyone may enter)",
        )


class WrongOwnerError(EmbeddedError):
    """The network in the var folder is another user's, and would be taken from them."""

    def __init__(self, path: Path, owner: str, ours: str) -> None:
        """Name what belongs to whom; ``ours`` is the user that it would have to belong to."""
        self.owner = owner
        super().__init__(
            "var.owner",
            f"此网络属于用户 {owner}：请以该用户运行，或用 YIZHAN_VAR 另指文件夹",
            f"this network belongs to {owner}: run as {owner}, or set YIZHAN_VAR to another folder",
            f"{path}: {owner}, not {ours}",
        )


class UnusableFolderError(EmbeddedError):
    """What YIZHAN_VAR names cannot be a data folder."""

    def __init__(self, path: Path, zh: str, en: str, code: str) -> None:
        """Say what is wrong with ``path``."""
        super().__init__(
            f"var.{code}", f"{path} {zh}：用 YIZHAN_VAR 另指文件夹", f"{path} {en}: set YIZHAN_VAR to another"
        )


class StartFailedError(EmbeddedError):
    """A server or service ended, or did not become ready in time, while starting."""

    def __init__(self, name: str, reason: str, log: Path, hint: str = "", status: int | None = None) -> None:
        """Point to the log, and quote its last telling line when there is one; ``status`` is the exit status."""
        self.name = name
        quote = f"{hint}; " if hint else ""
        super().__init__(
            "start.failed",
            f"{name} 未能启动（{reason}）",
            f"{name} did not start ({reason})",
            f"{quote}日志 / see {log}",
            settings=status == SETTINGS_STATUS,
        )
