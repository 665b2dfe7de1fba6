"""Strangers at the door: failed sign-ins slow down, and nobody's body is read before it is known who asks."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from services.gateway.domain.throttle import ADDRESS_BURST, BURST, INTERVAL
from tests.integration.gateway_service import DEADLINE, OPERATOR, PASSWORD, Answer, Gateway, gateway_service
from tests.places import KUNSHAN, REFORM, SUZHOU
from tests.world import World

OFFICE, STRANGER = "192.0.2.10", "198.51.100.7"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    changes = {"trusted_proxies": "127.0.0.1"}
    async with gateway_service(tmp_path, world, (REFORM, KUNSHAN), amqp_url, database_url, **changes) as running:
        yield running


async def guess(gateway: Gateway, person: str, count: int, at: str = STRANGER) -> list[Answer]:
    """Try wrong passwords, all at once."""
    return list(await asyncio.gather(*(gateway.sign_in(REFORM, person, f"wrong{n}", at=at) for n in range(count))))


def slowed(answer: Answer) -> int:
    """Return the seconds that a sign-in was told to wait."""
    assert answer.said == (429, "auth.slow_down")
    assert answer.body["title"].startswith("登录失败次数过多")
    assert answer.body["title_en"].startswith("Too many failed sign-ins")
    return int(answer.headers["Retry-After"])


@pytest.mark.parametrize("person", ["officer", "nobody"])
async def test_guessing_slows_down_alike_for_accounts_that_there_are_and_others(gateway: Gateway, person: str) -> None:
    answers = await guess(gateway, person, BURST + 5)
    assert [a.status for a in answers].count(401) == BURST
    waits = [slowed(a) for a in answers if a.status == 429]
    assert all(0 < wait <= INTERVAL for wait in waits)
    assert await gateway.metric("yizhan_gateway_slowed_sign_ins_total") == 5
    gateway.later += timedelta(seconds=max(waits))
    assert (await gateway.sign_in(REFORM, person, "wrong", at=STRANGER)).said == (401, "auth.wrong")
    slowed(await gateway.sign_in(REFORM, person, "wrong", at=STRANGER))


async def test_the_person_signs_in_where_they_did_before(gateway: Gateway) -> None:
    assert (await gateway.sign_in(REFORM, "officer", at=OFFICE)).status == 201
    await guess(gateway, "officer", BURST + 5)
    slowed(await gateway.sign_in(REFORM, "officer", at="203.0.113.9"))
    for _ in range(3):
        assert (await gateway.sign_in(REFORM, "officer", at=OFFICE)).status == 201
    gateway.later += timedelta(seconds=INTERVAL)
    assert (await gateway.sign_in(REFORM, "officer", at="203.0.113.9")).status == 201, "elsewhere after a short while"


async def test_many_accounts_from_one_address(gateway: Gateway) -> None:
    answers = [await gateway.sign_in(REFORM, f"p{number}", "wrong", at=STRANGER) for number in range(ADDRESS_BURST + 1)]
    slowed(answers[-1])
    assert (await gateway.sign_in(REFORM, "lead", at=OFFICE)).status == 201


async def test_what_a_stranger_writes_into_the_header_is_not_believed(gateway: Gateway) -> None:
    forged = [f"192.0.2.{number}, {STRANGER}" for number in range(ADDRESS_BURST + 1)]
    answers = [await gateway.sign_in(REFORM, f"p{number}", "wrong", at=at) for number, at in enumerate(forged)]
    slowed(answers[-1])


async def opening(gateway: Gateway, method: str, path: str, token: str = "", length: int = 4_000_000) -> bytes:
    """Announce a long body, send none of it, and return what is answered all the same."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    writer.write((head + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode())
    try:
        async with asyncio.timeout(DEADLINE):
            return await reader.readuntil(b"}")
    finally:
        writer.close()


async def test_a_strangers_body_is_not_read(gateway: Gateway) -> None:
    officer = (await gateway.sign_in(REFORM, "officer")).body["token"]
    lead = (await gateway.sign_in(REFORM, "lead")).body["token"]
    document = (await gateway.send("GET", "/api/openapi.json")).body
    raw = {("post", "/api/v1/nodes/{code}/import"), ("post", "/api/v1/envelopes")}
    walked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "security" not in operation or not ("requestBody" in operation or (method, path) in raw):
                continue
            walked += 1
            place = (
                path.replace("{code}", SUZHOU).replace("{id}", str(gateway.world.new_id())).replace("{series}", "daily")
            )
            assert (await opening(gateway, method.upper(), place)).startswith(b"HTTP/1.1 401"), (method, path)
            if path != "/api/v1/tokens":  # whoever is signed in may ask for one
                answer = await opening(gateway, method.upper(), place, officer)
                assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 403")), (method, path)
    assert walked >= 8
    for path in (f"/api/v1/nodes/{REFORM}/items", f"/api/v1/nodes/{REFORM}/import"):
        assert (await opening(gateway, "POST", path, lead)).startswith(b"HTTP/1.1 403"), "the wrong role"


async def test_signing_in_takes_a_small_body(gateway: Gateway) -> None:
    assert (await opening(gateway, "POST", "/api/v1/sessions")).startswith(b"HTTP/1.1 413")
    body = {"node": REFORM, "person": "officer", "password": "x" * 30_000}
    assert (await gateway.send("POST", "/api/v1/sessions", body)).said == (413, "request.too_large")

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    assert (await gateway.send("POST", "/api/v1/sessions", in_pieces())).said == (413, "request.too_large")
    widest = {"node": REFORM, "person": "officer", "password": "\U00020bb7" * 1024}
    assert (await gateway.send("POST", "/api/v1/sessions", widest)).said == (401, "auth.wrong")
    assert (await gateway.sign_in(REFORM, "officer", PASSWORD)).status == 201
    assert (await gateway.send("PUT", "/api/v1/accounts", b"{", token=OPERATOR)).said == (400, "request.invalid")
