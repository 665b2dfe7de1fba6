"""The HTTP edge as strangers use it: raw bytes on real connections."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.kit.web import bodies
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, Read
from services.kit.web.server import build_app, serving

DEADLINE = 10.0  # seconds


class Echo(msgspec.Struct):
    text: str = ""


class Room:
    """A server with one public endpoint, /echo, and one for the operator, /secret."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()
        self.done = asyncio.Event()
        self.port = 0

    async def echo(self, _: web.Request, read: Read[Echo]) -> Echo:
        self.reading.set()
        try:
            return await read()
        finally:
            self.done.set()

    async def secret(self, request: web.Request, _: None) -> Echo:
        Access({}).operator(request)
        return Echo()

    @asynccontextmanager
    async def open(self, **bounds: Any) -> AsyncIterator[None]:
        app = build_app("test", self._endpoints(), version="1", metrics=CollectorRegistry(), ready=lambda: True)
        async with serving(app, "127.0.0.1", 0, **bounds) as self.port:
            yield

    async def fail(self, _: web.Request, __: None) -> Echo:
        raise ValueError

    def _endpoints(self) -> Sequence[Endpoint]:
        return [
            Endpoint(method="POST", path="/echo", handle=self.echo, summary="x", body=Echo, answer=Echo, public=True),
            Endpoint(method="GET", path="/secret", handle=self.secret, summary="x", answer=Echo),
            Endpoint(method="GET", path="/fail/{id}", handle=self.fail, summary="x", answer=Echo, public=True),
        ]

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer

    async def answer(self, data: bytes) -> bytes:
        """Return all that the server says until it closes the connection."""
        reader, writer = await self.connect(data)
        try:
            return await asyncio.wait_for(reader.read(), DEADLINE)
        finally:
            writer.close()


def post(*headers: str, body: bytes = b"") -> bytes:
    lines = ["POST /echo HTTP/1.1", "Host: x", "Connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "identity, gzip", "x"])
async def test_nothing_is_unpacked(coding: str) -> None:
    room = Room()
    body = gzip.compress(b'{"text":"' + b"a" * 1_000_000 + b'"}')
    async with room.open():
        said = await room.answer(post(f"Content-Encoding: {coding}", f"Content-Length: {len(body)}", body=body))
    assert said.startswith(b"HTTP/1.1 415 ")
    assert b"request.content_encoding" in said
    assert b"\r\nAccept-Encoding: identity\r\n" in said
    assert not room.reading.is_set()


async def test_what_is_not_packed_is_taken() -> None:
    room = Room()
    async with room.open():
        said = await room.answer(post("Content-Encoding: Identity", "Content-Length: 12", body=b'{"text":"a"}'))
    assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_come_is_not_waited_for(
    length: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bodies, "_FIRST_SECONDS", 0.2)
    monkeypatch.setattr(bodies, "_CHUNKED_SECONDS", 0.2)
    room = Room()
    with capture_logs() as logged:
        async with room.open():
            reader, writer = await room.connect(post(length))
            said = await asyncio.wait_for(reader.readuntil(b"}"), DEADLINE)
            assert said.startswith(b"HTTP/1.1 408 ")
            assert b"request.too_slow" in said
            writer.close()
    assert (logged, caplog.records) == ([], [])


async def test_a_body_that_came_in_time_may_be_handled_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_FIRST_SECONDS", 0.0)
    room = Room()
    read_later = asyncio.Event()
    echo = room.echo

    async def patient(request: web.Request, read: Read[Echo]) -> Echo:
        asyncio.get_running_loop().call_later(0.2, read_later.set)
        await read_later.wait()
        return await echo(request, read)

    monkeypatch.setattr(room, "echo", patient)
    async with room.open():
        said = await room.answer(post("Content-Length: 12", body=b'{"text":"a"}'))
    assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("head", [b"", b"POST /echo HTTP/1.1\r\nHost: x\r\nX-A: a"], ids=["nothing", "half a head"])
async def test_a_head_that_does_not_come_is_not_waited_for(head: bytes) -> None:
    room = Room()
    async with room.open(idle=0.3):
        assert await room.answer(head) == b""


async def test_past_its_bound_a_connection_is_told_so_and_room_comes_back() -> None:
    room = Room()
    whole = post("Content-Length: 2", body=b"{}")
    with capture_logs() as logged:
        async with room.open(most=2):
            held = []
            for _ in range(2):
                reader, writer = await room.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"ok\n"), DEADLINE)
                held.append(writer)
            for _ in range(3):
                said = await room.answer(b"")
                assert said.startswith(b"HTTP/1.1 503 ")
                assert b"\r\nRetry-After: " in said
            for writer in held:
                writer.close()
                await writer.wait_closed()
            async with asyncio.timeout(DEADLINE):
                while not (await room.answer(whole)).startswith(b"HTTP/1.1 200 "):  # until the closing is noticed
                    pass
    assert [line["event"] for line in logged if line["log_level"] == "warning"] == ["connections_full"]


async def test_a_client_that_goes_away_is_nobodys_error(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    with capture_logs() as logged:
        async with room.open():
            _, writer = await room.connect(post("Content-Length: 100", body=b"{"))
            await asyncio.wait_for(room.reading.wait(), DEADLINE)
            writer.transport.abort()
            await asyncio.wait_for(room.done.wait(), DEADLINE)
    assert (logged, caplog.records) == ([], [])


@pytest.mark.parametrize("chunks", [b"-1\r\n{}", b"zz\r\n{}", b"2\r\n{}garbage\r\n0\r\n\r\n"])
async def test_a_body_that_is_broken_is_the_senders_error(chunks: bytes, caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    with capture_logs() as logged:
        async with room.open():
            said = await room.answer(post("Transfer-Encoding: chunked", body=chunks))
    assert b" 400 " in said.splitlines()[0]
    assert (logged, caplog.records) == ([], [])


@pytest.mark.parametrize("token", [b"\xff", b"\xff\xfe", "令牌".encode(), b"a\x9b31m"])
async def test_a_token_of_odd_bytes_is_nobodys(token: bytes) -> None:
    room = Room()
    head = b"GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    with capture_logs() as logged:
        async with room.open():
            said = await room.answer(head)
    assert said.startswith(b"HTTP/1.1 401 ")
    assert logged == []


@pytest.mark.parametrize("odd", ["%c2%9b31m", "%e2%80%ae", "%0a", "%00", "%ff%ed%a0%80", "%e6%98%86"])
async def test_a_path_is_one_plain_word_in_the_log(odd: str) -> None:
    room = Room()
    head = f"GET /fail/{odd}?q=secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    with capture_logs() as logged:
        async with room.open():
            said = await room.answer(head)
    assert said.startswith(b"HTTP/1.1 500 ")
    (path,) = [line["path"] for line in logged]
    assert path.isascii()
    assert path.isprintable()
    assert "secret" not in path
    assert path.startswith("/fail/%")
