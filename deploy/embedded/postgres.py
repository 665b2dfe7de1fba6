"""A private PostgreSQL cluster under the var folder.

Life: ``start`` ends leftovers, makes the cluster when there is none, and returns once it takes connections; ``stop`` is
PostgreSQL's fast shutdown. A kill -9 of the parent makes the kernel send that same shutdown (see ``Account.launcher``);
a start in the middle of it waits for its end.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from deploy.embedded import leftovers
from deploy.embedded.account import Account, shared_root
from deploy.embedded.block import StartStop
from deploy.embedded.errors import EmbeddedError, MissingSoftwareError
from deploy.embedded.ports import LOOPBACK, require_free
from deploy.embedded.process import OwnedProcess, plain_environment
from deploy.embedded.secret import read_or_create, write_private

SUPERUSER = "postgres"
PACKAGED = Path("/usr/lib/postgresql")  # <major>/bin, as Debian and Ubuntu lay it out

_START_DEADLINE = 180.0  # seconds; replay after a crash may be long
_INITDB_DEADLINE = 120.0
_STOP_GRACE = 60.0  # seconds for a fast shutdown, with its checkpoint
_QUIT_GRACE = 10.0  # seconds for an immediate one, which the next start repairs from the WAL
_STATUS_LINE = 7  # of postmaster.pid, counted from 0 (LOCK_FILE_LINE_PM_STATUS is 8)

# Safety is on the command line, where no file and no ALTER SYSTEM overrides it; comfort is in postgresql.conf.
_FIXED = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket path is limited to 107 bytes, and loopback TCP serves as well
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
_CONF = """\
# Written at every start; put your own settings into local.conf beside this file.
max_connections = 100
shared_buffers = 256MB
effective_cache_size = 1GB
maintenance_work_mem = 128MB
random_page_cost = 1.1
wal_compression = lz4
default_toast_compression = lz4
max_wal_size = 1GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
lc_messages = 'C.UTF-8'
# Report text must not reach the log: no failing statement, no "Key (...) already exists", no failing row.
log_min_error_statement = panic
log_error_verbosity = terse
include_if_exists = 'local.conf'
"""
_HBA = f"# Written at every start: loopback TCP with a password, and nothing else.\nhost all all {LOOPBACK}/32 scram-sha-256\n"


class PrivatePostgres(StartStop):
    """One PostgreSQL cluster, owned by whoever holds this object; an async context manager."""

    name = "PostgreSQL"

    def __init__(self, root: Path, port: int) -> None:
        """``root`` is the var folder; the cluster is in ``root/postgres/data``. Nothing is touched before ``start``."""
        self._root = root.resolve()
        self._port = port
        self._home = self._root / "postgres"
        self._data = self._home / "data"
        self._secret = self._root / "secrets" / "postgres-superuser"
        self._log = self._root / "log" / "postgres.log"
        self._account = Account.choose("postgres")
        self._process: OwnedProcess | None = None

    @property
    def url(self) -> str:
        """URL of the superuser and the database ``postgres``; known after the first start."""
        if not self._secret.exists():
            raise EmbeddedError(
                "postgres.new", "PostgreSQL 从未启动过", "PostgreSQL was never started", str(self._root)
            )
        return f"postgresql://{SUPERUSER}:{read_or_create(self._secret)}@{LOOPBACK}:{self._port}/postgres"

    async def start(self) -> None:
        """Return when the cluster accepts connections; raise EmbeddedError when it cannot."""
        shared_root(self._root)
        await self._account.require_entry(self._root)
        await leftovers.end(self._root, "postgres")
        require_free(self._port, "postgres")
        self._account.folder(self._home)
        if not self._data.exists():
            await self._initialise(_newest_binaries())
        elif not self._secret.exists():
            raise EmbeddedError(
                "postgres.no_secret",
                f"缺少 {self._secret}：请恢复，或移走 {self._data} 重新开始",
                f"{self._secret} is missing: restore it, or move {self._data} away to begin anew",
            )
        binaries = _binaries_for(self._data)
        self._configure(self._data)
        options = [f"--{name}={value}" for name, value in {**_FIXED, "port": str(self._port)}.items()]
        argv = [*self._account.launcher("INT"), str(binaries / "postgres"), "-D", str(self._data), *options]
        process = self._process = await self._run("postgres", argv, cwd=self._data)
        try:
            await process.until_ready(self._accepts, deadline=_START_DEADLINE, interval=0.02)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is kept."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop((signal.SIGINT, _STOP_GRACE), (signal.SIGQUIT, _QUIT_GRACE))

    async def wait(self) -> int:
        """Return the exit status once the server has ended by itself, for whoever wants to start it again."""
        if self._process is None:
            raise EmbeddedError("postgres.stopped", "PostgreSQL 未在运行", "PostgreSQL is not running")
        return await self._process.wait()

    async def _initialise(self, binaries: Path) -> None:
        """Make the cluster beside its place and rename it: ``data`` exists whole or not at all, however we are killed."""
        unfinished = self._home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = self._home / "initdb-password"  # a copy that the server's user can read, for as long as initdb runs
        write_private(password, read_or_create(self._secret) + "\n")
        self._account.own(password, 0o600)
        argv = [
            *self._account.launcher("TERM"),
            str(binaries / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]
        process = await self._run("initdb", argv, cwd=self._home)
        try:
            await process.complete(deadline=_INITDB_DEADLINE)
        finally:
            await process.stop((signal.SIGTERM, _QUIT_GRACE))
            password.unlink(missing_ok=True)
        unfinished.rename(self._data)
        descriptor = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)  # the rename itself must survive a power cut
        os.close(descriptor)

    def _configure(self, data: Path) -> None:
        for name, text in (("postgresql.conf", _CONF), ("pg_hba.conf", _HBA)):
            write_private(data / name, text)
            self._account.own(data / name, 0o600)

    async def _run(self, name: str, argv: list[str], *, cwd: Path) -> OwnedProcess:
        env = plain_environment(HOME=str(self._home), **leftovers.marker(self._root, "postgres"))
        return await OwnedProcess.start(name, argv, env=env, log=self._log, cwd=cwd)

    async def _accepts(self) -> bool:
        """Whether our server says so in postmaster.pid, as pg_ctl reads it."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        mine = self._process is not None and lines[:1] == [str(self._process.pid)]
        return mine and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def _newest_binaries() -> Path:
    """Newest packaged server, else whatever ``initdb`` on the PATH belongs to."""
    majors = sorted((int(path.name) for path in PACKAGED.glob("[0-9]*") if path.name.isdecimal()), reverse=True)
    for major in majors:
        folder = PACKAGED / str(major) / "bin"
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise MissingSoftwareError("PostgreSQL (initdb)", "postgresql")
    return Path(found).resolve().parent


def _binaries_for(data: Path) -> Path:
    """Return the server that made ``data``: after an upgrade of the system the newest one is another, and refuses it."""
    major = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    packaged = PACKAGED / major / "bin"
    if (packaged / "postgres").exists():
        return packaged
    newest = _newest_binaries()
    if newest.is_relative_to(PACKAGED):
        raise EmbeddedError(
            "postgres.version",
            f"{data} 由 PostgreSQL {major} 建立：安装软件包 postgresql-{major}，或用 pg_upgrade 升级",
            f"{data} was made by PostgreSQL {major}: install the package postgresql-{major}, or pg_upgrade it",
        )
    return newest
