"""Text → lexemes, the same way for what is stored and for what is asked.

Lexemes of a text are (1) the words of two and more Han characters that the segmenter finds, overlapping ones included,
(2) every single Han character, (3) every run of other letters and digits. All are folded first. Since a lexeme holds
letters and digits only, quoting it for PostgreSQL needs no escape.
"""

import re
from collections.abc import Iterator
from typing import Final

import rjieba

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_WORD: Final = re.compile(f"[{_HAN}]+")
_HAN_CHAR: Final = re.compile(f"[{_HAN}]")
_RUN: Final = re.compile(rf"[^\W_{_HAN}]+")

MAX_LEXEME_CHARS: Final = 64
"""Longer runs are indexed by their beginning; far below PostgreSQL's 2 KiB."""
_MAX_POSITIONS: Final = 8  # per lexeme and part: enough for the rank
_LAST_POSITION: Final = 16_383  # PostgreSQL's
_MAX_VECTOR: Final = 900_000  # bytes, below PostgreSQL's 1 MiB


def vector(title: str, body: str) -> str:
    """Return the tsvector (text form) of a folded title and body; the title's words weigh as A."""
    places: dict[str, list[str]] = {}
    at = _place(places, title, "A", 0)
    _place(places, body, "", at)
    parts = [f"'{lexeme}':{','.join(found)}" for lexeme, found in places.items()]
    bare = [f"'{char}'" for char in {*title, *body} - places.keys() if _HAN_CHAR.match(char)]
    return " ".join(_within_limit(parts + bare))


def words(folded: str) -> Iterator[str]:
    """Yield the lexemes of kinds (1) and (3) of a folded text, in order, repeated as they occur."""
    for word in rjieba.cut_for_search(folded):
        if len(word) > 1 and _HAN_WORD.fullmatch(word):
            yield word[:MAX_LEXEME_CHARS]
    for run in _RUN.findall(folded):
        yield run[:MAX_LEXEME_CHARS]


def every_piece(folded: str) -> list[str]:
    """Return the lexemes of kinds (2) and (3): whatever surrounds the text, these are in the index of its document."""
    runs = [run[:MAX_LEXEME_CHARS] for run in _RUN.findall(folded)]
    return list(dict.fromkeys([*_HAN_CHAR.findall(folded), *runs]))


def tokens(folded: str) -> list[str]:
    """Return the words that somebody asks for, longest reading: each must be found."""
    return [token for token in dict.fromkeys(rjieba.cut(folded)) if every_piece(token)]


def readings(token: str) -> list[list[str]]:
    """Return the ways in which a text with this token may be indexed: any of them, each with all its lexemes.

    The segmenter reads a word in its surroundings: 苏州市区 holds 苏州 and 市区, but not 苏州市.
    """
    if len(token) == 1 or not _HAN_WORD.fullmatch(token):
        return [every_piece(token)]
    if len(token) == 2 and rjieba.has_word(token):  # noqa: PLR2004 - a pair has no parts but its characters
        return [[token]]
    return [[token[:MAX_LEXEME_CHARS]], list(dict.fromkeys(_cover(token)))]


def _cover(token: str) -> Iterator[str]:
    """Yield shorter words of the token from left to right, without overlap; single characters where there is none."""
    shorter = sorted((part for part in rjieba.cut_for_search(token) if part != token), key=len, reverse=True)
    at = 0
    while at < len(token):
        part = next((part for part in shorter if token.startswith(part, at)), token[at])
        yield part
        at += len(part)


def _place(places: dict[str, list[str]], folded: str, weight: str, start: int) -> int:
    at = start
    for at, lexeme in enumerate(words(folded), start + 1):
        found = places.setdefault(lexeme, [])
        if len(found) < _MAX_POSITIONS:
            found.append(f"{min(at, _LAST_POSITION)}{weight}")
    return at


def _within_limit(parts: list[str]) -> list[str]:
    """Cut off what would not fit into a tsvector; only a text made for that purpose comes near."""
    if sum(map(len, parts)) * 4 < _MAX_VECTOR:
        return parts
    room = _MAX_VECTOR
    for index, part in enumerate(parts):
        room -= len(part.encode()) + 8 + 2 * part.count(",")
        if room < 0:
            return parts[:index]
    return parts
