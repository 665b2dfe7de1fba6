"""The four services' HTTP: described truly, closed to strangers, never surprised. The walks come from the API documents."""

import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from yarl import URL

from tests.acceptance.acts import content, refusal
from tests.acceptance.sampling import SERVICES, Operation, bad_bodies, odd_addresses, odd_bodies, operations
from tests.network import Network
from tests.places import KUNSHAN, SUZHOU, WUXI
from tests.waiting import eventually

ANYBODYS = {"POST /api/v1/tokens", "GET /api/v1/me", "DELETE /api/v1/sessions/current", "GET /api/v1/rules"}
"""Operations for whoever is signed in: they name no unit and show only the caller's own, or what all may know."""


class Answer(msgspec.Struct):
    """What came back."""

    status: int
    kind: str
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Return the problem (RFC 9457) that it is."""
        assert self.kind == "application/problem+json", (self.status, self.kind)
        found: dict[str, Any] = msgspec.json.decode(self.body)
        assert found["status"] == self.status
        assert found["type"] == f"urn:yizhan:problem:{found['code']}"
        assert any("\u4e00" <= char <= "\u9fff" for char in found["title"])
        assert found["title_en"].isascii()
        assert found["title_en"]
        return found


class Api:
    """All operations of a network's services, and calling them raw."""

    def __init__(self, network: Network, http: aiohttp.ClientSession) -> None:
        self._network = network
        self._http = http
        self.operations: list[Operation] = []

    async def document(self, service: str) -> dict[str, Any]:
        """Return a service's API document, which needs no token."""
        found: dict[str, Any] = msgspec.json.decode((await self.send(service, "GET", "/api/openapi.json")).body)
        return found

    async def send(
        self, service: str, method: str, path: str, *, query: dict[str, str] | None = None, token: str = "", body: bytes | None = None
    ) -> Answer:  # fmt: skip
        """Send one request as it is."""
        asked = f"?{urlencode(query)}" if query else ""
        url = URL(f"{self._network.place.url(service)}{path}{asked}", encoded=True)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else io.BytesIO(body)
        async with self._http.request(method, url, data=data, headers=headers) as answer:
            return Answer(answer.status, answer.content_type, await answer.read())

    async def good(self, operation: Operation, token: str = "") -> Answer:
        """Send a well-formed request of an operation."""
        body = None if operation.body is None else msgspec.json.encode(operation.good_body())
        return await self.send(
            operation.service, operation.method, operation.address(), query=operation.query(), token=token, body=body
        )

    async def token(self, node: str, person: str) -> str:
        """Sign a member of a unit's staff in."""
        body = msgspec.json.encode({"node": node, "person": person, "password": self._network.people.password})
        answer = await self.send("gateway", "POST", "/api/v1/sessions", body=body)
        return str(msgspec.json.decode(answer.body)["token"])


@pytest_asyncio.fixture(scope="module")
async def api(network: Network) -> AsyncIterator[Api]:
    """The services' operations."""
    bulletins = f"/api/v1/hubs/{SUZHOU}/bulletins"  # answered once scoring has read the registry
    await eventually(lambda: network.people.operator("scoring", "GET", bulletins), "scoring that knows the hubs")
    async with aiohttp.ClientSession() as http:
        api = Api(network, http)
        for service in SERVICES:
            api.operations += operations(service, await api.document(service))
        yield api


@pytest.mark.parametrize("service", SERVICES)
async def test_document_is_valid(api: Api, service: str) -> None:
    document = await api.document(service)
    validate(document, cls=OpenAPIV31SpecValidator)
    for methods in document["paths"].values():
        for operation in methods.values():
            zh, _, en = operation["summary"].partition("/")
            assert any("\u4e00" <= char <= "\u9fff" for char in zh)
            assert en.strip()[:1].isascii()


@pytest.mark.parametrize("service", SERVICES)
async def test_health_needs_no_token(api: Api, service: str) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await api.send(service, "GET", path)).status == 200


async def test_the_walk_covers_the_services(api: Api) -> None:
    assert {operation.service for operation in api.operations} == {"gateway", "scoring", "archive"}
    assert len(api.operations) >= 30
    assert [operation.name for operation in api.operations if operation.public] == ["gateway POST /api/v1/sessions"]


