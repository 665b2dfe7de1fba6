"""Folding and normalising text: what counts as the same letter, and as the same text."""

import re
import unicodedata
from hashlib import sha256
from typing import Final

_BMP: Final = 0x10000
_NOT_WORD: Final = re.compile(r"[\W_]+")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _Folding(dict[int, str]):
    """Character → folded character, filled as characters are met; bounded by the basic plane."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        folded = unicodedata.normalize("NFKC", char).casefold() if char.isalnum() else char
        if _UNSTORABLE.match(char):
            folded = " "
        if point < _BMP:
            self[point] = folded
        return folded


_FOLDING: Final = _Folding()


def storable(text: str) -> str:
    """Return the text as PostgreSQL can keep it: NUL (and lone surrogates) become spaces, the length stays."""
    return _UNSTORABLE.sub(" ", text)


def fold(text: str) -> str:
    """Return the text with letters and digits in one case and one width, character by character; never shorter."""
    return text.translate(_FOLDING)


def text_hash(folded: str) -> bytes:
    """Return SHA-256 of a folded text's letters and digits alone: equal for texts that differ only in layout."""
    return sha256((_NOT_WORD.sub("", folded) or folded).encode()).digest()
