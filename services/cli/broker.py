"""The broker as the operator sees it: its address, and how much waits in each queue."""

import logging
import os
import tomllib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote, urlsplit

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import (
    AuthenticationError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ProbableAuthenticationError,
)

from services.cli.failures import cannot, unreachable
from services.cli.place import Place
from services.kit.amqp import tolerate_any_property
from services.kit.bus import LINE_ERRORS

OPERATOR: Final = "operator"
SERVICE_USERS: Final = frozenset({"router", "archive", "scoring", OPERATOR})
"""The broker users of the network's own services: every other one may be some unit's."""
_TIMEOUT: Final = 10.0  # seconds


def quiet_libraries() -> None:
    """Keep the broker libraries' own log lines off the terminal: what went wrong is said once, by us."""
    for name in ("aio_pika", "aiormq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def operator_url(place: Place) -> str:
    """Return the broker's URL with the operator's credentials; ``YIZHAN_AMQP_URL`` goes first."""
    given = os.environ.get("YIZHAN_AMQP_URL", "")
    if given:
        return given
    if not place.made:
        raise cannot(
            "place.none",
            f"此处没有网络（{place.var}）；先运行 yizhan up，或设置 YIZHAN_VAR、YIZHAN_AMQP_URL",
            "There is no network here; run yizhan up first, or set YIZHAN_VAR or YIZHAN_AMQP_URL",
        )
    url = gateway_url(place)
    parts = urlsplit(url)
    if parts.password:  # a broker that somebody else keeps: one user for all
        return url
    password = quote(place.broker_password(OPERATOR), safe="")
    return parts._replace(netloc=f"{OPERATOR}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()


def gateway_url(place: Place) -> str:
    """Return the broker's URL in the gateway's settings."""
    settings = tomllib.loads(place.config.read_text(encoding="utf-8"))
    return str(settings.get("gateway", {}).get("amqp_url", ""))


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """Open a connection for the block; a line that drops inside it is one error."""
    tolerate_any_property()
    quiet_libraries()
    try:
        connection = await aio_pika.connect(url, client_properties={"connection_name": name}, timeout=_TIMEOUT)
    except (AuthenticationError, ProbableAuthenticationError) as error:
        raise cannot("broker.login", "总线拒绝了用户或口令", "The broker refused user or password") from error
    except LINE_ERRORS as error:
        raise unreachable(
            "broker.unreachable", "无法连接消息总线", "The broker cannot be reached", type(error).__name__
        ) from error
    try:
        async with connection:
            yield connection
    except ChannelAccessRefused as error:
        raise cannot(
            "broker.permission", "总线用户无此权限", "The broker user may not do this", str(error)[:200]
        ) from error
    except LINE_ERRORS as error:
        raise unreachable(
            "broker.failed", "消息总线操作未完成", "The broker did not do it", str(error)[:200]
        ) from error


async def depths(connection: AbstractConnection, queues: Iterable[str]) -> dict[str, int | None]:
    """Return how many messages wait in each queue, None where there is no such queue."""
    found: dict[str, int | None] = {}
    channel = await connection.channel()
    for name in queues:
        try:
            queue = await channel.declare_queue(name, passive=True, timeout=_TIMEOUT)
        except ChannelNotFoundEntity:  # its channel is gone with it
            found[name] = None
            channel = await connection.channel()
        else:
            found[name] = queue.declaration_result.message_count
    await channel.close()
    return found
