"""The HTTP side that every service has: health, readiness, metrics, the API document, problems for errors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import msgspec
import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from proto.limits import MAX_ENVELOPE_BYTES
from services.kit.errors import SettingsError
from services.kit.web.api import Endpoint, add_endpoints, openapi
from services.kit.web.bodies import bounded_bodies
from services.kit.web.problem import problem_middleware

MAX_BODY: Final = 4 * MAX_ENVELOPE_BYTES
MAX_CONNECTIONS: Final = 640
"""Of one process at a time, so that what is held open leaves file descriptors for database and broker. Those that one
round of the event loop lets in, ``_BACKLOG`` at most, may come on top."""
_BACKLOG: Final = 256
_IDLE_SECONDS: Final = 30.0  # without a whole request's head, from the first byte on and after every answer

_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

_log: Final = structlog.get_logger()


def build_app(
    title: str,
    endpoints: Sequence[Endpoint],
    *,
    version: str,
    metrics: CollectorRegistry,
    ready: Callable[[], bool],
) -> web.Application:
    """Return the application with the endpoints and the common ones: /healthz, /readyz, /metrics, /api/openapi.json."""
    document = msgspec.json.encode(openapi(title, version, endpoints))

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(status=503, text="not ready\n")

    async def metrics_page(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def api_document(_: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    app = web.Application(middlewares=[problem_middleware, bounded_bodies], client_max_size=MAX_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)
    app.router.add_get("/api/openapi.json", api_document)
    add_endpoints(app, endpoints)
    return app


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, *, most: int = MAX_CONNECTIONS, idle: float = _IDLE_SECONDS
) -> AsyncIterator[int]:
    """Listen while the block runs; yield the port. On leaving, requests under way are finished first.

    Past ``most`` open connections a new one is answered 503; one without a request for ``idle`` seconds is closed.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=10,
        handle_signals=False,
        keepalive_timeout=idle,
        auto_decompress=False,
        logger=_reporting(),
    )
    await runner.setup()
    try:
        if runner.server is None:
            raise RuntimeError("set up, but without a server")
        try:
            listening = await asyncio.get_running_loop().create_server(
                _Door(runner.server, most), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        try:
            yield int(listening.sockets[0].getsockname()[1])
        finally:
            listening.close()
    finally:
        await asyncio.shield(runner.cleanup())


def _reporting() -> logging.Logger:
    """Return the logger that aiohttp is given."""
    logger = logging.getLogger("yizhan.http")
    logger.handlers[:] = [_Faults()]
    logger.propagate = False
    return logger


class _Faults(logging.Handler):
    """Makes an event of what fails outside our handlers.

    A request that is no HTTP is its sender's fault and makes none: the error's text quotes it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log one, without its text."""
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR and not isinstance(error, HttpProcessingError):
            _log.error("http_failed", exc_info=error)


class _Door:
    """Makes the protocol of each new connection: the server's, or one that turns it away."""

    def __init__(self, server: web.Server, most: int) -> None:
        self._server = server
        self._most = most
        self._full = False

    def __call__(self) -> asyncio.Protocol:
        """Return a protocol."""
        full = len(self._server.connections) >= self._most
        if full and not self._full:
            _log.warning("connections_full", most=self._most)
        self._full = full
        return _TurnedAway() if full else self._server()


class _TurnedAway(asyncio.Protocol):
    """Says that there is no room, reading nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer and close."""
        line = cast("asyncio.Transport", transport)
        line.write(_NO_ROOM)
        line.close()
