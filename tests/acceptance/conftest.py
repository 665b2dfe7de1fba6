"""One network for all acceptance tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.acceptance.past import Past
from tests.network import Network
from tests.places import PROVINCE, SUZHOU, WUXI


@pytest_asyncio.fixture(scope="session")
async def network() -> AsyncIterator[Network]:
    """A running network of nine units."""
    running = await Network.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest_asyncio.fixture(scope="session")
async def past(network: Network) -> Past:
    """The network's years 2024 and 2025, in which every hub scores."""
    known = await Past.enrol(network)
    await known.rules(PROVINCE, 2024)
    await known.rules(SUZHOU, 2024)
    await known.rules(WUXI, 2025)
    return known
