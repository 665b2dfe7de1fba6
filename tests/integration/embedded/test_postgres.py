"""The private PostgreSQL, against the real program."""

import os
import pwd
import signal
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.errors import NoAccessError
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from tests.integration.embedded.running import ask


async def test_postgres_keeps_data_and_durability(postgres: PrivatePostgres) -> None:
    await postgres.start()
    await ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS n")
    settings = {"synchronous_commit": "on", "fsync": "on", "data_checksums": "on", "jit": "off"}
    settings |= {"server_encoding": "UTF8", "lc_collate": "C.UTF-8", "listen_addresses": "127.0.0.1"}
    for name, value in settings.items():
        query = "SELECT coalesce(current_setting($1, true), (SELECT datcollate FROM pg_database LIMIT 1))"
        assert await ask(postgres.url, query.replace("$1", f"'{name}'")) == value, name
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres.url.replace("postgres:", "postgres:x"), "SELECT 1")
    await postgres.stop()
    await postgres.start()
    assert await ask(postgres.url, "SELECT n FROM kept") == 7


async def test_postgres_starts_again_after_its_own_violent_death(postgres: PrivatePostgres) -> None:
    await postgres.start()
    await ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS n")
    assert postgres._process is not None
    os.kill(postgres._process.pid, signal.SIGKILL)
    assert await postgres.wait() == -signal.SIGKILL
    await postgres.start()
    assert await ask(postgres.url, "SELECT n FROM kept") == 7


async def test_postgres_redoes_a_half_finished_initdb(postgres: PrivatePostgres, var: Path) -> None:
    unfinished = var / "postgres" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("1\n")
    await postgres.start()
    assert await ask(postgres.url, "SELECT 1") == 1
    assert not unfinished.exists()
    assert [path.name for path in (var / "postgres").iterdir()] == ["data"]
    assert (var / "secrets" / "postgres-superuser").stat().st_mode & 0o777 == 0o600


async def test_postgres_names_the_folder_its_user_cannot_enter(var: Path, free: Ports) -> None:
    if os.geteuid() != 0 or "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("only root steps down to another user")
    (var / "home" / "clone").mkdir(parents=True)
    (var / "home").chmod(0o700)
    with pytest.raises(NoAccessError, match="YIZHAN_VAR=/var/lib/yizhan") as caught:
        await PrivatePostgres(var / "home" / "clone", free.postgres).start()
    assert caught.value.blocker == var / "home"
