"""In which line of a TOML text a key stands, for people who mend a file: tomllib itself does not tell."""

import re
from typing import Final

_HEADER: Final = re.compile(r"\s*\[+\s*([^\]#]+?)\s*\]")
_ASSIGNED: Final = re.compile(r"\s*((?:[\"'][^\"']*[\"']|[^\"'=#\s\[])+)\s*=")


def line_of(text: str, path: str) -> int | None:
    """Return the line of the key with that dotted path, or of the nearest table around it; None where nothing is.

    A key without dots that stands in no table is looked for at the top only.
    """
    places: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HEADER.match(line):
            table = _bare(found[1])
            places.setdefault(table, number)
        elif found := _ASSIGNED.match(line):
            key = _bare(found[1])
            places.setdefault(f"{table}.{key}" if table else key, number)
    while path:
        if path in places:
            return places[path]
        inside = [number for place, number in places.items() if place.startswith(f"{path}.")]
        if inside:
            return min(inside)
        path = path.rpartition(".")[0]
    return None


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
