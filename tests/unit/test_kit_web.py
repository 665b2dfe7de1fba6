"""Problems, tokens and the API document, without a server."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from openapi_spec_validator import OpenAPIV31SpecValidator

from proto.envelope import digest_of
from proto.errors import Reason, RefusedError
from proto.messages import Report, Verdict
from services.kit.errors import TransientError, UnavailableError
from services.kit.web.access import ALL, Access
from services.kit.web.api import Endpoint, openapi, place_of, query_of
from services.kit.web.problem import (
    CONTENT_TYPE,
    ProblemError,
    forbidden,
    invalid,
    not_found,
    problem_middleware,
    unauthorized,
    unavailable,
)
from services.kit.web.since import Since

SECRET = "秘密内容"


class Draft(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    verdict: Verdict = Verdict.ADOPTED
    parent: UUID | None = None


class Page(msgspec.Struct, forbid_unknown_fields=True):
    after: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    verdict: Verdict | None = None
    unit: str = ""


def request(path: str = "/x", **headers: str) -> web.Request:
    return make_mocked_request("GET", path, headers=headers)


async def answer_to(error: Exception) -> tuple[web.StreamResponse, dict[str, Any]]:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise error

    response = await problem_middleware(request(), handler)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    return response, json.loads(response.body)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (not_found(), 404, "not_found"),
        (forbidden(), 403, "forbidden"),
        (unauthorized(), 401, "auth.required"),
        (invalid("$.title"), 400, "request.invalid"),
        (ProblemError(409, "item.changed", "已变更", "It has changed"), 409, "item.changed"),
        (RefusedError(Reason.REPORT_CLASSIFIED), 422, "report.classified"),
        (unavailable(), 503, "unavailable"),
        (UnavailableError("full"), 503, "unavailable"),
        (TransientError("database: OSError"), 503, "unavailable"),
        (web.HTTPNotFound(), 404, "http.404"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "http.405"),
        (web.HTTPRequestEntityTooLarge(1, 2), 413, "request.too_large"),
        (ValueError(SECRET), 500, "internal"),
    ],
)
async def test_every_failure_is_a_problem(error: Exception, status: int, code: str) -> None:
    response, problem = await answer_to(error)
    assert response.status == status == problem["status"]
    assert response.content_type == CONTENT_TYPE == "application/problem+json"
    assert problem["code"] == code
    assert problem["type"] == f"urn:yizhan:problem:{code}"
    assert problem["title"]
    assert problem["title_en"].isascii()
    assert SECRET not in json.dumps(problem, ensure_ascii=False)


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason_is_a_problem_in_both_languages(reason: Reason) -> None:
    response, problem = await answer_to(RefusedError(reason, "lead"))
    assert (response.status, problem["code"], problem["title"], problem["title_en"]) == (
        422,
        reason,
        reason.zh,
        reason.en,
    )
    assert problem["detail"] == "lead"


async def test_headers_that_a_client_acts_on() -> None:
    assert (await answer_to(unavailable(7)))[0].headers["Retry-After"] == "7"
    assert (await answer_to(UnavailableError("full")))[0].headers["Retry-After"]
    assert (await answer_to(unauthorized()))[0].headers["WWW-Authenticate"].startswith("Bearer")
    assert (await answer_to(web.HTTPMethodNotAllowed("PUT", ["GET"])))[0].headers["Allow"] == "GET"


async def test_a_redirect_is_no_failure() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    with pytest.raises(web.HTTPFound):
        await problem_middleware(request(), handler)


ACCESS = Access({digest_of(b"county"): ("320583",), digest_of(b"operator"): (ALL,)})


def problem_of(call: Callable[[], object]) -> str | None:
    try:
        call()
    except ProblemError as error:
        return error.problem.code
    return None


@pytest.mark.parametrize(
    ("header", "as_own", "as_other", "operator"),
    [
        ("Bearer county", None, "auth.not_this_node", "forbidden"),
        ("Bearer operator", None, None, None),
        ("Bearer stranger", "auth.required", "auth.required", "auth.required"),
        ("Bearer ", "auth.required", "auth.required", "auth.required"),
        ("Basic county", "auth.required", "auth.required", "auth.required"),
        ("", "auth.required", "auth.required", "auth.required"),
    ],
)
def test_tokens(header: str, as_own: str | None, as_other: str | None, operator: str | None) -> None:
    asked = request(Authorization=header)
    assert problem_of(lambda: ACCESS.reader(asked, "320583")) == as_own
    assert problem_of(lambda: ACCESS.reader(asked, "320500")) == as_other
    assert problem_of(lambda: ACCESS.operator(asked)) == operator


def test_query_parameters() -> None:
    assert query_of(request("/x?limit=5&verdict=merged"), Page) == Page(limit=5, verdict=Verdict.MERGED)
    for query in ("limit=0", "limit=x", "verdict=lost", "unknown=1", f"after={SECRET}"):
        with pytest.raises(ProblemError) as error:
            query_of(request(f"/x?{query}"), Page)
        assert (error.value.problem.status, error.value.problem.code) == (400, "request.invalid")
        assert SECRET not in error.value.problem.detail


@pytest.mark.parametrize(
    "since",
    [
        "2026",
        "-1",
        "1e9",
        "0.5",
        "NaN",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "２０２６-01-01T00:00:00Z",
        "",
    ],
)
def test_a_time_is_asked_for_as_a_time(since: str) -> None:
    with pytest.raises(ProblemError) as error:
        query_of(request(f"/x?since={since}"), Since)
    assert (error.value.problem.status, error.value.problem.code) == (400, "request.invalid")
    assert "since" in error.value.problem.detail


@pytest.mark.parametrize(
    "since", ["2026-01-01T00:00:00Z", "2026-01-01t08:00:00.000+08:00", "2026-01-01 08:00:00%2B08:00"]
)
def test_all_forms_of_a_time_are_taken(since: str) -> None:
    found = query_of(request(f"/x?since={since.replace('+', '%2B')}"), Since)
    assert found.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert query_of(request("/x"), Since).since is None


@pytest.mark.parametrize(
    "body", [f'{{"title":"{SECRET * 3}"}}', f'{{"title":"x","verdict":"{SECRET}"}}', f"{SECRET}", '{"title":1}']
)
def test_the_place_of_an_error_says_nothing_of_the_content(body: str) -> None:
    with pytest.raises(msgspec.MsgspecError) as error:
        msgspec.json.decode(body, type=Draft)
    assert SECRET not in place_of(error.value)
    assert place_of(error.value)


def test_the_place_of_an_error_is_named() -> None:
    with pytest.raises(msgspec.MsgspecError) as error:
        msgspec.json.decode(f'{{"title":"x","verdict":"{SECRET} - at "}}', type=Draft)
    assert place_of(error.value) == "Invalid value - at `$.verdict`"


async def _handle(_: web.Request, __: Any) -> Any:
    return None


def endpoint(method: str, path: str, **more: Any) -> Endpoint:
    handle: Callable[[web.Request, Any], Awaitable[Any]] = _handle
    return Endpoint(method=method, path=path, handle=handle, summary="样例 / Sample", **more)


def test_the_api_document_is_valid() -> None:
    endpoints = [
        endpoint("GET", "/api/v1/reports", query=Page, answer=list[Draft], public=True),
        endpoint("POST", "/api/v1/reports", body=Draft, answer=Draft, status=201),
        endpoint("GET", "/api/v1/reports/{id}", answer=Report),
        endpoint("DELETE", "/api/v1/reports/{id}"),
        endpoint("PUT", "/api/v1/reports/{id}", body=Draft, answer=Draft, status=201, again=200),
        endpoint("PUT", "/api/v1/nodes/{code:[0-9a-z-]+}/staff/{person}", body=Draft, errors=(404, 409)),
    ]
    document = json.loads(msgspec.json.encode(openapi("样例", "1", endpoints)))
    OpenAPIV31SpecValidator(document).validate()
    staff = document["paths"]["/api/v1/nodes/{code}/staff/{person}"]["put"]
    assert [p["name"] for p in staff["parameters"]] == ["code", "person"]
    assert set(staff["responses"]) == {"204", "404", "409", "503"}
    assert "security" not in document["paths"]["/api/v1/reports"]["get"]
    assert document["paths"]["/api/v1/reports"]["post"]["security"] == [{"bearer": []}]
    assert set(document["paths"]["/api/v1/reports"]["post"]["responses"]) >= {"201", "400", "503"}
    assert {"200", "201"} <= set(document["paths"]["/api/v1/reports/{id}"]["put"]["responses"])
    names = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(set(names)) == len(names) == len(endpoints)
