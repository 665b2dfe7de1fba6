"""The broker goes away while reports flow (Art. 16): stopped and started again, then killed."""

import os
import signal

from tests.chaos.traffic import Traffic
from tests.network import Network


async def test_broker_stopped_and_killed(network: Network) -> None:
    async with Traffic(network, 2500, seed=1) as traffic:
        await traffic.reached(0.2)
        await network.rabbit.stop()
        await traffic.reached(0.4)  # with the broker away the node goes on accepting (promise 6)
        await network.rabbit.start()
        await traffic.reached(0.6)
        assert network.rabbit._node is not None
        os.killpg(network.rabbit._node.pid, signal.SIGKILL)  # the Erlang machine and whatever it started
        await network.rabbit.stop()  # its port mapper
        await traffic.reached(0.8)
        await network.rabbit.start()
        await traffic.finished()
        await traffic.check()
