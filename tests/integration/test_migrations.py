"""Numbered migrations against a real PostgreSQL."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.kit.db import await_database, migrate, open_database
from services.kit.errors import SchemaTooNewError, SettingsError, TransientError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "things.sql").write_text("-- name: count_things$\nSELECT count(*) FROM thing;\n")
    step(tmp_path, 1, "CREATE TABLE thing (id int PRIMARY KEY);")
    return tmp_path


def step(folder: Path, number: int, sql: str) -> None:
    (folder / "migrations" / f"{number:04}_step.sql").write_text(sql, encoding="utf-8")


async def versions(url: str, schema: str = "sample") -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT set_config('search_path', $1, false)", schema)
        return [row[0] for row in await connection.fetch("SELECT version FROM schema_version ORDER BY 1")]
    finally:
        await connection.close()


async def test_each_step_is_applied_once(database_url: str, folder: Path) -> None:
    assert await migrate(database_url, "sample", folder / "migrations") == 1
    step(folder, 2, "ALTER TABLE thing ADD COLUMN name text; INSERT INTO thing (id) VALUES (7);")
    assert await migrate(database_url, "sample", folder / "migrations") == 2
    assert await migrate(database_url, "sample", folder / "migrations") == 2
    assert await versions(database_url) == [1, 2]


async def test_a_newer_schema_is_refused(database_url: str, folder: Path) -> None:
    step(folder, 2, "CREATE TABLE other (id int);")
    await migrate(database_url, "sample", folder / "migrations")
    (folder / "migrations" / "0002_step.sql").unlink()
    with pytest.raises(SchemaTooNewError, match="version 2, this program knows 1"):
        await migrate(database_url, "sample", folder / "migrations")
    with pytest.raises(SchemaTooNewError):
        async with open_database(database_url, "sample", folder):
            pass
    assert await versions(database_url) == [1, 2]


async def test_a_failing_step_leaves_nothing_of_itself(database_url: str, folder: Path) -> None:
    step(folder, 2, "CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database_url, "sample", folder / "migrations")
    assert await versions(database_url) == [1]
    step(folder, 2, "CREATE TABLE half (id int);")
    assert await migrate(database_url, "sample", folder / "migrations") == 2


async def test_processes_that_start_together_migrate_once(database_url: str, folder: Path) -> None:
    for number in (2, 3):
        step(folder, number, f"CREATE TABLE t{number} (id int);")
    runs = [migrate(database_url, schema, folder / "migrations") for schema in ("sample", "sample", "sample", "other")]
    assert await asyncio.gather(*runs) == [3, 3, 3, 3]
    assert await versions(database_url) == await versions(database_url, "other") == [1, 2, 3]


async def test_a_pool_sees_its_own_schema(database_url: str, folder: Path) -> None:
    async with open_database(database_url, "one", folder) as one, open_database(database_url, "two", folder) as two:
        async with one.transaction() as connection:
            await connection.execute("INSERT INTO thing VALUES (1)")
        async with one.connection() as here, two.connection() as there:
            assert await one.queries.count_things(here) == 1
            assert await two.queries.count_things(there) == 0


async def test_a_transaction_that_fails_leaves_nothing(database_url: str, folder: Path) -> None:
    async with open_database(database_url, "sample", folder) as database:

        async def fail() -> None:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO thing VALUES (1)")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        async with database.connection() as connection:
            assert await database.queries.count_things(connection) == 0


async def test_a_wrong_password_stops_the_start(database_url: str, folder: Path) -> None:
    scheme, _, place = database_url.rpartition("@")
    wrong = f"{scheme}x@{place}"
    with pytest.raises(SettingsError, match="refuses the user"):
        async with open_database(wrong, "sample", folder):
            pass


async def test_a_missing_database_stops_the_start(database_url: str, folder: Path) -> None:
    with pytest.raises(SettingsError, match="no such database"):
        async with await_database(f"{database_url}_not", "sample", folder, asyncio.Event()):
            pass


async def test_a_start_may_be_given_up_while_the_server_is_away(folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, stop.set)
    async with await_database("postgresql://nobody@127.0.0.1:1/none", "sample", folder, stop) as database:
        assert database is None


async def test_a_server_that_is_away_is_tried_again_later(folder: Path) -> None:
    with pytest.raises(TransientError):
        async with open_database("postgresql://nobody@127.0.0.1:1/none", "sample", folder):
            pass
