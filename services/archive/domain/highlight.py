"""Where a hit is a hit: pieces of text, marked or not. No HTML: the reader's side decides how a mark looks."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from services.archive.domain.text import fold

SNIPPET_CHARS: Final = 120
_BEFORE: Final = 30  # characters shown before the first hit
_ELLIPSIS: Final = "…"


class Piece(Struct, frozen=True):
    """A piece of a title or of a snippet."""

    text: str
    hit: bool


class Highlighter:
    """Marks the folded ``markers`` of one query in texts."""

    def __init__(self, markers: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(map(_as_pattern, markers))) if markers else None

    def mark(self, text: str) -> list[Piece]:
        """Return the whole text in pieces; joined they are the text."""
        return _pieces(text, self._spans(text), 0, len(text))

    def snippet(self, text: str) -> list[Piece]:
        """Return about ``SNIPPET_CHARS`` characters around the first hit, or the beginning where there is none."""
        spans = self._spans(text)
        start = max(0, spans[0][0] - _BEFORE) if spans else 0
        if len(text) - start < SNIPPET_CHARS:
            start = max(0, len(text) - SNIPPET_CHARS)
        end = min(len(text), start + SNIPPET_CHARS)
        pieces = _pieces(text, spans, start, end)
        head = [Piece(_ELLIPSIS, hit=False)] if start else []
        return head + pieces + ([Piece(_ELLIPSIS, hit=False)] if end < len(text) else [])

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return ``(start, end)`` of the hits in ``text``, adjacent ones joined."""
        if self._pattern is None:
            return []
        folded = fold(text)
        origin = None if len(folded) == len(text) else _origins(text)
        spans: list[tuple[int, int]] = []
        for found in self._pattern.finditer(folded):
            start, end = found.span()
            if origin is not None:
                start, end = origin[start], origin[end - 1] + 1
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans


def _as_pattern(marker: str) -> str:
    """A Latin word or a number is marked whole: ``5`` is not marked inside ``2025``."""
    before = r"(?<![0-9a-z])" if marker[0].isascii() and marker[0].isalnum() else ""
    after = r"(?![0-9a-z])" if marker[-1].isascii() and marker[-1].isalnum() else ""
    return before + re.escape(marker) + after


def _origins(text: str) -> list[int]:
    """Return for each folded character the index of the character that it came from: folding may lengthen."""
    return [index for index, char in enumerate(text) for _ in fold(char)]


def _pieces(text: str, spans: list[tuple[int, int]], start: int, end: int) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for first, last in spans:
        if last <= start or first >= end:
            continue
        begin, stop = max(first, start), min(last, end)
        if begin > at:
            pieces.append(Piece(text[at:begin], hit=False))
        pieces.append(Piece(text[begin:stop], hit=True))
        at = stop
    if at < end:
        pieces.append(Piece(text[at:end], hit=False))
    return pieces
