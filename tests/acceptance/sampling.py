"""Requests made from an OpenAPI document: a good one of each operation, and many that are bad in one way each."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from tests.places import KUNSHAN

SERVICES = ("gateway", "router", "scoring", "archive")
MESSAGE = UUID("01938000-0000-7000-8000-000000000001")
_PATH_VALUES = {"code": KUNSHAN, "hub": KUNSHAN, "unit": KUNSHAN, "month": "2026-11", "id": str(MESSAGE),
                "series": "daily", "n": "1", "year": "2026"}  # fmt: skip
_BY_FORMAT = {"uuid": str(MESSAGE), "date-time": "2026-11-20T08:00:00Z", "date": "2026-11-20", "decimal": "1"}
_PATTERNED = (KUNSHAN, "2026-11", "2026-11-20", "text", "0" * 64)
_WRONG: tuple[Any, ...] = (None, True, -1, 1e300, "\x00", "𠮷" * 3, "x" * 5_000, [], [[]], {}, {"no": "such"})
"""Values of every JSON type, most of them wrong wherever they stand."""
_TEXTS = ("", "\x00", "%", "'\"", "-1", "99999999999999999999", "2026-11-20T08:00:00", "0001-01-01T00:00:00Z",
          "9999-12-31T23:59:59-12:00", "nan", "ⅷ", "x" * 3_000)  # fmt: skip


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a service."""

    service: str
    method: str
    path: str  # with its {parameters}
    public: bool  # needs no token
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None  # schema
    schemas: dict[str, Any]

    @property
    def name(self) -> str:
        """A label for people."""
        return f"{self.service} {self.method} {self.path}"

    def address(self, **changed: str) -> str:
        """Return the path with its parameters filled in."""
        return self.path.format(**_PATH_VALUES | changed)

    def query(self, reader: str = KUNSHAN) -> dict[str, str]:
        """Return the query parameters that the operation needs, and who reads where that can be said."""
        named = {p["name"]: p for p in self.parameters if p["in"] == "query"}
        needed = {n: str(sample(p["schema"], self.schemas)) for n, p in named.items() if p["required"]}
        return needed | ({"reader": reader} if "reader" in named and reader else {})

    def good_body(self) -> Any:
        """Return a body that the schema allows; None where there is none."""
        return None if self.body is None else sample(self.body, self.schemas)


def operations(service: str, document: dict[str, Any]) -> list[Operation]:
    """Return the operations of a service's OpenAPI document."""
    return [
        Operation(
            service=service,
            method=method.upper(),
            path=path,
            public="security" not in operation,
            parameters=tuple(operation["parameters"]),
            body=operation["requestBody"]["content"]["application/json"]["schema"]
            if "requestBody" in operation
            else None,
            schemas=document["components"]["schemas"],
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def sample(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the plainest value that a schema allows."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], schemas)
    match schema.get("type"):
        case "object":
            return {n: sample(schema["properties"][n], schemas) for n in schema.get("required", ())}
        case "array":
            return [sample(schema["items"], schemas)] * max(1, schema.get("minItems", 0)) if "items" in schema else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "string":
            fitting = next((v for v in _PATTERNED if re.search(schema.get("pattern", "$^"), v)), None)
            return fitting or _BY_FORMAT.get(schema.get("format", ""), "text")
        case _:
            return {}


def bad_bodies(operation: Operation) -> Iterator[tuple[str, bytes]]:
    """Yield (flaw, bytes) of bodies that no operation may take."""
    yield from {
        "empty": b"", "not JSON": b"{", "two documents": b"{} {}", "not UTF-8": b'"\xff\xfe"', "a lone surrogate": b'"\\ud800"',
        "deep nesting": b"[" * 10_000, "a number": b"17", "a text": b'"text"',
        "oversize": b'"' + b"x" * (5 * 1024 * 1024) + b'"',
    }.items()  # fmt: skip
    good = operation.good_body()
    target = good[0] if isinstance(good, list) and good else good
    if isinstance(target, dict) and target:
        for name in list(target):
            lacking = {n: v for n, v in target.items() if n != name}
            yield f"no {name}", msgspec.json.encode([lacking] if isinstance(good, list) else lacking)


def odd_bodies(operation: Operation) -> Iterator[tuple[str, bytes]]:
    """Yield (flaw, bytes) of bodies with one odd value, at each place down to the second level; some may be allowed."""
    good = operation.good_body()
    for path in _places(good):
        for value in _WRONG:
            yield f"{'.'.join(map(str, path))} = {value!r:.20}", msgspec.json.encode(_with(good, path, value))
    if isinstance(good, dict):
        yield "unknown field", msgspec.json.encode(good | {"no_such_field": 1})


def odd_addresses(operation: Operation) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (flaw, path, query) with one odd parameter."""
    for parameter in operation.parameters:
        for text in _TEXTS:
            flaw = f"{parameter['in']} {parameter['name']} = {text!r:.20}"
            for query in (operation.query(), operation.query("")):
                if parameter["in"] == "query":
                    yield flaw, operation.address(), query | {parameter["name"]: text}
                elif text:
                    yield flaw, operation.address(**{parameter["name"]: quote(text, safe="")}), query


def _places(value: Any, depth: int = 2) -> Iterator[tuple[Any, ...]]:
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield (name,)
        if depth > 1:
            yield from ((name, *deeper) for deeper in _places(inner, depth - 1))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], new)
    return copy
