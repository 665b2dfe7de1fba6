"""Servers of somebody else's: what ``YIZHAN_AMQP_URL`` and ``YIZHAN_DATABASE_URL`` name, tried before anything is made."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import aio_pika
import asyncpg
from aiormq.exceptions import AuthenticationError, ConnectionNotAllowed, InvalidFrameError, ProbableAuthenticationError
from msgspec import Struct

from services.cli.failures import CliError, Exit, cannot, unreachable
from services.kit.bus import LINE_ERRORS

_PATIENCE: Final = 5.0  # seconds that a server has to answer
_PAUSE: Final = 0.25
_FORMS: Final = {
    "YIZHAN_AMQP_URL": (("amqp", "amqps"), "amqp://user:password@host:5672/vhost"),
    "YIZHAN_DATABASE_URL": (("postgresql", "postgres"), "postgresql://user:password@host:5432/database"),
}
_DENIED: Final = (  # InvalidFrameError: the vhost is not there, and the library expected another answer
    AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed, InvalidFrameError,
    asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError, asyncpg.InsufficientPrivilegeError,
)  # fmt: skip
_AWAY: Final = (*LINE_ERRORS, asyncpg.PostgresError, asyncpg.InterfaceError)


class Given(Struct, frozen=True, kw_only=True):
    """URLs of servers that are there already; empty where we run our own."""

    amqp_url: str
    database_url: str

    @classmethod
    def pop(cls) -> "Given":
        """Take them out of the environment (the services read them from the settings file); refuse what is no URL."""
        amqp_url, database_url = (os.environ.pop(variable, "") for variable in _FORMS)
        for variable, url in zip(_FORMS, (amqp_url, database_url), strict=True):
            if url:
                _check_form(variable, url)
        return cls(amqp_url=amqp_url, database_url=database_url)

    @property
    def private(self) -> dict[str, str]:
        """The servers that we run ourselves: their users' names → what people call them."""
        names = (("postgres", "PostgreSQL", self.database_url), ("rabbitmq", "RabbitMQ", self.amqp_url))
        return {user: name for user, name, url in names if not url}

    async def require_reachable(self) -> None:
        """Raise ``CliError`` with the variable's name where a given server does not let us in."""
        if self.amqp_url:
            await _try("YIZHAN_AMQP_URL", lambda: aio_pika.connect(self.amqp_url, timeout=_PATIENCE))
        if self.database_url:
            await _try("YIZHAN_DATABASE_URL", lambda: asyncpg.connect(self.database_url, timeout=_PATIENCE))


def database_of(url: str) -> str:
    """Return host, port and name of a database, without who asks."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower().replace("localhost", "127.0.0.1")
    if ":" not in host.rpartition("]")[2]:
        host += ":5432"
    return f"{host}/{parts.path.strip('/') or parts.username or ''}"


def _check_form(variable: str, url: str) -> None:
    schemes, form = _FORMS[variable]
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and _has_port(parts)
    except ValueError:
        good = False
    if not good:
        raise CliError(
            Exit.SETTINGS,
            f"{_code(variable)}.invalid",
            f"{variable} 有误，应形如 {form}",
            f"{variable} is wrong: it looks like {form}",
        )


def _has_port(parts: SplitResult) -> bool:
    """Tell whether the port is a number, or left out; several hosts (PostgreSQL) are left to the server's library."""
    return "," in parts.netloc or parts.port is None or parts.port > 0


async def _try(variable: str, connect: Callable[[], Awaitable[Any]]) -> None:
    """Connect and close again; a server that is only just starting is given a few seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while True:
        try:
            connection = await connect()
            await connection.close()
        except _DENIED as error:
            raise cannot(
                f"{_code(variable)}.denied",
                f"{variable} 的服务器拒绝了用户、口令，或没有其中的 vhost、数据库",
                f"The server of {variable} refuses user or password, or has no such vhost or database",
                type(error).__name__,
            ) from error
        except _AWAY as error:
            if loop.time() >= deadline:
                raise unreachable(
                    f"{_code(variable)}.unreachable",
                    f"无法连接 {variable} 的服务器",
                    f"The server of {variable} cannot be reached",
                    type(error).__name__,
                ) from error
            await asyncio.sleep(_PAUSE)
        else:
            return


def _code(variable: str) -> str:
    return variable.removeprefix("YIZHAN_").lower()
