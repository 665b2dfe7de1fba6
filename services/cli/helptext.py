"""Help pages: both languages, wrapped by the columns that characters take, so that no Chinese line is cut."""

import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final

_INDENT: Final = "  "
WIDEST: Final = 100  # columns; longer lines are hard to read
_NARROWEST: Final = 50
_LONGEST_TERM: Final = 30  # columns; a longer one has its text on the next line
_NO_BREAK_BEFORE: Final = "，。；：、！？）》」…"
_COMPLETION: Final = {
    "install_completion": "为当前 shell 安装补全 / Install completion for this shell",
    "show_completion": "显示补全脚本 / Show the completion script",
}
"""Our words for the options that typer adds itself."""
_USAGE: Final = "用法 / Usage:"
_OPTIONS_WORD: Final = "[OPTIONS]"


def page(command: Any, path: str) -> str:
    """Return the help page of a command or group that is typed as ``path``."""
    width = max(_NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
    lines = [f"{_USAGE} {usage(command, path)}", "", *wrapped(command.help or "", width, ""), ""]
    shown = [param for param in command.params if not param.hidden]
    options = [param for param in shown if is_option(param)]
    sections = [
        ("参数 / Arguments", [(metavar(p), _with_default(p)) for p in shown if not is_option(p)]),
        (
            "选项 / Options",
            [*((names(p), _with_default(p)) for p in options), ("--help, -h", "显示帮助 / Show this help")],
        ),
    ]
    panels: dict[str, list[tuple[str, str]]] = {}
    for name, each in getattr(command, "commands", {}).items():
        panels.setdefault(_panel(each), []).append((name, each.help or ""))
    for title, rows in (*sections[:1], *panels.items(), *sections[1:]):
        if rows:
            lines += [f"{title}:", *_rows(rows, width), ""]
    lines += (command.epilog or "").split("\n")
    return "\n".join(lines).rstrip() + "\n"


def usage(command: Any, path: str) -> str:
    """Return how a command is typed."""
    if hasattr(command, "commands"):
        return f"{path} {_OPTIONS_WORD} COMMAND …"
    arguments = [metavar(p) if p.required else f"[{metavar(p)}]" for p in command.params if not is_option(p)]
    return " ".join([path, *([_OPTIONS_WORD] if any(map(is_option, command.params)) else []), *arguments])


def is_option(param: Any) -> bool:
    """Tell options from arguments."""
    return bool(param.param_type_name == "option")


def names(param: Any) -> str:
    """Return an option's names and what it takes."""
    listed = ", ".join([*param.opts, *param.secondary_opts])
    return listed if param.is_flag else f"{listed} {metavar(param)}"


def metavar(param: Any) -> str:
    """Return the word for a parameter's value."""
    return str(param.metavar or param.name.upper())


def default(param: Any) -> str:
    """Return the default worth showing, '' where there is none."""
    value = param.default
    if value is True and param.secondary_opts:
        return str(param.opts[0])
    if param.required or callable(value) or isinstance(value, bool):
        return ""
    return "" if value in (None, "", 0, 0.0, [], ()) or str(value) == "." else str(value)


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """Return lines of at most ``width`` columns; Chinese text may break between any two characters."""
    lines = [indent]
    for piece in _pieces(text):
        if columns(lines[-1]) + columns(piece.rstrip()) > width and lines[-1].strip():
            lines.append(indent)
            piece = piece.lstrip()  # noqa: PLW2901 - a space that broke the line is gone with it
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def columns(text: str) -> int:
    """Return how many terminal columns a text takes (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pieces(text: str) -> Iterator[str]:
    """Yield what must not be broken: a word with the space after it, or one wide character with its punctuation."""
    piece = ""
    for char in text:
        wide = columns(char) > 1
        if (
            piece
            and (piece[-1] == " " or (wide and char not in _NO_BREAK_BEFORE) or columns(piece[-1]) > 1)
            and not (char == " " or char in _NO_BREAK_BEFORE)
        ):
            yield piece
            piece = ""
        piece += char
    yield piece


def _rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    listed = list(rows)
    first = min(_LONGEST_TERM, max(columns(term) for term, _ in listed)) + 2
    indent = _INDENT + " " * first
    for term, text in listed:
        lines = wrapped(text, width, indent)
        gap = first - columns(term)
        if gap < 2:  # noqa: PLR2004 - at least two spaces between term and text
            yield _INDENT + term
            yield from lines
        else:
            yield _INDENT + term + " " * gap + lines[0].strip()
            yield from lines[1:]


def _with_default(param: Any) -> str:
    shown = default(param)
    text = _COMPLETION.get(param.name, param.help or "")
    return f"{text}{'（必填 / required）' if param.required else ''}{f' [{shown}]' if shown else ''}"


def _panel(command: Any) -> str:
    panel = getattr(command, "rich_help_panel", None)
    return panel if isinstance(panel, str) else "命令 / Commands"
