"""``yizhan up``: the whole network on one machine, from nothing to a sample day, supervised until Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from rich.console import Console
from rich.markup import escape

from deploy.embedded.errors import SHARED_VAR, EmbeddedError
from deploy.embedded.folder import check_folder
from deploy.embedded.leftovers import end_all, find
from deploy.embedded.lock import VarLock
from deploy.embedded.program import Happening, Program, ProgramEvent
from deploy.embedded.supervisor import Supervisor
from services.cli import output
from services.cli.broker import quiet_libraries
from services.cli.failures import unreachable
from services.cli.names import SERVICES
from services.cli.network.given import Given
from services.cli.network.making import make_network, settle_settings
from services.cli.network.reset import clear, require_empty
from services.cli.network.sample.client import CallError, People
from services.cli.network.sample.day import read_day
from services.cli.network.sample.enrolment import enrol, trust_of
from services.cli.network.sample.rules import publish_rules
from services.cli.network.sample.run import send_day
from services.cli.network.sample.statement import Issued, hold_month, top_lines
from services.cli.network.sample.table import table_of
from services.cli.network.servers import furnish, servers
from services.cli.network.units import read_units
from services.cli.place import Place
from services.kit import log
from services.kit.trust.state import TrustState

INTERRUPTED: Final = 130
_PORTS: Final = {
    "postgres": ("postgres",),
    "rabbitmq": ("amqp", "management", "dist", "epmd"),
}


class Screen:
    """What the person at the terminal sees: progress on stderr, so that stdout holds the result alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._last = ""

    def say(self, zh: str, en: str) -> None:
        """Print one line."""
        line = f"[dim]{datetime.now().astimezone():%H:%M:%S}[/] {escape(zh)} [dim]/ {escape(en)}[/]"
        self._console.print(line, soft_wrap=True)

    def progress(self, step: str, done: int, total: int) -> None:
        """Print progress at each tenth."""
        words = {
            "keys": ("生成密钥", "making keys"),
            "enrol": ("发布名录和名册", "publishing directory and rosters"),
            "rules": ("公布计分规则", "publishing the point rules"),
            "month": ("发出上月样例", "sending the sample month"),
            "send": ("报送信息", "sending reports"),
            "decide": ("采编", "editing desks decide"),
            "settle": ("等待回执", "waiting for receipts"),
        }
        tenth = f"{step}{done * 10 // max(total, 1)}"
        if tenth != self._last:
            self._last = tenth
            zh, en = words[step]
            self.say(f"{zh} {done}/{total}", en)

    def happened(self, event: ProgramEvent) -> None:
        """Say what became of a service."""
        if event.happening is Happening.CRASHED:
            self.say(f"{event.program} 意外退出（{event.status}）", f"{event.program} crashed")
        elif event.happening is Happening.RESTARTING:
            self.say(f"{event.program} 将在 {event.delay:.1f} 秒后重启", f"{event.program} restarts")
        elif event.happening is Happening.READY:
            self.say(f"{event.program} 就绪", f"{event.program} ready")
        elif event.happening is Happening.NOT_READY:
            self.say(f"{event.program} 重启未成", f"{event.program} did not become ready")
        elif event.happening is Happening.KILLED:
            self.say(f"{event.program} 未按时结束，已强行终止", f"{event.program} did not end in time and was killed")


