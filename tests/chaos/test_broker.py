"""The broker goes away while reports flow (Art. 16): stopped and started again, and killed."""

import os
import signal

from tests.chaos.traffic import Traffic
from tests.network import Network


async def test_broker_restarted(network: Network) -> None:
    async with Traffic(network, 2500, seed=1) as traffic:
        await traffic.reached(0.2)
        await network.rabbit.stop()
        await traffic.reached(0.5)  # with the broker away the node goes on accepting (promise 6)
        await network.rabbit.start()
        await traffic.finished()
        await traffic.check()


async def test_broker_killed(network: Network) -> None:
    async with Traffic(network, 2500, seed=2) as traffic:
        await traffic.reached(0.3)
        assert network.rabbit._node is not None
        os.killpg(network.rabbit._node.pid, signal.SIGKILL)  # the Erlang machine and whatever it started
        await network.rabbit.stop()  # its port mapper
        await traffic.reached(0.6)
        await network.rabbit.start()
        await traffic.finished()
        await traffic.check()
