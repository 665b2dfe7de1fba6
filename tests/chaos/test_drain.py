"""SIGTERM under load: what was begun is finished, nothing is sent twice for having been told to stop."""

import os
import signal

from deploy.embedded.program import Happening
from tests.chaos.traffic import Traffic
from tests.network import Network

_QUICK = 5.0  # seconds, well below the patience of a supervisor


async def test_gateway_and_router_told_to_stop(network: Network) -> None:
    async with Traffic(network, 2000, seed=7) as traffic:
        for part in (0.2, 0.4, 0.6):
            await traffic.reached(part)
            await _stop(network, "gateway")
        await traffic.finished()
        await traffic.check()
        accepted = await traffic.metric(network.place.url("router"), 'yizhan_router_accepted_total{kind="report"}')
        assert accepted == len(traffic.accepted), "published twice"


async def _stop(network: Network, program: str) -> None:
    since = len(network.events)
    pid = next(e.pid for e in reversed(network.events) if e.program == program and e.pid is not None)
    os.kill(pid, signal.SIGTERM)
    await network.ready_again(program, since)
    (ended,) = [e for e in network.events[since:] if e.program == program and e.happening is Happening.CRASHED]
    assert ended.status == 0
