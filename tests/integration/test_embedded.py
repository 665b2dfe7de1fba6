"""The private servers, the supervisor, the lock and the ports, against the real programs."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import aiohttp
import asyncpg
import pytest

from deploy.embedded import leftovers, ports
from deploy.embedded.errors import AlreadyRunningError, NoAccessError, PortTakenError, SettingError, StartFailedError
from deploy.embedded.lock import VarLock
from deploy.embedded.logfile import trim
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.program import Backoff, Happening, Limits, Program, ProgramEvent
from deploy.embedded.rabbitmq import PrivateRabbit
from deploy.embedded.rabbitmq_config import ADMIN
from deploy.embedded.supervisor import Supervisor

PROJECT = Path(__file__).parents[2]
DEADLINE = 60

BOTH_SERVERS = """
import asyncio, sys
from pathlib import Path
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit

async def main():
    var, ports = Path(sys.argv[1]), Ports(int(sys.argv[2]))
    rabbit = PrivateRabbit(var, ports.amqp, ports.management, ports.dist, ports.epmd)
    async with PrivatePostgres(var, ports.postgres), rabbit:
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

# A service in miniature: /readyz, a slow drain on SIGTERM or at the end of stdin, and a mark when the drain is done.
SERVICE = """
import asyncio, os, signal, sys
from aiohttp import web

async def main():
    port, marks = int(sys.argv[1]), sys.argv[2]
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    if "stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, ending.set)
    assert os.environ["YIZHAN_PARENT_PIPE"] == "1"
    loop.add_reader(0, lambda: os.read(0, 1) or (loop.remove_reader(0), ending.set()))
    app = web.Application()
    app.router.add_get("/readyz", lambda request: asyncio.sleep(0, web.Response()))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await ending.wait()
    await asyncio.sleep(0.2)
    with open(marks, "a") as file:
        file.write(f"{port} drained\\n")
    await runner.cleanup()

asyncio.run(main())
"""

