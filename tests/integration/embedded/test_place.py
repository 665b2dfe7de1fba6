"""The lock of the folder, the ports, the logs."""

import os
from pathlib import Path

import pytest

from deploy.embedded.errors import AlreadyRunningError, SettingError
from deploy.embedded.lock import VarLock
from deploy.embedded.logfile import trim
from deploy.embedded.ports import Ports
from tests.integration.embedded.running import kill_hard, run_until_up


async def test_lock_admits_one_and_survives_its_killed_holder(var: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from deploy.embedded.lock import VarLock;"
        "lock = VarLock(Path(sys.argv[1])); lock.acquire(); print('up', flush=True); time.sleep(600)"
    )
    holder = await run_until_up(script, var)
    with pytest.raises(AlreadyRunningError, match="YIZHAN_VAR") as caught:
        VarLock(var).acquire()
    assert caught.value.pid == holder.pid
    await kill_hard(holder)
    assert (var / "lock").read_text() == f"{holder.pid}\n"
    with VarLock(var), pytest.raises(AlreadyRunningError) as caught:
        VarLock(var).acquire()
    assert caught.value.pid == os.getpid()
    with VarLock(var):
        pass


def test_ports_follow_the_base() -> None:
    assert Ports.from_environment({}) == Ports(8470)
    chosen = Ports.from_environment({"YIZHAN_PORT_BASE": "9000"})
    assert (chosen.gateway, chosen.archive, chosen.amqp, chosen.epmd, chosen.postgres) == (9000, 9003, 9010, 9013, 9020)
    for wrong in ("http", "-1", "80", "65535", "9" * 30, "８４７０"):
        with pytest.raises(SettingError, match="YIZHAN_PORT_BASE"):
            Ports.from_environment({"YIZHAN_PORT_BASE": wrong})


def test_log_is_trimmed_under_its_writer(var: Path) -> None:
    log = var / "a.log"
    with log.open("a", encoding="utf-8") as writer:
        writer.write("long ago\n" * 10)
        writer.flush()
        assert not trim(log, largest=1000)
        assert trim(log, largest=50)
        writer.write("now\n")
    assert log.read_text() == "now\n"
    assert log.with_name("a.log.1").read_text() == "long ago\n" * 10
