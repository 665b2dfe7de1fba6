"""Two routers share the work; one is killed in the middle of it."""

import os
import signal
import sys
from pathlib import Path

from deploy.embedded.program import Happening, Limits, Program, ProgramEvent
from deploy.embedded.supervisor import Supervisor
from tests.chaos.traffic import Traffic
from tests.conftest import free_ports
from tests.network import Network


async def test_two_routers_one_killed(network: Network) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    second = Program(
        name="router-2",
        argv=[sys.executable, "-m", "services.router", "--config", str(_second_config(network, port))],
        ready_url=f"{url}/readyz",
    )
    events: list[ProgramEvent] = []
    supervisor = Supervisor([second], root=network.place.var, listener=events.append, limits=Limits(first_delay=0.2))
    async with supervisor, Traffic(network, 2000, seed=6) as traffic:
        await traffic.reached(0.4)
        assert await traffic.metric(url, "yizhan_router_accepted_total") > 0
        pid = next(e.pid for e in events if e.happening is Happening.READY)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await traffic.reached(0.7)
        await network.kill("router")
        await traffic.finished()
        await traffic.check(arrival_order=False)


def _second_config(network: Network, port: int) -> Path:
    """The same settings under another name and port."""
    text = network.place.config.read_text(encoding="utf-8")
    mine = text[text.index("[router]") :].split("\n\n")[0]
    path = network.place.var / "router-2.toml"
    changed = mine.replace(f"port = {network.place.ports.router}", f'port = {port}\nname = "router-2"')
    assert changed != mine
    path.write_text(changed, encoding="utf-8")
    return path
