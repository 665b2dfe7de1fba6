"""TOML from strangers: ``tomllib`` takes time and memory by the square of the parts of a dotted key."""

import tomllib
from collections.abc import Callable
from typing import Any, Final

MAX_CHARS: Final = 200_000
MAX_DOTS: Final = 100
"""In one line, which a key cannot leave: far more than a table of figures needs."""


class TomlTooLargeError(ValueError):
    """More than we read; ``line`` is where, from 1, 0 for the whole."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


def read_toml(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return a document's table; raise ``TomlTooLargeError``, or what ``tomllib.loads`` raises, each a ``ValueError``."""
    if len(text) > MAX_CHARS:
        raise TomlTooLargeError(f"longer than {MAX_CHARS} characters")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS:
            raise TomlTooLargeError(f"more than {MAX_DOTS} dots", number)
    return tomllib.loads(text, parse_float=parse_float)
