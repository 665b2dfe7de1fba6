"""Private servers of each test's own, in a folder and on ports of their own."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.embedded.errors import PortTakenError
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder that the servers' own users may enter; pytest's tmp_path is closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="yizhan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def free() -> Ports:
    """Ports nobody uses."""
    while True:
        candidate = Ports(21000 + secrets.randbelow(950))
        try:
            candidate.check_free()
        except PortTakenError:
            continue
        return candidate


@pytest.fixture
async def postgres(var: Path, free: Ports) -> AsyncIterator[PrivatePostgres]:
    server = PrivatePostgres(var, free.postgres)
    yield server
    await server.stop()


@pytest.fixture
async def rabbit(var: Path, free: Ports) -> AsyncIterator[PrivateRabbit]:
    server = PrivateRabbit(var, free.amqp, free.management, free.dist, free.epmd)
    yield server
    await server.stop()
