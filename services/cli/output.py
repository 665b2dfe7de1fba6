"""What a command says: a table for people, or one JSON document for programs.

Text that came over the network may hold control characters; it is shown without them, in JSON as escapes, so that no
report can move the cursor, colour a terminal or turn a line round.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from services.kit.printable import is_plain, plain_json

_PIPED_WIDTH = 200  # columns where nobody looks: a pipe or a file


def put_json(document: Any) -> None:
    """Write one JSON document: structs, times, UUIDs and decimals included."""
    import msgspec  # noqa: PLC0415 - commands import what they need when they run

    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    sys.stdout.write(plain_json(text) + "\n")


def put_json_line(document: Any) -> None:
    """Write one JSON document on a line of its own and send it off at once, for endless output."""
    import msgspec  # noqa: PLC0415

    sys.stdout.write(plain_json(msgspec.json.encode(document).decode()) + "\n")
    sys.stdout.flush()


def put_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table. A cell is anything ``shown`` takes, or a rich ``Text``."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(shown(cell)) for cell in row))
    console().print(table)


def put_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print a few named values, one a line."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        grid.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(shown(value)))
    console().print(grid)


def let_go() -> None:
    """Write no more to stdout: whoever read it has gone, as ``head`` does when it has seen enough."""
    with contextlib.suppress(OSError, ValueError):  # a stdout that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """Print a line for people on stderr: progress, or what to do next."""
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()


def console() -> Any:
    """Return a console for stdout that takes text literally."""
    from rich.console import Console  # noqa: PLC0415

    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def shown(value: Any) -> str:
    """Return a value as people read it: local time, yes and no in Chinese, nothing for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case datetime():
            return local_time(value)
        case list() | tuple() | set() | frozenset():
            return "、".join(map(shown, value))
        case _:
            return clean(str(value))


def local_time(at: datetime) -> str:
    """Return a time in this machine's zone, to the second, with the zone."""
    return at.astimezone().isoformat(sep=" ", timespec="seconds")


def time_of(text: Any) -> datetime | None:
    """Return the time that a JSON answer holds as text."""
    return datetime.fromisoformat(text) if text else None


def clean(text: str) -> str:
    """Return the text without control and formatting characters, line breaks kept."""
    return "".join(c if is_plain(c) or c == "\n" else "�" for c in text)


def now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)
