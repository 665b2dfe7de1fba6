"""What a command says: a table for people, or one JSON document for programs.

Text that came over the network may hold control characters; it is shown without them, in JSON as escapes, so that no
report can move the cursor, colour a terminal or turn a line round.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from services.kit.calendar import CHINA
from services.kit.printable import is_plain, plain_json

if TYPE_CHECKING:
    from rich.text import Text

_PIPED_WIDTH: Final = 200  # columns where nobody looks: a pipe or a file
_NARROWEST: Final = 10  # columns of text that can still be read
_BETWEEN: Final = 3  # columns between two columns of a table
_LONGEST_WORD: Final = 36  # characters of an id
_WHOLE: Final = re.compile(r"[!-~]*|\d{4}-\d\d-\d\d \d\d:\d\d", re.ASCII)


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


def put_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", widest: int = 0) -> None:
    """Print a table of at most ``widest`` columns where given. A cell is anything ``shown`` takes, or a rich ``Text``.

    Where there is room for it, ids, times and numbers stay whole and the other columns give way.
    """
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", header_style="bold")
    lines = [[cell if isinstance(cell, Text) else Text(shown(cell)) for cell in row] for row in rows]
    screen = console()
    width = min(screen.width, widest) if widest else screen.width
    for heading, kept in zip(headings, _kept_widths(headings, lines, width), strict=True):
        table.add_column(heading, overflow="fold", width=kept)
    for line in lines:
        table.add_row(*line)
    screen.print(table, width=width)


def put_facts(facts: Iterable[tuple[str, Any]], *, widest: int = 0) -> None:
    """Print a few named values, one a line, of at most ``widest`` columns where given."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        grid.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(shown(value)))
    screen = console()
    screen.print(grid, width=min(screen.width, widest) if widest else None)


def put_text(text: str, *, indent: str = "") -> None:
    """Print a long text in lines that are easy to read, as wide as a help page."""
    from services.cli import helptext  # noqa: PLC0415

    width = min(helptext.WIDEST, console().width)
    lines = [line for part in clean(text).split("\n") for line in helptext.wrapped(part.rstrip(), width, indent)]
    sys.stdout.write("\n".join(lines) + "\n")


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
    """Return a value as people read it: China's time, yes and no in Chinese, nothing for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case datetime():
            return china_time(value)
        case list() | tuple() | set() | frozenset():
            return "、".join(map(shown, value))
        case _:
            return clean(str(value))


def china_time(at: datetime) -> str:
    """Return a time as the clocks in Jiangsu show it, to the minute: 2026-11-24 04:41."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def time_of(text: Any) -> datetime | None:
    """Return the time that a JSON answer holds as text."""
    return datetime.fromisoformat(text) if text else None


def _kept_widths(headings: Sequence[str], lines: Sequence[Sequence["Text"]], width: int) -> list[int | None]:
    """Return how wide the columns of ids, times and numbers are, None for others, and for all where there is no room.

    Their headings may go over several lines where there is none for them in one.
    """
    from rich.cells import cell_len  # noqa: PLC0415

    columns = [[part for cell in cells for part in cell.plain.split("\n")] for cells in zip(*lines, strict=True)]
    for parts_of in (lambda heading: [heading], str.split):
        kept = [
            max(map(cell_len, (*parts, *parts_of(heading)))) if all(map(_is_whole, parts)) else None
            for heading, parts in zip(headings, columns, strict=False)
        ]
        if kept and sum(each or _NARROWEST for each in kept) + _BETWEEN * len(kept) < width:
            return kept
    return [None] * len(headings)


def _is_whole(text: str) -> bool:
    """Tell whether a line of a cell is one short word of ASCII, or a time."""
    return len(text) <= _LONGEST_WORD and _WHOLE.fullmatch(text) is not None


def clean(text: str) -> str:
    """Return the text without control and formatting characters, line breaks kept."""
    return "".join(c if is_plain(c) or c == "\n" else "�" for c in text)


def now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)
