"""Typed endpoints: one table that is both the routes and the OpenAPI document."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from services.kit.web.problem import Problem, invalid

T = TypeVar("T")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d", re.ASCII)
"""How a time begins (RFC 3339, 5.6); the rest is msgspec's to judge."""
Read = Callable[[], Awaitable[T]]
"""Reads and decodes the body: not before the handler asks for it, so that who may not ask makes us read nothing."""
Handler = Callable[[web.Request, Any], Awaitable[Any]]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    ``handle(request, read)`` first checks who is asking, then awaits ``read()`` for the body (``read`` is None where there
    is none), and returns a struct, which is encoded, or a ready response.
    """

    method: str
    path: str  # aiohttp form, /api/v1/nodes/{code}
    handle: Handler
    summary: str  # Chinese / English, one line
    body: Any = None  # type of the JSON body, None where there is none
    body_limit: int | None = None  # bytes of the body; None: the service's own bound
    query: Any = None  # struct of the query parameters; the handler reads it with ``query_of``
    answer: Any = None  # type of the JSON answer
    files: Sequence[str] = ()  # media types of an answer that is a file instead
    status: int = 200
    again: int | None = None  # status where the thing was there already; the answer is the same
    errors: Sequence[int] = (400, 401, 403, 404)
    public: bool = False  # needs no token


def add_endpoints(app: web.Application, endpoints: Iterable[Endpoint]) -> None:
    """Register the endpoints."""
    for endpoint in endpoints:
        app.router.add_route(endpoint.method, endpoint.path, _adapter(endpoint))


def _adapter(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    decoder = msgspec.json.Decoder(endpoint.body) if endpoint.body is not None else None

    async def serve(request: web.Request) -> web.StreamResponse:
        async def read() -> Any:
            try:
                return decoder.decode(await _bytes_of(request, endpoint.body_limit)) if decoder else None
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                raise invalid(place_of(error)) from error

        answer = await endpoint.handle(request, read if decoder else None)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(status=204) if answer is None else reply(answer, endpoint.status)

    return serve


async def _bytes_of(request: web.Request, limit: int | None) -> bytes:
    if limit is None:
        return await request.read()
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length or 0)
    return await request.clone(client_max_size=limit).read()


def reply(answer: Any, status: int) -> web.Response:
    """Return a struct as a JSON answer with a status of its own."""
    return web.Response(status=status, body=msgspec.json.encode(answer), content_type="application/json")


def query_of(request: web.Request, kind: type[msgspec.Struct]) -> Any:
    """Return the query parameters as ``kind``; a wrong one is a 400 that names it."""
    asked = dict(request.query)
    try:
        found = msgspec.convert(asked, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(place_of(error)) from error
    for field, name in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        # reading leniently takes a number for seconds since 1970
        if isinstance(getattr(found, field), datetime) and name in asked and not _TIME.match(asked[name]):
            raise invalid(f"Expected an RFC 3339 time - at `$.{name}`")
    return found


def place_of(error: Exception) -> str:
    """Return which part was wrong and how, without the content: of a text that quotes a value only the path is kept."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return text.split(":", maxsplit=1)[0][:120]
    if "value '" not in text:
        return text
    _, found, place = text.rpartition(" - at ")
    return f"Invalid value - at {place}" if found else "Invalid value"


def openapi(title: str, version: str, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the endpoints."""
    listed = list(endpoints)
    types = [t for e in listed for t in (e.body, e.answer) if t is not None] + [Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for e in listed:
        operation: dict[str, Any] = {
            "summary": e.summary,
            "operationId": f"{e.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', e.path)}",
            "parameters": _parameters(e),
            "responses": _responses(e, by_type),
        }
        if e.body is not None:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": by_type[repr(e.body)]}},
            }
        if not e.public:
            operation["security"] = [{"bearer": []}]
        paths.setdefault(re.sub(r"\{(\w+):[^}]*\}", r"{\1}", e.path), {})[e.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


_PROBLEM_TYPE: Final = "application/problem+json"


def _parameters(e: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", e.path)
    ]
    if e.query is not None:
        schema = msgspec.json.schema_components([e.query], ref_template="{name}")[1][e.query.__name__]
        found += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _plain(part)}
            for name, part in schema["properties"].items()
        ]
    return found


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "string"} if "$ref" in part or "anyOf" in part else part


def _responses(e: Endpoint, by_type: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "OK"}
    if e.answer is not None:
        good["content"] = {"application/json": {"schema": by_type[repr(e.answer)]}}
    if e.files:
        good["content"] = {media.partition(";")[0]: {} for media in e.files}
    problem = {"description": "Problem", "content": {_PROBLEM_TYPE: {"schema": by_type[repr(Problem)]}}}
    status = e.status if e.answer is not None or e.files or e.status != HTTPStatus.OK else 204
    success = {str(code): good for code in (status, e.again) if code is not None}
    return {**success, **{str(code): problem for code in (*e.errors, 503)}}
