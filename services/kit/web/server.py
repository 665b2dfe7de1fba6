"""The HTTP side that every service has: health, readiness, metrics, the API document, problems for errors."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from proto.limits import MAX_ENVELOPE_BYTES
from services.kit.errors import SettingsError
from services.kit.web.api import Endpoint, add_endpoints, openapi
from services.kit.web.problem import problem_middleware

MAX_BODY: Final = 4 * MAX_ENVELOPE_BYTES


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

    app = web.Application(middlewares=[problem_middleware], client_max_size=MAX_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)
    app.router.add_get("/api/openapi.json", api_document)
    add_endpoints(app, endpoints)
    return app


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; yield the port. On leaving, requests under way are finished first."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=10, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=512)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        yield int(runner.addresses[0][1])
    finally:
        await asyncio.shield(runner.cleanup())
