"""Text made fit for paper: cleaned, measured, cut into paragraphs. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

_KEPT_FORMATS: Final = frozenset("\u200c\u200d")  # joiners: Arabic letters and emoji need them
_NUMBER: Final = "[一二三四五六七八九十百]{1,4}"
_SECTION: Final = re.compile(rf"{_NUMBER}、")
_SUBSECTION: Final = re.compile(rf"[（(]{_NUMBER}[）)]")
_NO_CHARACTER: Final = 0xFFFE  # the last two of each plane, by their lower 16 bits
REPLACEMENT: Final = "\ufffd"


def clean(text: str) -> str:
    """Return one line of NFC text without what prints nothing: controls, and formats such as bidirectional overrides.

    Those turn the reading of a line around and could make a printed figure another one. What is no character at all
    (surrogates, U+FFFE) becomes U+FFFD, since neither XML nor UTF-8 can carry it.
    """
    return "".join(map(_printable, unicodedata.normalize("NFC", text))).strip()


def _printable(character: str) -> str:
    if character.isspace():
        return "\u3000" if character == "\u3000" else " "
    category = unicodedata.category(character)
    if category == "Cs" or ord(character) & _NO_CHARACTER == _NO_CHARACTER:
        return REPLACEMENT
    if category == "Cc" or (category == "Cf" and character not in _KEPT_FORMATS):
        return ""
    return character


def lines(text: str) -> Iterable[str]:
    """Yield the cleaned lines that are not empty."""
    return filter(None, map(clean, text.splitlines()))


def level(line: str) -> int:
    """Return 1 for a heading 一、, 2 for （一）, 0 for other text (GB/T 9704-2012, 7.3.3)."""
    if _SECTION.match(line):
        return 1
    return 2 if _SUBSECTION.match(line) else 0


def split_heading(line: str) -> tuple[str, str]:
    """Return a heading and the text that runs on after its first full stop."""
    head, stop, rest = line.partition("。")
    return head + stop, rest


def width(text: str) -> float:
    """Return the width in ems, about: Chinese characters and their punctuation one, others a half."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.5 for c in text)


def chinese_day(day: date) -> str:
    """Return 2026年11月23日."""
    return f"{day.year}年{day.month}月{day.day}日"


def number(value: Decimal) -> str:
    """Return the number without trailing zeros or exponent; never -0."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
