"""JSON Schemas (draft 2020-12) of everything that travels, generated from the types: ``python -m proto.schema``.

They are for readers and for other implementations. The codec is stricter where a schema has no words for it: UUID
version, decimal bounds, years, no NUL, no key twice, and that ``content`` and ``payload`` are themselves JSON.
``--check`` changes nothing and exits with 1 where a committed schema is not what the types say.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from proto.codec import KEY_REQUEST_KIND, SIGN_OFF_KIND
from proto.envelope import Envelope, payload_type_of
from proto.messages import KINDS, BulletinContent, DesignationContent, KeyRequest, ReportContent, SignOff

FOLDER: Final = Path(__file__).parent / "schemas"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TYPES: Final[dict[str, Any]] = {
    **KINDS,
    "report-content": ReportContent,
    "bulletin-content": BulletinContent,
    "designation-content": DesignationContent,
    SIGN_OFF_KIND: SignOff,
    KEY_REQUEST_KIND: KeyRequest,
    "envelope": Envelope,
}


def file_name(kind: str) -> str:
    """Return the name of a kind's schema file."""
    return f"{kind}.v1.json"


def schema_of(kind: str) -> dict[str, Any]:
    """Return the schema of a kind of message or statement, a report's content, or the envelope's JSON form."""
    (schema,), components = msgspec.json.schema_components([_TYPES[kind]], ref_template="#/$defs/{name}")
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = {"$schema": _DRAFT, "$id": f"urn:yizhan:schema:{kind}:v1", **components.pop(name)}
    if kind != "envelope" and not kind.endswith("-content"):
        found["$comment"] = f"payload of {payload_type_of(kind)}"
    if components:
        found["$defs"] = components
    for part in (found, *components.values()):
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])  # as Python 3.13 has it from the start
    return found


def render() -> dict[str, str]:
    """Return the text of every schema file by its name: sorted, so that it is the same in every run."""
    return {
        file_name(kind): json.dumps(schema_of(kind), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for kind in sorted(_TYPES)
    }


def drift(folder: Path = FOLDER) -> list[str]:
    """Return the names of the schema files that are missing, changed or superfluous."""
    wanted = render()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(folder: Path = FOLDER) -> None:
    """Make the folder hold exactly the schemas."""
    folder.mkdir(exist_ok=True)
    wanted = render()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: Iterable[str]) -> int:
    """Write the schemas, or check them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m proto.schema", description="Generate the JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a schema is out of date")
    if not parser.parse_args(list(arguments)).check:
        write()
        return 0
    names = drift()
    if names:
        sys.stderr.write("out of date (run python -m proto.schema): " + ", ".join(names) + "\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
