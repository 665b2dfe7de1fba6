"""The scoring service in the year 2026, whose clock the test moves: fixtures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.scoring_service import Scoring, Time, day, scoring_service, settings_for
from tests.world import World


@pytest.fixture
def world() -> World:
    """The network as of the first days of 2026."""
    return World.make(day(1, 2))


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest_asyncio.fixture
async def scoring(
    amqp_url: str, database_url: str, world: World, tmp_path: Path, clock: Time
) -> AsyncIterator[Scoring]:
    settings = settings_for(tmp_path, amqp_url, database_url, world)
    async with scoring_service(settings, world, clock=clock) as service:
        yield service
