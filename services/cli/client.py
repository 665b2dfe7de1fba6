"""Calls to the services' HTTP API: an answer, or a ``CliError`` with the service's own code and words."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from services.cli.failures import CliError, Exit, not_so, unreachable, usage

T = TypeVar("T")
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=5)
_AGAIN: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


class Api:
    """One service's API as one caller."""

    def __init__(self, http: aiohttp.ClientSession, base: str, token: str) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._token = token

    def using(self, token: str) -> "Api":
        """Return the same API as another caller."""
        return Api(self._http, self._base, token)

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer; parameters that are None or '' are left out."""
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: Any = None) -> Any:
        """Send ``body`` (bytes as they are, anything else as JSON) and return the JSON answer, None where empty."""
        return await self.call("POST", path, body=body)

    async def call(self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """Make one request and return its JSON answer."""
        return _decoded(await self._send(method, path, body, query), self._base)

    async def download(self, path: str, **query: Any) -> bytes:
        """Return the bytes of an answer that is no JSON."""
        return await self._send("GET", path, None, query)

    async def _send(self, method: str, path: str, body: Any, query: Mapping[str, Any] | None) -> bytes:
        data = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if data is not None:
            headers["Content-Type"] = "application/json"
        params = {name: _parameter(value) for name, value in (query or {}).items() if value not in (None, "")}
        try:
            async with self._http.request(
                method, self._base + path, data=data, headers=headers, params=params, allow_redirects=False
            ) as answer:
                content = await answer.read()
        except aiohttp.InvalidURL as error:
            raise usage("url.invalid", "地址有误", "Not a URL", self._base) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(
                "http.unreachable",
                "无法连接服务",
                "The service cannot be reached",
                f"{self._base}: {type(error).__name__}",
            ) from error
        if answer.ok:
            return content
        raise _problem(answer.status, content, self._base)


def _parameter(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _decoded(content: bytes, base: str) -> Any:
    if not content:
        return None
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise unreachable("http.not_json", "该地址不是驿站服务", "That address is no Yizhan service", base) from error


def _problem(status: int, content: bytes, base: str) -> CliError:
    """Read RFC 9457 problem details; the exit code follows from the status."""
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    code = str(problem.get("code", f"http.{status}"))
    zh, en = str(problem.get("title", "请求失败")), str(problem.get("title_en", "The request failed"))
    detail = str(problem.get("detail", "")) or ("" if problem else base)
    if status in _AGAIN:
        return unreachable(code, zh, en, detail)
    if status == HTTPStatus.BAD_REQUEST:
        return usage(code, zh, en, detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CliError(Exit.UNREACHABLE, code, zh, en, detail)
    return not_so(code, zh, en, detail)


@asynccontextmanager
async def api(base: str, token: str) -> AsyncIterator[Api]:
    """Open the API of the service at ``base``."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        yield Api(http, base, token)


@asynccontextmanager
async def signed_in(base: str, node: str, person: str, password: str) -> AsyncIterator[Api]:
    """Open the API as a staff member; the session ends with the block."""
    async with api(base, "") as anonymous:
        found = await anonymous.post("/api/v1/sessions", {"node": node, "person": person, "password": password})
        member = anonymous.using(found["token"])
        try:
            yield member
        finally:
            await quietly(member.call("DELETE", "/api/v1/sessions/current"))


async def quietly(work: Awaitable[Any]) -> None:
    """Tidy up at the end, such as a session, which else ends by itself; it must not hide how the command ended."""
    try:
        await work
    except CliError:
        return


def run(work: Callable[[], Any]) -> Any:
    """Run an async function from a command."""
    return asyncio.run(work())