SUPERVISED = """
import asyncio, sys
from pathlib import Path
from deploy.embedded.program import Program
from deploy.embedded.supervisor import Supervisor

async def main():
    port = sys.argv[2]
    program = Program(name="small", argv=sys.argv[3:], ready_url=f"http://127.0.0.1:{port}/readyz")
    async with Supervisor([program], root=Path(sys.argv[1]), listener=lambda event: None):
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder that the servers' own users may enter; pytest's tmp_path is closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="yizhan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def free() -> Ports:
    """Ports nobody uses."""
    while True:
        candidate = Ports(21000 + secrets.randbelow(950))
        try:
            candidate.check_free()
        except PortTakenError:
            continue
        return candidate


@pytest.fixture
async def postgres(var: Path, free: Ports) -> AsyncIterator[PrivatePostgres]:
    server = PrivatePostgres(var, free.postgres)
    yield server
    await server.stop()


@pytest.fixture
async def rabbit(var: Path, free: Ports) -> AsyncIterator[PrivateRabbit]:
    server = rabbit_in(var, free)
    yield server
    await server.stop()


def rabbit_in(var: Path, free: Ports) -> PrivateRabbit:
    return PrivateRabbit(var, free.amqp, free.management, free.dist, free.epmd)


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def run_until_up(script: str, *arguments: object) -> asyncio.subprocess.Process:
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*argv, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        assert await process.stdout.readline() == b"up\n"
    return process


async def kill_hard(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.communicate()


async def all_end(pids: dict[int, str]) -> bool:
    return all(await asyncio.gather(*(leftovers._gone(pid, DEADLINE) for pid in pids)))


# --- PostgreSQL


async def test_postgres_keeps_data_and_durability(postgres: PrivatePostgres) -> None:
    await postgres.start()
    await ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS n")
    settings = {"synchronous_commit": "on", "fsync": "on", "data_checksums": "on", "jit": "off"}
    settings |= {"server_encoding": "UTF8", "lc_collate": "C.UTF-8", "listen_addresses": "127.0.0.1"}
    for name, value in settings.items():
        query = "SELECT coalesce(current_setting($1, true), (SELECT datcollate FROM pg_database LIMIT 1))"
        assert await ask(postgres.url, query.replace("$1", f"'{name}'")) == value, name
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres.url.replace("postgres:", "postgres:x"), "SELECT 1")
    await postgres.stop()
    await postgres.start()
    assert await ask(postgres.url, "SELECT n FROM kept") == 7


async def test_postgres_starts_again_after_its_own_violent_death(postgres: PrivatePostgres) -> None:
    await postgres.start()
    await ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS n")
    assert postgres._process is not None
    os.kill(postgres._process.pid, signal.SIGKILL)
    assert await postgres.wait() == -signal.SIGKILL
    await postgres.start()
    assert await ask(postgres.url, "SELECT n FROM kept") == 7


async def test_postgres_redoes_a_half_finished_initdb(postgres: PrivatePostgres, var: Path) -> None:
    unfinished = var / "postgres" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("1\n")
    await postgres.start()
    assert await ask(postgres.url, "SELECT 1") == 1
    assert not unfinished.exists()
    assert [path.name for path in (var / "postgres").iterdir()] == ["data"]
    assert (var / "secrets" / "postgres-superuser").stat().st_mode & 0o777 == 0o600


async def test_postgres_names_the_folder_its_user_cannot_enter(var: Path, free: Ports) -> None:
    if os.geteuid() != 0 or "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("only root steps down to another user")
    (var / "home" / "clone").mkdir(parents=True)
    (var / "home").chmod(0o700)
    with pytest.raises(NoAccessError, match="YIZHAN_VAR=/var/lib/yizhan") as caught:
        await PrivatePostgres(var / "home" / "clone", free.postgres).start()
    assert caught.value.blocker == var / "home"


# --- RabbitMQ


async def test_rabbitmq_keeps_messages_and_refuses_guest(rabbit: PrivateRabbit) -> None:
    await rabbit.start()
    for user, password in (("guest", "guest"), (ADMIN, "wrong")):
        with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
            await aio_pika.connect(rabbit.amqp_url(user, password))
    connection = await aio_pika.connect(rabbit.amqp_url(ADMIN, rabbit.admin_password))
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message("驿".encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")
    await rabbit.stop()
    await rabbit.start()
    connection = await aio_pika.connect(rabbit.amqp_url(ADMIN, rabbit.admin_password))
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue("kept")
        assert (await queue.get(no_ack=True)).body == "驿".encode()
    async with aiohttp.ClientSession() as session, session.get(f"{rabbit.admin_url}/api/users") as response:
        assert [user["name"] for user in await response.json()] == [ADMIN]
    async with aiohttp.ClientSession() as session, session.get(f"{rabbit.admin_url}/api/vhosts") as response:
        assert [vhost["name"] for vhost in await response.json()] == ["yizhan"]


async def test_servers_listen_on_loopback_only_and_end_with_a_killed_parent(var: Path, free: Ports) -> None:
    parent = await run_until_up(BOTH_SERVERS, var, free.base)
    pids = leftovers.find(var)
    assert set(pids.values()) == {"postgres", "rabbitmq"}
    listening = listeners(pids)
    names = ("postgres", "amqp", "management", "dist", "epmd")
    assert {port for _, port in listening} == {free.of(name) for name in names}
    assert {address for address, _ in listening} <= {"0100007F", "0" * 24 + "01000000"}  # 127.0.0.1 and ::1
    await kill_hard(parent)
    assert await all_end(pids)
    free.check_free()


async def test_servers_start_while_leftovers_still_run(
    var: Path,
    free: Ports,
    postgres: PrivatePostgres,
    rabbit: PrivateRabbit,
) -> None:
    parent = await run_until_up(BOTH_SERVERS, var, free.base)
    before = leftovers.find(var)
    await kill_hard(parent)
    await asyncio.gather(postgres.start(), rabbit.start())
    assert await ask(postgres.url, "SELECT 1") == 1
    assert not before.keys() & leftovers.find(var).keys()


@pytest.mark.parametrize("purpose", ["postgres", "amqp", "management", "dist", "epmd"])
async def test_taken_port_is_named_with_its_holder(
    purpose: str,
    free: Ports,
    postgres: PrivatePostgres,
    rabbit: PrivateRabbit,
) -> None:
    server = postgres if purpose == "postgres" else rabbit
    with socket.create_server(("127.0.0.1", free.of(purpose))):
        with pytest.raises(PortTakenError, match=f"port {free.of(purpose)} .*YIZHAN_PORT_BASE") as caught:
            await server.start()
        assert caught.value.pid == os.getpid()
        with pytest.raises(PortTakenError, match=purpose):
            free.check_free()


def listeners(pids: dict[int, str]) -> set[tuple[str, int]]:
    """Address (as the kernel writes it) and port of every listening TCP socket of these processes."""
    links = {str(entry.readlink()) for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == ports._LISTEN and f"socket:[{fields[9]}]" in links:
                address, _, port = fields[1].partition(":")
                found.add((address, int(port, 16)))
    return found


# --- Supervisor


class Events:
    """Collects what the supervisor says and waits for something to be said."""

    def __init__(self) -> None:
        self.seen: list[ProgramEvent] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, event: ProgramEvent) -> None:
        self.seen.append(event)
        task = asyncio.create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    def names(self, happening: Happening) -> list[str]:
        return [event.program for event in self.seen if event.happening is happening]

    async def until(self, happening: Happening, count: int) -> None:
        async with asyncio.timeout(DEADLINE), self._news:
            await self._news.wait_for(lambda: len(self.names(happening)) >= count)


def service(var: Path, name: str, port: int, *more: str) -> Program:
    argv = [sys.executable, "-c", SERVICE, str(port), str(var / "marks"), *more]
    return Program(name=name, argv=argv, ready_url=f"http://127.0.0.1:{port}/readyz")


async def test_supervisor_restarts_a_killed_program_and_drains_in_reverse(var: Path, free: Ports) -> None:
    events = Events()
    programs = [service(var, "first", free.gateway), service(var, "second", free.router)]
    async with Supervisor(programs, root=var, listener=events, limits=Limits(first_delay=0.05)):
        assert sorted(events.names(Happening.READY)) == ["first", "second"]
        pid = next(event.pid for event in events.seen if event.program == "second")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await events.until(Happening.READY, 3)
        crash = next(event for event in events.seen if event.happening is Happening.CRASHED)
        assert (crash.program, crash.status) == ("second", -signal.SIGKILL)
        assert events.names(Happening.RESTARTING) == ["second"]
    assert events.names(Happening.STOPPED) == ["second", "first"]
    assert (var / "marks").read_text() == f"{free.router} drained\n{free.gateway} drained\n"
    assert not leftovers.find(var)


async def test_supervisor_kills_what_does_not_end_within_the_grace(var: Path, free: Ports) -> None:
    events = Events()
    async with Supervisor(
        [service(var, "deaf", free.gateway, "stubborn")],
        root=var,
        listener=events,
        limits=Limits(grace=0.3),
    ):
        pass
    assert events.names(Happening.KILLED) == ["deaf"]
    assert not (var / "marks").exists()


async def test_supervisor_stops_while_a_program_waits_for_its_restart(var: Path, free: Ports) -> None:
    events = Events()
    program = service(var, "first", free.gateway)
    async with Supervisor([program], root=var, listener=events, limits=Limits(first_delay=DEADLINE)):
        pid = events.seen[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await events.until(Happening.RESTARTING, 1)
    assert not leftovers.find(var)


async def test_supervisor_fails_the_first_start_with_the_reason_and_stops_the_rest(var: Path, free: Ports) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('YIZHAN_X must be a number')"]
    programs = [service(var, "fine", free.gateway), Program(name="bad", argv=argv, ready_url="http://127.0.0.1:1/")]
    with pytest.raises(StartFailedError, match=r"bad .*exit status 1.*YIZHAN_X must be a number.*bad\.log"):
        await Supervisor(programs, root=var, listener=Events()).start()
    assert not leftovers.find(var)


async def test_programs_drain_when_the_supervisor_is_killed(var: Path, free: Ports) -> None:
    command = service(var, "small", free.gateway).argv
    parent = await run_until_up(SUPERVISED, var, free.gateway, *command)
    pids = leftovers.find(var)
    assert list(pids.values()) == ["small"]
    await kill_hard(parent)
    assert await all_end(pids)
    assert (var / "marks").read_text() == f"{free.gateway} drained\n"


async def test_leftover_programs_are_ended_before_a_new_start(var: Path, free: Ports) -> None:
    command = service(var, "small", free.gateway).argv
    parent = await run_until_up(SUPERVISED, var, free.gateway, *command)
    before = leftovers.find(var)
    await kill_hard(parent)
    async with Supervisor([service(var, "small", free.gateway)], root=var, listener=Events()):
        assert not before.keys() & leftovers.find(var).keys()


def test_backoff_doubles_to_a_limit_with_jitter_and_forgets_after_health() -> None:
    limits = Limits(first_delay=1, longest_delay=8, healthy_after=60)
    whole, half = Backoff(limits, lambda: 1.0), Backoff(limits, lambda: 0.0)
    assert [whole.next(0) for _ in range(5)] == [1, 2, 4, 8, 8]
    assert [half.next(0) for _ in range(5)] == [0.5, 1, 2, 4, 4]
    assert whole.next(59) == 8
    assert whole.next(60) == 1


# --- Lock, ports, logs


async def test_lock_admits_one_and_survives_its_killed_holder(var: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from deploy.embedded.lock import VarLock;"
        "lock = VarLock(Path(sys.argv[1])); lock.acquire(); print('up', flush=True); time.sleep(600)"
    )
    holder = await run_until_up(script, var)
    with pytest.raises(AlreadyRunningError, match="YIZHAN_VAR") as caught:
        VarLock(var).acquire()
    assert caught.value.pid == holder.pid
    await kill_hard(holder)
    assert (var / "lock").read_text() == f"{holder.pid}\n"
    with VarLock(var), pytest.raises(AlreadyRunningError) as caught:
        VarLock(var).acquire()
    assert caught.value.pid == os.getpid()
    with VarLock(var):
        pass


def test_ports_follow_the_base() -> None:
    assert Ports.from_environment({}) == Ports(8470)
    chosen = Ports.from_environment({"YIZHAN_PORT_BASE": "9000"})
    assert (chosen.gateway, chosen.archive, chosen.amqp, chosen.epmd, chosen.postgres) == (9000, 9003, 9010, 9013, 9020)
    for wrong in ("http", "-1", "80", "65535", "9" * 30, "８４７０"):
        with pytest.raises(SettingError, match="YIZHAN_PORT_BASE"):
            Ports.from_environment({"YIZHAN_PORT_BASE": wrong})


def test_log_is_trimmed_under_its_writer(var: Path) -> None:
    log = var / "a.log"
    with log.open("a", encoding="utf-8") as writer:
        writer.write("long ago\n" * 10)
        writer.flush()
        assert not trim(log, largest=1000)
        assert trim(log, largest=50)
        writer.write("now\n")
    assert log.read_text() == "now\n"
    assert log.with_name("a.log.1").read_text() == "long ago\n" * 10
