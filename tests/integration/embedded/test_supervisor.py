"""The supervisor of the programs on one machine, against real processes."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.embedded import leftovers
from deploy.embedded.errors import StartFailedError
from deploy.embedded.ports import Ports
from deploy.embedded.program import Backoff, Happening, Limits, Program, ProgramEvent
from deploy.embedded.supervisor import Supervisor
from tests.integration.embedded.running import DEADLINE, all_end, kill_hard, run_until_up

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
