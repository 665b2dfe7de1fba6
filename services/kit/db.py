"""PostgreSQL: a pool bound to the service's own schema, numbered plain migrations, named queries from files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiosql
import asyncpg
import structlog

from services.kit.errors import SchemaTooNewError, SettingsError, TransientError

_log: Final = structlog.get_logger()
_PASSING: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,  # a connection or a pool that is gone; on one that lives it is our own misuse, and raised
    asyncpg.InternalClientError,  # asyncpg in the moment in which the server ends its connection
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a password changed under us: no message's fault
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # disk or memory full, too many connections
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it is promoted
    asyncpg.TransactionRollbackError,  # serialization, deadlock
    asyncpg.LockNotAvailableError,
)
_RETRY: Final = 1.0  # seconds between attempts while the database is away at the start
_MIGRATION_LOCK: Final = 0x59697A68616E  # one migrator at a time, whichever service


class Database:
    """A service's schema and its named queries (``queries.<name>(connection, **parameters)``)."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queries: Any) -> None:
        self.pool: Final = pool
        self.queries: Final = queries

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection; a passing failure of the server is raised as ``TransientError``."""
        misused = False
        try:
            async with self.pool.acquire() as connection:
                try:
                    yield connection
                except asyncpg.InterfaceError:
                    misused = not connection.is_closed()
                    raise
        except _PASSING as error:
            if misused:
                raise
            raise TransientError(f"database: {type(error).__name__}") from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Lend a connection inside one transaction."""
        async with self.connection() as connection, connection.transaction():
            yield connection


@asynccontextmanager
async def await_database(
    url: str, schema: str, sql: Path, stop: asyncio.Event, *, size: int = 4
) -> AsyncIterator[Database | None]:
    """Open the database, waiting while it is away; None where told to stop before it came.

    Raises ``SettingsError`` for what no waiting mends: the user or the database unknown, the schema too new.
    """
    async with AsyncExitStack() as stack:
        database: Database | None = None
        while database is None and not stop.is_set():
            try:
                database = await stack.enter_async_context(open_database(url, schema, sql, size=size))
            except TransientError as error:
                _log.warning("database_away", error=str(error), retry_in=_RETRY)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY)
        yield database


@asynccontextmanager
async def open_database(url: str, schema: str, sql: Path, *, size: int = 4) -> AsyncIterator[Database]:
    """Migrate ``schema`` to the newest version in ``sql/migrations`` and open a pool on it."""
    try:
        await migrate(url, schema, sql / "migrations")
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            command_timeout=60,
            server_settings={"search_path": schema, "jit": "off"},
            reset=_keep,
        )
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise SettingsError(f"database refuses the user for schema {schema}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise SettingsError(f"there is no such database for schema {schema}") from error
    except _PASSING as error:
        raise TransientError(f"database: {type(error).__name__}") from error
    try:
        yield Database(pool, aiosql.from_path(sql / "queries", "asyncpg", mandatory_parameters=False))
    finally:
        await pool.close()


async def _keep(_: Any) -> None:
    """Leave a returned connection as it is: nobody here changes its session, and asking costs a round trip each time."""


async def migrate(url: str, schema: str, folder: Path) -> int:
    """Apply the migrations that ``schema`` lacks, each in its transaction; return the version reached.

    Raises ``SchemaTooNewError`` where the database is ahead of this program: old code never runs on a newer schema.
    """
    steps = {int(path.name.split("_", 1)[0]): path for path in sorted(folder.glob("*.sql"))}
    newest = max(steps, default=0)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema):
            await connection.execute(f'CREATE SCHEMA "{schema}"')
        await connection.execute(f'SET search_path TO "{schema}"')
        await connection.execute("SET lock_timeout = '5s'; SET statement_timeout = '60s'")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version "
            "(version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        at = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
        if at > newest:
            raise SchemaTooNewError(f"schema {schema} is at version {at}, this program knows {newest}")
        for version in range(at + 1, newest + 1):
            async with connection.transaction():
                await connection.execute(steps[version].read_text(encoding="utf-8"))
                await connection.execute("INSERT INTO schema_version (version) VALUES ($1)", version)
            _log.info("schema_migrated", schema=schema, version=version)
        return newest
    finally:
        await connection.close()