@pytest.mark.parametrize("token", ["", "guess", "Bearer", "é", "x" * 4_000])
async def test_without_a_good_token(api: Api, token: str) -> None:
    for operation in api.operations:
        if not operation.public:
            answer = await api.good(operation, token)
            assert (operation.name, answer.status) == (operation.name, 401)
            assert answer.problem()["code"] == "auth.required"


async def test_another_scheme_is_no_token(network: Network, api: Api) -> None:
    url = f"{network.place.url('gateway')}/api/v1/nodes"
    async with aiohttp.ClientSession() as http:
        for header in (network.place.operator(), f"Basic {network.place.operator()}", "Bearer", "Bearer  "):
            async with http.get(url, headers={"Authorization": header}) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert api.operations


async def test_another_units_token(network: Network, api: Api) -> None:
    """A member of another unit, and another unit's tool, at every address that names a unit or is the operator's."""
    tokens = {"gateway": [await api.token(WUXI, "officer"), await api.token(WUXI, "editor"), network.tokens[WUXI]]}
    walked = 0
    for operation in api.operations:
        if operation.public or f"{operation.method} {operation.path}" in ANYBODYS:
            continue
        for token in tokens.get(operation.service, [network.tokens[WUXI]]):
            answer = await api.good(operation, token)
            assert answer.status in {401, 403}, (operation.name, answer.status, answer.body)
            assert answer.problem()["code"] in {"auth.required", "auth.not_this_node", "forbidden", "ledger.not_yours"}
            walked += 1
    assert walked > 40


async def staff_tokens(network: Network, api: Api) -> dict[str, list[str]]:
    """Return tokens that may do as much as possible."""
    staff = [await api.token(KUNSHAN, person) for person in ("officer", "lead")]
    return {
        "gateway": [network.place.operator(), *staff],
        "scoring": [network.place.operator()],
        "archive": [network.place.operator()],
    }


async def tokens_for_bodies(network: Network, api: Api) -> list[str]:
    """Return tokens of which one, at the city's addresses, may ask for any operation that takes a body."""
    return [network.place.operator(), *[await api.token(SUZHOU, person) for person in ("officer", "editor", "lead")]]


async def test_malformed_bodies(network: Network, api: Api) -> None:
    """Whoever may ask is told what is wrong with the body, whoever may not is told only that."""
    tokens = await tokens_for_bodies(network, api)
    for operation in api.operations:
        if operation.body is None:
            continue
        address, seen = operation.address(code=SUZHOU, hub=SUZHOU), set[int]()
        for flaw, body in bad_bodies(operation):
            for token in tokens:
                answer = await api.send(operation.service, operation.method, address, token=token, body=body)
                told = 413 if flaw == "oversize" else 400
                assert answer.status in {401, 403, told}, (operation.name, flaw, answer.status)
                assert answer.problem()["code"] != "internal"
                seen.add(answer.status)
        assert seen >= {400, 413}, operation.name


async def test_bodies_that_are_not_in_the_document(network: Network, api: Api) -> None:
    """An import and a sealed envelope are read raw: they too are refused with a reason."""
    officer, operator = await api.token(KUNSHAN, "officer"), network.place.operator()
    for body in (
        b"",
        b"{",
        b'"\xff"',
        b"[" * 100_000,
        b'{"payloadType":"x","payload":"","signatures":[]}',
        b"\x00" * 100,
    ):
        answer = await api.send("gateway", "POST", "/api/v1/envelopes", token=operator, body=body)
        assert answer.status == 422, body[:30]
        answer.problem()
        answer = await api.send("gateway", "POST", f"/api/v1/nodes/{KUNSHAN}/import", token=officer, body=body)
        assert answer.status == 200
        assert all(line["code"] for line in msgspec.json.decode(answer.body))
    for path, token in ((f"/api/v1/nodes/{KUNSHAN}/import", officer), ("/api/v1/envelopes", operator)):
        answer = await api.send("gateway", "POST", path, token=token, body=b"x" * (5 * 1024 * 1024))
        assert (answer.status, answer.problem()["code"]) == (413, "request.too_large")
    lines = await api.send("gateway", "POST", f"/api/v1/nodes/{KUNSHAN}/import", token=officer, body=b"x\n" * 2_001)
    assert (lines.status, lines.problem()["code"]) == (400, "import.too_many_lines")


