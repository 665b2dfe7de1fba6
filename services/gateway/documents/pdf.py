"""PDF by Typst, which sets Chinese text as print does: justified, punctuation kept off the line's ends, fonts embedded.

The text reaches the template as data and is never read as markup. The file is PDF/A-2u (ISO 19005-2): fonts embedded, text
extractable. Equal documents on equal fonts give equal bytes.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec
import typst
from fontTools.ttLib import TTFont  # type: ignore[import-untyped] # it ships no types

from services.gateway.documents import blocks
from services.gateway.documents.errors import DocumentError
from services.gateway.documents.fonts import BASE, Face, choose
from services.gateway.documents.layout import sheet
from services.gateway.documents.model import BulletinDocument, IssueDocument

_STANDARD: Final = "a-2u"
_LONG_WORD: Final = r"[^\s\u2e80-\uffef]{%d,}"  # of scripts that break at spaces only
_IN_LINES: Final = (re.compile(_LONG_WORD % 30), 8)  # what overflows a line, and after how many characters it may break
_IN_CELLS: Final = (re.compile(_LONG_WORD % 8), 1)  # not in lines: Typst's time grows with the square of the places
_PARTS: Final = re.compile(r"(?<=[./])")  # a name such as 2026-1/points.city.daily breaks between its parts
_LONG_PART: Final = 9  # characters, as many as fit any cell
_CELLS: Final = "rows"
_CODED: Final = frozenset({"block", "style", "align"})  # words of the template, not text
_BREAK: Final = "\u200b"  # zero-width space: the line may end here
_JOINERS: Final = frozenset(map(ord, "\u200b\u200c\u200d"))  # drawn as nothing, whatever the font


def pdf(document: IssueDocument | BulletinDocument, *, fonts: typst.Fonts | None = None) -> bytes:
    """Return the document as PDF; ``fonts`` are the machine's own unless given.

    Raises:
        FontMissingError: a font is not installed; the text names its package.
        DocumentError: Typst refuses the document.
    """
    found = fonts or typst.Fonts()
    files = found.fonts()
    chosen = choose({(font.family, font.weight) for font in files})
    path, index = next((f.path, f.index) for f in files if (f.family, f.weight) == (BASE, Face(BASE).weight) and f.path)
    laid_out = sheet(document)
    fitted = _fit(msgspec.to_builtins(laid_out, builtin_types=(date,)), _glyphs(path, index))
    data = msgspec.json.encode({"sheet": fitted, "faces": chosen, "page": _page()}).decode()
    try:
        return typst.compile(
            _template(),
            font_paths=found,
            ignore_system_fonts=True,
            sys_inputs={"data": data},
            format="pdf",
            pdf_standards=_STANDARD,
            timestamp=datetime.combine(laid_out.day, time(), UTC),
        )
    except typst.TypstError:
        raise DocumentError(
            "Typst 无法排版此文件 / Typst cannot set this document"
        ) from None  # its words quote the text


def _page() -> dict[str, float]:
    """Return the measures that the template needs: millimetres and points."""
    return {
        "width": blocks.PAGE[0],
        "height": blocks.PAGE[1],
        "top": blocks.TOP,
        "bottom": blocks.BOTTOM,
        "inside": blocks.INSIDE,
        "outside": blocks.OUTSIDE,
        "size": blocks.BODY_SIZE,
        "leading": blocks.LINE_PITCH - blocks.BODY_SIZE,
        "tracking": blocks.CHARACTER_PITCH - blocks.BODY_SIZE,
    }


@cache
def _template() -> bytes:
    return resources.files(__package__).joinpath("templates/document.typ").read_bytes()


@cache
def _glyphs(path: str, index: int) -> frozenset[int]:
    """Return the code points that a font has."""
    with TTFont(path, fontNumber=index, lazy=True) as font:
        return frozenset(font.getBestCmap()) | _JOINERS


def _fit(value: Any, glyphs: AbstractSet[int], breaking: tuple[re.Pattern[str], int] = _IN_LINES) -> Any:
    """Write characters that the font lacks as 〔U+1F600〕 instead of an empty box, and let long words break."""
    if isinstance(value, str):
        missing = {code: f"〔U+{code:04X}〕" for code in set(map(ord, value)).difference(glyphs)}
        long_word, size = breaking
        return long_word.sub(
            lambda word: _BREAK.join(_pieces(word[0], size)),
            value.translate(missing) if missing else value,
        )
    if isinstance(value, dict):
        return {
            key: part if key in _CODED else _fit(part, glyphs, _IN_CELLS if key == _CELLS else breaking)
            for key, part in value.items()
        }
    return [_fit(part, glyphs, breaking) for part in value] if isinstance(value, list | tuple) else value


def _pieces(word: str, size: int) -> Iterator[str]:
    """Yield the pieces between which a long word may break: its parts, and of a long part every ``size`` characters."""
    for part in _PARTS.split(word):
        step = size if len(part) > _LONG_PART else _LONG_PART
        yield from (part[at : at + step] for at in range(0, len(part), step))
