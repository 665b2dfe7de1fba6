"""Real servers for the tests: one private PostgreSQL and one private RabbitMQ per run, started when first asked for.

Each test gets a database and a vhost of its own. Nothing here is a stand-in for a server.
"""

import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit
from services.kit import broker_admin
from services.kit.ids import utc_now
from tests.world import World

ADMIN_USER = "yizhan-admin"
_HTTP_TIMEOUT = aiohttp.ClientTimeout(total=30)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that the servers' own users can pass through, which pytest's private one is not."""
    folder = Path(tempfile.mkdtemp(prefix="yizhan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session")
async def postgres(servers_folder: Path) -> AsyncIterator[PrivatePostgres]:
    """The run's PostgreSQL."""
    (port,) = free_ports(1)
    async with PrivatePostgres(servers_folder / "pg", port) as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def rabbit(servers_folder: Path) -> AsyncIterator[PrivateRabbit]:
    """The run's RabbitMQ."""
    async with PrivateRabbit(servers_folder / "mq", *free_ports(4)) as server:
        yield server


@pytest_asyncio.fixture
async def database_url(postgres: PrivatePostgres) -> AsyncIterator[str]:
    """URL of an empty database that is the test's own."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield urlunsplit(urlsplit(postgres.url)._replace(path=f"/{name}"))
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def admin_url(rabbit: PrivateRabbit) -> str:
    """Base URL of the broker's management API, credentials included."""
    return rabbit.admin_url


@contextlib.asynccontextmanager
async def fresh_vhost(admin_url: str) -> AsyncIterator[str]:
    """Make an empty vhost for the length of the block; the broker's admin may do everything in it."""
    name = f"test-{uuid4().hex}"
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    async with aiohttp.ClientSession(timeout=_HTTP_TIMEOUT, raise_for_status=True) as http:
        await http.put(f"{admin_url}/api/vhosts/{name}")
        await http.put(f"{admin_url}/api/permissions/{name}/{ADMIN_USER}", json=rights)
        yield name
        await http.delete(f"{admin_url}/api/vhosts/{name}")


@pytest_asyncio.fixture
async def vhost(admin_url: str) -> AsyncIterator[str]:
    """An empty vhost that is the test's own."""
    async with fresh_vhost(admin_url) as name:
        yield name


@pytest.fixture
def world() -> World:
    """A small network as of now."""
    return World.make(utc_now())


@pytest_asyncio.fixture
async def amqp_url(rabbit: PrivateRabbit, vhost: str, world: World) -> str:
    """URL of the broker's admin in a vhost that holds the topology for the world's nodes."""
    url = rabbit.amqp_url(ADMIN_USER, rabbit.admin_password, vhost)
    await broker_admin.declare(url, world.units)
    return url
