"""Both private servers: loopback only, no leftovers, ports that are taken."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from deploy.embedded import leftovers, ports
from deploy.embedded.errors import PortTakenError
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit
from tests.integration.embedded.running import all_end, ask, kill_hard, run_until_up

BOTH_SERVERS = """
import asyncio, sys
from pathlib import Path
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit

async def main():
    var, ports = Path(sys.argv[1]), Ports(int(sys.argv[2]))
    rabbit = PrivateRabbit(var, ports.amqp, ports.management, ports.dist, ports.epmd)
    async with PrivatePostgres(var, ports.postgres), rabbit:
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_servers_listen_on_loopback_only_and_end_with_a_killed_parent(var: Path, free: Ports) -> None:
    parent = await run_until_up(BOTH_SERVERS, var, free.base)
    pids = leftovers.find(var)
    assert set(pids.values()) == {"postgres", "rabbitmq"}
    listening = listeners(pids)
    names = ("postgres", "amqp", "management", "dist", "epmd")
    assert {port for _, port in listening} == {free.of(name) for name in names}
    assert {address for address, _ in listening} <= {"0100007F", "0" * 24 + "01000000"}  # 127.0.0.1 and ::1
    await kill_hard(parent)
    assert await all_end(pids)
    free.check_free()


async def test_servers_start_while_leftovers_still_run(
    var: Path,
    free: Ports,
    postgres: PrivatePostgres,
    rabbit: PrivateRabbit,
) -> None:
    parent = await run_until_up(BOTH_SERVERS, var, free.base)
    before = leftovers.find(var)
    await kill_hard(parent)
    await asyncio.gather(postgres.start(), rabbit.start())
    assert await ask(postgres.url, "SELECT 1") == 1
    assert not before.keys() & leftovers.find(var).keys()


@pytest.mark.parametrize("purpose", ["postgres", "amqp", "management", "dist", "epmd"])
async def test_taken_port_is_named_with_its_holder(
    purpose: str,
    free: Ports,
    postgres: PrivatePostgres,
    rabbit: PrivateRabbit,
) -> None:
    server = postgres if purpose == "postgres" else rabbit
    with socket.create_server(("127.0.0.1", free.of(purpose))):
        with pytest.raises(PortTakenError, match=f"port {free.of(purpose)} .*YIZHAN_PORT_BASE") as caught:
            await server.start()
        assert caught.value.pid == os.getpid()
        with pytest.raises(PortTakenError, match=purpose):
            free.check_free()


def listeners(pids: dict[int, str]) -> set[tuple[str, int]]:
    """Address (as the kernel writes it) and port of every listening TCP socket of these processes."""
    links = {str(entry.readlink()) for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == ports._LISTEN and f"socket:[{fields[9]}]" in links:
                address, _, port = fields[1].partition(":")
                found.add((address, int(port, 16)))
    return found