async def test_odd_values_in_bodies(network: Network, api: Api) -> None:
    """By a county's officer, and at a hub's addresses by whoever may say what is said there."""
    tokens, at_hub = await staff_tokens(network, api), (await tokens_for_bodies(network, api))[2:]
    wrong = []
    for operation in api.operations:
        if operation.body is None or operation.path == "/api/v1/tokens":
            continue
        callers = [(KUNSHAN, token) for token in tokens[operation.service][:2]]
        if "{code}" in operation.path:
            callers += [(SUZHOU, token) for token in at_hub]
        for flaw, body in odd_bodies(operation):
            for node, token in callers:
                answer = await api.send(
                    operation.service, operation.method, operation.address(code=node), token=token, body=body
                )
                if answer.status >= 500 or (answer.status >= 400 and answer.kind != "application/problem+json"):
                    wrong.append((operation.name, flaw, answer.status))
    assert not wrong, "\n".join(map(str, wrong))


async def test_unknown_fields(network: Network, api: Api) -> None:
    tokens = await tokens_for_bodies(network, api)
    for operation in api.operations:
        good = operation.good_body()
        if good is None:
            continue
        odd = [one | {"no_such_field": 1} for one in good] if isinstance(good, list) else good | {"no_such_field": 1}
        body, address = msgspec.json.encode(odd), operation.address(code=SUZHOU, hub=SUZHOU)
        answers = [await api.send(operation.service, operation.method, address, token=t, body=body) for t in tokens]
        assert {answer.status for answer in answers} <= {400, 401, 403}, operation.name
        told = [answer.problem()["detail"] for answer in answers if answer.status == 400]
        assert any("no_such_field" in detail for detail in told), (operation.name, told)


async def test_odd_values_in_addresses(network: Network, api: Api) -> None:
    tokens = await staff_tokens(network, api)
    wrong = []
    for operation in api.operations:
        body = None if operation.body is None else msgspec.json.encode(operation.good_body())
        for flaw, path, query in odd_addresses(operation):
            for token in tokens[operation.service][:2]:
                answer = await api.send(operation.service, operation.method, path, query=query, token=token, body=body)
                if answer.status >= 500 or (answer.status >= 400 and answer.kind != "application/problem+json"):
                    wrong.append((operation.name, flaw, answer.status))
    assert not wrong, "\n".join(map(str, wrong))


async def test_bad_uuid(network: Network, api: Api) -> None:
    """Whoever may ask is told so, in whatever part of the address the id stands."""
    tokens = {"gateway": await tokens_for_bodies(network, api)}
    walked = 0
    for operation in api.operations:
        if "{id}" not in operation.path:
            continue
        body = None if operation.body is None else msgspec.json.encode(operation.good_body())
        for bad in ("1", "not-a-uuid", "0193800000007000800000000000000z", "%00"):
            answers = [
                await api.send(
                    operation.service, operation.method, operation.address(code=SUZHOU, id=bad), query=operation.query(),
                    body=body, token=token,
                )
                for token in tokens.get(operation.service, [network.place.operator()])
            ]  # fmt: skip
            codes = {answer.problem()["code"] for answer in answers}
            assert codes <= {"request.invalid", "auth.required", "auth.role", "report.chain"}, (operation.name, bad)
            assert "request.invalid" in codes or operation.method == "PUT", (operation.name, bad)
            walked += 1
    assert walked >= 20


@pytest.mark.parametrize("service", SERVICES)
async def test_no_such_address_and_no_such_method(api: Api, service: str) -> None:
    assert (await api.send(service, "GET", "/api/v1/nothing")).problem()["code"] == "http.404"
    assert (await api.send(service, "DELETE", "/healthz")).problem()["code"] == "http.405"


async def test_handing_in_again_returns_the_same_message(network: Network) -> None:
    text, item = content(), uuid4()
    first = await network.submit(KUNSHAN, text, item=item)
    assert [await network.submit(KUNSHAN, text, item=item) for _ in range(3)] == [first] * 3
    mine = await network.people.call(KUNSHAN, "officer", "GET", f"/api/v1/nodes/{KUNSHAN}/items?limit=200")
    assert [one["message"] for one in mine if one["id"] == str(item)] == [str(first)]


async def test_the_same_id_from_another_unit(network: Network) -> None:
    item = uuid4()
    await network.submit(KUNSHAN, content(), item=item)
    assert await refusal(network.submit(SUZHOU, content(), item=item)) == (409, "item.id_taken")
