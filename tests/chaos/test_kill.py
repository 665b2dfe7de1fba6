"""kill -9 of each service in turn, at random moments: nothing is lost and no point is doubled (promise 8)."""

from tests.chaos.traffic import Traffic
from tests.network import Network


async def test_each_service_killed(network: Network) -> None:
    async with Traffic(network, 2500, seed=4) as traffic:
        victims = ["gateway", "router", "archive", "scoring", "gateway", "router"]
        traffic.chance.shuffle(victims)
        for part, victim in zip(sorted(traffic.chance.uniform(0.05, 0.95) for _ in victims), victims, strict=True):
            await traffic.reached(part)
            await network.kill(victim)
        await traffic.finished()
        await traffic.check(
            arrival_order=False
        )  # a killed router hands back what it held, behind what it had published


async def test_everything_at_once(network: Network) -> None:
    async with Traffic(network, 2000, seed=5) as traffic:
        await traffic.reached(0.15)
        await network.rabbit.stop()
        await network.kill("gateway")  # starts again without the broker, from what it remembers
        await network.kill("archive")
        await traffic.reached(0.35)
        await network.postgres.stop()
        await network.rabbit.start()
        await network.kill("router")
        await network.postgres.start()
        await traffic.reached(0.7)
        await network.kill("scoring")
        await network.kill("gateway")
        await traffic.finished()
        await traffic.check(arrival_order=False)
