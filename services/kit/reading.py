"""A text as a person reads it: escapes resolved, tags gone, look-alike forms folded, what prints nothing left out. Pure.

For the search for classification markings. The result is never longer than four times the text, and each step is linear.
"""

import re
import sys
import unicodedata
from functools import lru_cache
from html.entities import html5
from typing import Final

MAX_EXPANSION: Final = 4
"""Characters that one may fold into. What unfolds into more (U+FDFA: 18) is no part of a marking and stays as it is."""

_BREAKS: Final = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_COMBINING: Final = frozenset({"Mn", "Me"})  # they print only on others
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul fillers: letters that print nothing
_SAME: Final = dict(zip("祕機絕絶宻級別長號個為爲標識誌", "秘机绝绝密级别长号个为为标识志", strict=True))
"""Older and traditional forms of what markings are written with."""
_BASIC: Final = 0xFFFF  # the last code point of the basic plane
_ESCAPE: Final = re.compile(  # &#26426; &#x673a; &starf; &amp;#26426; and JSON's \u673a
    r"(&(?:(?:amp|#0{0,9}38|#[xX]0{0,9}26);){0,4}+(?:#0{0,9}+\d{1,7}|#[xX]0{0,9}+[\da-fA-F]{1,6}|[a-zA-Z][\da-zA-Z]{1,31}(?=;));?|\\u[\da-fA-F]{4})"
)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>密宻㊙\n]{0,200}>")
_BLANK_LINES: Final = re.compile(r"\n\n+")
_COLUMN: Final = re.compile(r"\n(?<=^.\n)(?=.$)", re.MULTILINE)  # between two lines of one character each


class _Folding(dict[int, str]):
    """Code point → what it is read as; learned as texts bring them, the basic plane only, so that it stays small."""

    def __missing__(self, code: int) -> str:
        read = _folded(chr(code))
        if code <= _BASIC:
            self[code] = read
        return read


def _folded(character: str) -> str:
    if not character.isprintable():  # blanks but the plain one, controls, what has no character
        return "\n" if character in _BREAKS else ""
    read = _SAME.get(character) or unicodedata.normalize("NFKC", character)
    return "".join(filter(_prints, read if len(read) <= MAX_EXPANSION else character))


def _prints(character: str) -> bool:
    return not (character == " " or character in _FILLERS or unicodedata.category(character) in _COMBINING)


_FOLDING: Final = _Folding()


def unescaped(text: str) -> str:
    """Return the text with HTML's and JSON's escapes resolved, those that were escaped twice too."""
    if "&" not in text and "\\u" not in text:
        return text
    parts = _ESCAPE.split(text)
    parts[1::2] = map(_meant, parts[1::2])
    return "".join(parts)


def folded(text: str) -> str:
    """Return the text (``unescaped``) as it is read: lines kept, without blank ones and without blanks; a column is a line."""
    if "<" in text:
        text = _TAG.sub("\n", text)
    lines = _BLANK_LINES.sub("\n", text.translate(_FOLDING))
    return _COLUMN.sub("", lines)


@lru_cache(maxsize=4096)
def _meant(escape: str) -> str:
    if escape.startswith("\\"):
        return chr(int(escape[-4:], 16))
    name = escape[1:].removesuffix(";").rpartition(";")[2]  # what stands before was an ampersand each
    if not name.startswith("#"):
        return html5.get(f"{name};", escape)
    code = int(name.lstrip("#xX"), 16) if name[1] in "xX" else int(name[1:])
    return chr(code) if code <= sys.maxunicode else ""
