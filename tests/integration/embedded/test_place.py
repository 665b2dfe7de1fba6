"""The lock of the folder, the ports, the logs."""

import fcntl
import os
from pathlib import Path

import pytest

from deploy.embedded.errors import AlreadyRunningError, SettingError
from deploy.embedded.lock import VarLock
from deploy.embedded.logfile import telling_line, trim
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


def test_lock_leaves_nothing_behind(var: Path) -> None:
    for folder in (var, var / "made" / "anew"):
        with VarLock(folder):
            assert (folder / "lock").exists()
    assert [path.name for path in var.rglob("*")] == ["made"]
    with VarLock(var / "network"):
        (var / "network" / "yizhan.toml").touch()
    assert [path.name for path in (var / "network").iterdir()] == ["yizhan.toml"]


def test_lock_that_was_deleted_in_the_middle_is_not_held(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the opening and the locking of the file its holder lets go, and another one comes."""
    first, second, late = VarLock(var), VarLock(var), VarLock(var)
    first.acquire()
    flock = fcntl.flock

    def interrupted(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release()
        second.acquire()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", interrupted)
    with pytest.raises(AlreadyRunningError):
        late.acquire()
    second.release()
    with late:
        pass


def test_a_structured_log_line_is_quoted_in_words(var: Path) -> None:
    log = var / "a.log"
    log.write_text('{"queue": "yz.router", "event": "line_down", "level": "error", "timestamp": "2026"}\n')
    assert telling_line(log, 0) == "line_down queue=yz.router"
    for text in ("[1]", '{"a": 1}', "yizhan: 设置有误 / Settings"):
        log.write_text(f"{text}\n\n")
        assert telling_line(log, 0) == text


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
