"""A network of its own for every test: what is broken here must not be shared."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.chaos.traffic import UNITS
from tests.network import Network


@pytest_asyncio.fixture
async def network() -> AsyncIterator[Network]:
    """A running network of five units."""
    running = await Network.start(UNITS)
    try:
        yield running
    finally:
        await running.stop()
