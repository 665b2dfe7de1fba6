"""Reading a report's content that somebody wrote: JSON or TOML."""

import sys
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from proto import codec
from proto.messages import ReportContent
from services.cli.failures import usage


def read(name: str) -> tuple[ReportContent, UUID | None]:
    """Return the content in file ``name`` (``-``: standard input) and the report that its ``about`` names.

    Raises ``CliError`` where the file is neither JSON nor TOML, ``RefusedError`` where the content breaks a rule.
    """
    text = text_of(name)
    fields = _fields(text, name)
    about = fields.pop("about", None) or None
    try:
        named = None if about is None else UUID(str(about))
    except ValueError as error:
        raise usage("content.about", "about 不是报文编号", "about is not an id", name) from error
    return codec.decode_content(msgspec.json.encode(fields).decode()), named


def text_of(name: str) -> str:
    """Return the text of file ``name`` (``-``: standard input)."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage("content.not_utf8", "文件不是 UTF-8", "The file is not UTF-8", name) from error


def _fields(text: str, name: str) -> dict[str, Any]:
    """Return the fields; by the file's ending, else JSON where it begins like it."""
    looks_like_json = name.endswith(".json") or (not name.endswith(".toml") and text.lstrip().startswith("{"))
    try:
        found = msgspec.json.decode(text) if looks_like_json else tomllib.loads(text)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        detail = f"{name}: {type(error).__name__}"  # the parser's words may quote the text
        raise usage("content.unreadable", "既不是 JSON 也不是 TOML", "Neither JSON nor TOML", detail) from error
    if not isinstance(found, dict):
        raise usage("content.not_object", "内容须为一个对象", "The content must be one object", name)
    return found
