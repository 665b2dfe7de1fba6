"""A private RabbitMQ node under the var folder, with a port mapper (epmd) of its own.

Life: ``start`` ends leftovers, writes the configuration anew, and returns once the node takes AMQP connections;
``stop`` ends node and port mapper. A kill -9 of the parent makes the kernel send both SIGTERM (see
``Account.launcher``), which the node takes as an orderly stop; a start in the middle of it waits for its end.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import shutil
import signal
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import aiohttp

from deploy.embedded import leftovers, rabbitmq_config
from deploy.embedded.account import Account, shared_root
from deploy.embedded.block import StartStop
from deploy.embedded.errors import EmbeddedError, MissingSoftwareError, StartFailedError
from deploy.embedded.ports import LOOPBACK, require_free
from deploy.embedded.process import OwnedProcess, Probe, plain_environment
from deploy.embedded.rabbitmq_config import ADMIN, PLUGINS, VHOST, RabbitFolders, RabbitPorts
from deploy.embedded.secret import read_or_create, write_private

# The plain scripts. The ones in /usr/sbin are wrappers that change the user and the environment on their own.
_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")

_START_DEADLINE = 120.0  # seconds; a slow machine, a long log to replay
_EPMD_DEADLINE = 10.0
_STOP_GRACE = 60.0
_DETACH_GRACE = 2.0
_TOOLS = "/usr/local/bin:/usr/bin:/bin"
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=5)


class PrivateRabbit(StartStop):
    """One RabbitMQ node, owned by whoever holds this object; an async context manager."""

    name = "RabbitMQ"

    def __init__(self, root: Path, port: int, management_port: int, dist_port: int, epmd_port: int) -> None:
        """``root`` is the var folder; the node is in ``root/rabbitmq``. Nothing is touched before ``start``."""
        self._root = root.resolve()
        self._ports = RabbitPorts(amqp=port, management=management_port, dist=dist_port, epmd=epmd_port)
        self._folders = RabbitFolders(home=self._root / "rabbitmq")
        self._secret = self._root / "secrets" / "rabbitmq-admin"
        self._log = self._root / "log" / "rabbitmq.log"  # what the start scripts say; the node's own log is beside it
        self._account = Account.choose("rabbitmq")
        self._epmd: OwnedProcess | None = None
        self._node: OwnedProcess | None = None

    @property
    def admin_password(self) -> str:
        """Password of ``yizhan-admin``; known after the first start."""
        if not self._secret.exists():
            raise EmbeddedError("rabbitmq.new", "RabbitMQ 从未启动过", "RabbitMQ was never started", str(self._root))
        return read_or_create(self._secret)

    @property
    def admin_url(self) -> str:
        """Base URL of the management HTTP API, credentials included."""
        return f"http://{ADMIN}:{quote(self.admin_password, safe='')}@{LOOPBACK}:{self._ports.management}"

    def amqp_url(self, user: str, password: str, vhost: str = VHOST) -> str:
        """URL for an AMQP client."""
        login, secret, place = (quote(text, safe="") for text in (user, password, vhost))
        return f"amqp://{login}:{secret}@{LOOPBACK}:{self._ports.amqp}/{place}"

    async def start(self) -> None:
        """Return when the node takes connections; raise EmbeddedError when it cannot."""
        shared_root(self._root)
        await self._account.require_entry(self._root)
        await leftovers.end(self._root, "rabbitmq")
        for purpose, port in vars(self._ports).items():
            require_free(port, purpose)
        script, epmd = _server_script(), _epmd_program()
        node = self._prepare()
        env = rabbitmq_config.environment(node, self._ports, self._folders)
        try:
            # In the foreground and as our child, so that it ends with us; Erlang's own start of it would leave a daemon.
            arguments = [str(epmd), "-address", LOOPBACK, "-port", str(self._ports.epmd)]
            self._epmd = await self._run("epmd", arguments, plain_environment())
            await self._epmd.until_ready(self._epmd_listens, deadline=_EPMD_DEADLINE, interval=0.01)
            self._node = await self._run("rabbitmq", [str(script)], env)
            async with aiohttp.ClientSession(timeout=_REQUEST_TIMEOUT) as session:
                await self._node.until_ready(self._serves(session), deadline=_START_DEADLINE, interval=0.1)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the node in good order, then its port mapper."""
        if self._node is not None and self._node.running:
            await self._detach_statistics()
        for process in (self._node, self._epmd):
            if process is not None:
                await process.stop((signal.SIGTERM, _STOP_GRACE))
        self._node = self._epmd = None

    async def wait(self) -> int:
        """Return the exit status once the node has ended by itself, for whoever wants to start it again."""
        if self._node is None:
            raise EmbeddedError("rabbitmq.stopped", "RabbitMQ 未在运行", "RabbitMQ is not running")
        return await self._node.wait()

    async def _detach_statistics(self) -> None:
        """Spare the stop five seconds.

        While the node stops, the management plugin's event handler (rabbit_mgmt_db_handler:terminate/2) calls the very
        process that waits for it, and only a timeout ends that. Taken out beforehand it ends at once. Best effort: when
        this does not work, in some other version, the stop is merely slower.
        """
        erl_call = shutil.which("erl_call", path=_TOOLS)
        if erl_call is None:
            return
        name = (self._folders.home / "nodename").read_text(encoding="ascii")
        call = "gen_event delete_handler [rabbit_event,rabbit_mgmt_db_handler,[]]"
        env = rabbitmq_config.environment(name, self._ports, self._folders)
        process = await self._run("erl_call", [erl_call, "-sname", name, "-a", call], env)
        with contextlib.suppress(StartFailedError):
            await process.complete(deadline=_DETACH_GRACE)
        await process.stop()

    def _prepare(self) -> str:
        """Write folders, cookie, configuration; return the node's name.

        The name is in every file of the node's database, so it is kept beside it: it would otherwise change, and the
        data with it seem lost, when the var folder is moved.
        """
        folders, account = self._folders, self._account
        for folder in (folders.home, folders.conf, folders.data, folders.log):
            account.folder(folder)
        password = read_or_create(self._secret)
        texts = {
            "rabbitmq.conf": rabbitmq_config.settings(self._ports, folders),
            "definitions.json": rabbitmq_config.definitions(password),
            "enabled_plugins": PLUGINS,
        }
        for name, text in texts.items():
            write_private(folders.conf / name, text)
            account.own(folders.conf / name, 0o600)
        for name, text in ((".erlang.cookie", secrets.token_hex(32)), ("nodename", _node_name(self._root))):
            if not (folders.home / name).exists():
                write_private(folders.home / name, text)
                account.own(folders.home / name, 0o400)
        return (folders.home / "nodename").read_text(encoding="ascii")

    async def _run(self, name: str, command: list[str], env: dict[str, str]) -> OwnedProcess:
        argv = [*self._account.launcher("TERM"), *command]
        env = {**env, **leftovers.marker(self._root, "rabbitmq")}
        return await OwnedProcess.start(name, argv, env=env, log=self._log, cwd=self._folders.home)

    async def _epmd_listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self._ports.epmd)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def _serves(self, session: aiohttp.ClientSession) -> Probe:
        """Ask the node itself whether its AMQP listener and its vhosts are up.

        This is quicker than ``rabbitmqctl await_startup``, which starts an Erlang VM of its own, proves the admin's
        password on the way, and leaves no half-open AMQP connection in the log.
        """
        base = f"http://{LOOPBACK}:{self._ports.management}/api/health/checks"
        login = base64.b64encode(f"{ADMIN}:{self.admin_password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}

        async def probe() -> bool:
            try:
                for check in (f"port-listener/{self._ports.amqp}", "virtual-hosts"):
                    async with session.get(f"{base}/{check}", headers=headers) as response:
                        if response.status != HTTPStatus.OK:
                            return False
            except (aiohttp.ClientError, TimeoutError):
                return False
            return True

        return probe


def _node_name(root: Path) -> str:
    return f"yizhan-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}@localhost"


def _server_script() -> Path:
    for pattern in _SCRIPTS:
        found = sorted(Path("/").glob(pattern.lstrip("/")))
        if found:
            return found[-1]
    raise MissingSoftwareError("RabbitMQ (rabbitmq-server)", "rabbitmq-server")


def _epmd_program() -> Path:
    found = shutil.which("epmd", path=_TOOLS)
    if found is None:
        raise MissingSoftwareError("the Erlang port mapper (epmd)", "erlang-base")
    return Path(found)
