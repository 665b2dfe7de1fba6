"""One network for all acceptance tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.network import Network


@pytest_asyncio.fixture(scope="session")
async def network() -> AsyncIterator[Network]:
    """A running network of nine units."""
    running = await Network.start()
    try:
        yield running
    finally:
        await running.stop()
