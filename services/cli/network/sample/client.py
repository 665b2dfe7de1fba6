"""A small client of the gateway: every person signs in once, every key is unlocked once."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec

from services.cli.place import Place
from services.gateway.store.accounts import Account
from services.kit.crypto import PrivateKey
from services.kit.settings import secret

_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)


class CallError(Exception):
    """The service answered with a problem; ``code`` is its stable code."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code} {detail}".strip())
        self.status, self.code = status, code


class People:
    """Acts as the staff of a network with demo accounts."""

    def __init__(self, place: Place, http: aiohttp.ClientSession) -> None:
        self._place = place
        self._http = http
        self._password = secret(str(place.demo_password))
        accounts = msgspec.json.decode(place.accounts.read_bytes(), type=list[Account])
        self._accounts = {(a.node, a.person): a for a in accounts}
        self._tokens: dict[tuple[str, str], asyncio.Task[str]] = {}
        self._keys: dict[tuple[str, str], asyncio.Task[PrivateKey]] = {}

    @property
    def accounts(self) -> list[Account]:
        """All accounts."""
        return list(self._accounts.values())

    @property
    def password(self) -> str:
        """The demo password."""
        return self._password

    async def call(self, node: str, person: str, method: str, path: str, body: Any = None) -> Any:
        """Call the gateway as a person."""
        return await self.request("gateway", method, path, token=await self.token(node, person), body=body)

    async def token(self, node: str, person: str) -> str:
        """Return a person's token; the first time this signs in."""
        key = (node, person)
        if key not in self._tokens:
            self._tokens[key] = asyncio.create_task(self._sign_in(node, person), name="sign-in")
        return await self._tokens[key]

    async def operator(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call a service as the operator."""
        return await self.request(service, method, path, token=self._place.operator(), body=body)

    async def stats(self, service: str, since: str) -> Any:
        """Return a service's counts of what was sent since a time, an RFC 3339 one or "" for ever."""
        return await self.operator(service, "GET", f"/api/v1/stats?{urlencode({'since': since} if since else {})}")

    async def key(self, node: str, person: str) -> PrivateKey:
        """Return a person's signing key."""
        who = (node, person)
        if who not in self._keys:
            pem = self._accounts[who].key_pem or b""
            self._keys[who] = asyncio.create_task(
                asyncio.to_thread(PrivateKey.from_pem, pem, self._password), name="unlock"
            )
        return await self._keys[who]

    async def request(self, service: str, method: str, path: str, *, token: str, body: Any = None) -> Any:
        """Send one request; return the decoded answer, raise ``CallError`` for a problem."""
        raw = await self.raw(service, method, path, token=token, body=body)
        return msgspec.json.decode(raw) if raw else None

    async def raw(self, service: str, method: str, path: str, *, token: str, body: Any = None) -> bytes:
        """Send one request; return the answer as it came, raise ``CallError`` for a problem."""
        data = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        async with self._http.request(
            method,
            self._place.url(service) + path,
            data=data,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT,
        ) as answer:
            raw = await answer.read()
            if answer.status >= 400:  # noqa: PLR2004 - HTTP's own number
                problem = msgspec.json.decode(raw) if "problem+json" in answer.content_type else {}
                raise CallError(answer.status, problem.get("code", "http"), problem.get("detail", ""))
            return raw

    async def _sign_in(self, node: str, person: str) -> str:
        body = {"node": node, "person": person, "password": self._password}
        answer = await self.request("gateway", "POST", "/api/v1/sessions", token="", body=body)
        return str(answer["token"])
