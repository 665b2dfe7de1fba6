"""Following the registry: nobody decides before its end is reached, however slowly it comes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proto.envelope import Envelope
from proto.topology import REGISTRY
from services.kit import broker_admin
from services.kit.ids import utc_now
from services.kit.registry import Registry
from services.kit.session import open_session
from services.kit.trust.state import TrustState
from tests.conftest import ADMIN_USER
from tests.places import REFORM
from tests.world import World

ROSTERS = 250  # more than the stream's prefetch


@pytest.fixture
def world() -> World:
    return World.make(utc_now(), ADMIN_USER)


async def nothing(_: Envelope) -> None:
    """Keep nothing."""


async def slowly(_: Envelope) -> None:
    """Take longer over each message than the replay's end is quiet."""
    await asyncio.sleep(0.15)


@pytest.mark.parametrize(("rosters", "keep"), [(ROSTERS, nothing), (3, slowly)])
async def test_the_whole_stream_is_known_when_following_returns(
    world: World, amqp_url: str, rosters: int, keep: Callable[[Envelope], Awaitable[None]]
) -> None:
    await broker_admin.declare(amqp_url, world.units)
    staff = world.state.staff_of(REFORM)
    newer = [world.publish_roster(REFORM, staff) for _ in range(rosters)]
    async with open_session(amqp_url, "registry") as session:
        for number, envelope in enumerate([*world.registry(), *newer]):
            await session.publish("", REGISTRY, envelope.packed(), message_id=str(number))
        registry = Registry(TrustState(world.pinned), keep)
        await registry.follow(session)
        assert registry.state.roster_version(REFORM) == world.state.roster_version(REFORM)


async def test_an_empty_stream_holds_nobody_up(world: World, amqp_url: str) -> None:
    await broker_admin.declare(amqp_url, world.units)
    async with open_session(amqp_url, "registry") as session:
        registry = Registry(TrustState(world.pinned))
        await asyncio.wait_for(registry.follow(session), 5)
        assert not registry.state.ready
        for number, envelope in enumerate(world.registry()):
            await session.publish("", REGISTRY, envelope.packed(), message_id=str(number))
        assert await registry.wait_newer(0, 5)


async def test_a_second_session_goes_on_where_the_first_ended(world: World, amqp_url: str) -> None:
    await broker_admin.declare(amqp_url, world.units)
    registry = Registry(TrustState(world.pinned))
    for _ in range(2):
        async with open_session(amqp_url, "registry") as session:
            if not registry.state.ready:
                for number, envelope in enumerate(world.registry()):
                    await session.publish("", REGISTRY, envelope.packed(), message_id=str(number))
            await asyncio.wait_for(registry.follow(session), 5)
            assert registry.state.ready
