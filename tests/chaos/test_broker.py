"""The broker goes away while reports flow (Art. 16): stopped and started again, and killed."""

from tests.chaos.traffic import Traffic
from tests.network import Network


async def test_broker_restarted(network: Network) -> None:
    traffic = Traffic(network, 2500, seed=1)
    await traffic.prepare()
    traffic.start()
    await traffic.reached(0.2)
    await network.rabbit.stop()
    await traffic.reached(0.5)  # with the broker away the node goes on accepting (promise 6)
    await network.rabbit.start()
    await traffic.finished()
    await traffic.check()