def run_up(*, once: bool, as_json: bool, reset: bool, sample: bool) -> int:
    """Run the network; return the exit code: 0 good, 1 a total is wrong, 130 interrupted while starting."""
    log.configure("up", "warning")
    quiet_libraries()
    place, given = Place.here(), Given.pop()
    try:
        return asyncio.run(_up(place, given, once=once, as_json=as_json, reset=reset, sample=sample))
    except (CallError, aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        detail = str(error) if isinstance(error, CallError) else type(error).__name__
        raise unreachable("up.failed", "未能完成，可再试", "Not finished, try again", detail) from error


async def _up(place: Place, given: Given, *, once: bool, as_json: bool, reset: bool, sample: bool) -> int:
    screen = Screen()
    if place.var == SHARED_VAR and not os.environ.get("YIZHAN_VAR"):
        screen.say(f"服务器用户进不了项目文件夹，数据放在 {SHARED_VAR}", "the servers' users cannot enter the project")
    await check_folder(place.var, given.private)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await given.require_reachable()
    with VarLock(place.var):
        if left := find(place.var):
            screen.say(f"结束上次残留的 {len(left)} 个进程", "ending what an earlier run left")
            await end_all(place.var)
        place.ports.check_free((*SERVICES, *(port for server in given.private for port in _PORTS[server])))
        if reset:
            await require_empty(amqp_url=given.amqp_url, database_url=given.database_url)
            clear(place)
        up = asyncio.Event()
        work = asyncio.create_task(
            _run(place, screen, given, up, stop, once=once, as_json=as_json, sample=sample), name="up"
        )
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            screen.say("正在停止", "stopping")
            if not up.is_set():  # once it is up it ends by itself, each part in its order
                work.cancel()
        try:
            return await work
        except asyncio.CancelledError:
            return INTERRUPTED
        finally:
            stopped.cancel()


async def _run(
    place: Place,
    screen: Screen,
    given: Given,
    up: asyncio.Event,
    stop: asyncio.Event,
    *,
    once: bool,
    as_json: bool,
    sample: bool,
) -> int:
    amqp_url, database_url = given.amqp_url, given.database_url
    if not place.made:
        units = read_units()
        screen.say(f"新建江苏网络：{len(units)} 个单位（样例配置）", "making the network (sample configuration)")
        await asyncio.to_thread(
            make_network,
            place,
            units,
            now=datetime.now(UTC),
            amqp_url=amqp_url,
            database_url=database_url,
            progress=screen.progress,
        )
    codes = settle_settings(place, amqp_url=amqp_url, database_url=database_url)
    if names := tuple(given.private.values()):
        screen.say(f"启动 {'、'.join(names)}", f"starting {' and '.join(names)}")
    async with servers(place, amqp_url=amqp_url, database_url=database_url) as running:
        await furnish(place, codes, amqp_url=amqp_url, database_url=database_url)
        async with (
            _kept(running, screen),
            Supervisor(programs(place), root=place.var, listener=screen.happened),
        ):
            await enrol(place, screen.progress)
            await publish_rules(place, screen.progress)
            code = await _sample(place, screen, amqp_url, as_json=as_json) if sample else 0
            up.set()
            if once:
                return code
            _where_to_look(place, screen)
            await stop.wait()
    return 0


async def _sample(place: Place, screen: Screen, amqp_url: str, *, as_json: bool) -> int:
    """Send the sample month, which ends in a bulletin, and the sample day; show what they came to."""
    day, state = read_day(), trust_of(place)
    gateway, operator = (amqp_url or place.amqp_url(user) for user in ("gateway", "operator"))
    async with aiohttp.ClientSession() as http:
        people = People(place, http)
        issued = await hold_month(place, people, state, amqp_url=gateway, progress=screen.progress)
        totals, wrong = await send_day(
            place, people, day, since=issued.ends.isoformat() if issued else "", gateway_url=gateway,
            operator_url=operator, progress=screen.progress,
        )  # fmt: skip
    if as_json:
        sys.stdout.write(json.dumps(totals, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        output.console().print(table_of(day, totals, wrong))
        _put_bulletin(issued, state, screen)
    if wrong:
        screen.say(f"与样例日规定不符：{'、'.join(wrong)}", f"not as prescribed: {', '.join(wrong)}")
    return 1 if wrong else 0


def _put_bulletin(issued: Issued | None, state: TrustState, screen: Screen) -> None:
    """Print the top of the bulletin and where it lies."""
    if issued is None:
        zh = "此网络没有样例月（由旧版建立，或其后的月份已通报）；--reset 重建即有"
        screen.say(zh, "no sample month here: made by an older version, or a later month is stated; --reset makes one")
        return
    output.console().print(top_lines(issued.content, state))
    where = issued.pdf or "未生成：缺字体，见 bin/setup / none: fonts are missing, see bin/setup"
    output.console().print(f"通报 PDF / the bulletin as PDF: {where}", soft_wrap=True)


def programs(place: Place) -> list[Program]:
    """Return the four services as the supervisor runs them."""
    return [
        Program(
            name=service,
            argv=[sys.executable, "-m", f"services.{service}", "--config", str(place.config)],
            ready_url=f"{place.url(service)}/readyz",
        )
        for service in reversed(SERVICES)
    ]


@asynccontextmanager
async def _kept(running: list[Any], screen: Screen) -> AsyncIterator[None]:
    """Start a private server again when it falls, as the supervisor does for the services."""

    async def keep(server: Any) -> None:
        pause = 0.5
        while True:
            await server.wait()
            screen.say(f"{server.name} 意外退出，重新启动", f"{server.name} fell, starting it again")
            while True:  # a start that failed has stopped the server: there is nothing to wait for
                try:
                    await server.start()
                except (EmbeddedError, OSError) as error:
                    screen.say(f"{server.name} 未能启动，再试", f"{server.name} did not start, trying again: {error}")
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 30)
                else:
                    pause = 0.5
                    break

    keepers = [asyncio.create_task(keep(server), name="keep-server") for server in running]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


def _where_to_look(place: Place, screen: Screen) -> None:
    screen.say(f"接口文档 {place.url('gateway')}/api/openapi.json", "API document")
    screen.say(f"演示账号：单位代码 + officer / lead / head / editor，口令见 {place.demo_password}", "demo accounts")
    screen.say("另开终端：.venv/bin/yizhan status；按 Ctrl-C 停止", "in another terminal; Ctrl-C stops all")
