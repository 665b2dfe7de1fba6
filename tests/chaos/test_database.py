"""PostgreSQL goes away while reports flow, and while nothing flows."""

from tests.chaos.traffic import Traffic
from tests.network import Network
from tests.places import KUNSHAN


async def test_database_restarted(network: Network) -> None:
    async with Traffic(network, 2000, seed=3) as traffic:
        for part in (0.3, 0.6):
            await traffic.reached(part)
            await network.postgres.stop()
            await network.postgres.start()
        await traffic.finished()
        await traffic.check()
        await _quiet_restart(network, traffic)


async def _quiet_restart(network: Network, traffic: Traffic) -> None:
    """The relay sleeps on a connection that is cut while nothing happens: what is handed in later must still go out."""
    await network.postgres.stop()
    await network.postgres.start()
    message = await traffic.one_more(KUNSHAN)
    await network.receipt(KUNSHAN, message, "accepted")
