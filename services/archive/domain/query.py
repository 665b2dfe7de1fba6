"""What a person types into the search field → terms. Pure; every bound is named.

Words separated by spaces must all be found; ``"…"`` (or “…”) is an exact phrase; ``-`` before either excludes it.
"""

import re
from typing import Final

from msgspec import Struct

from services.archive.domain.lexemes import every_piece, readings, tokens
from services.archive.domain.text import fold

MAX_CHARS: Final = 200
MAX_TERMS: Final = 20
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]+")
_MINUS: Final = "-−－"
_QUOTES: Final = {'"': '"', "＂": "＂", "“": "”"}
_WORD_END: Final = re.compile(r'[\s"＂“]')


class QueryError(Exception):
    """A query that cannot be read; ``code`` is stable, ``zh`` and ``en`` say what to change."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.code = f"query.{code}"
        self.zh = zh
        self.en = en


class Term(Struct, frozen=True, kw_only=True):
    """One word or phrase of a query."""

    text: str  # folded
    phrase: bool = False  # exactly this, characters between included
    excluded: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """A parsed query (检索式); without terms it asks for everything."""

    terms: tuple[Term, ...]

    @property
    def phrases(self) -> list[str]:
        """Folded texts that must stand in the document as they are."""
        return [term.text for term in self.terms if term.phrase and not term.excluded]

    @property
    def banned(self) -> list[str]:
        """Folded texts that must not."""
        return [term.text for term in self.terms if term.phrase and term.excluded]

    def tsquery(self) -> str | None:
        """Return PostgreSQL's tsquery: all candidates, from which ``phrases`` and ``banned`` still take away."""
        parts = [_all(every_piece(t.text)) if t.phrase else _word(t.text) for t in self.terms if not t.excluded]
        parts += [f"!({_word(t.text)})" for t in self.terms if t.excluded and not t.phrase]
        return " & ".join(parts) or None

    def markers(self) -> list[str]:
        """Return the folded texts to highlight, longest first."""
        found: dict[str, None] = {}
        for term in self.terms:
            if term.excluded:
                continue
            listed = [term.text] if term.phrase else [t for token in tokens(term.text) for t in (token, *_parts(token))]
            found.update(dict.fromkeys(listed))
        return sorted(found, key=len, reverse=True)


def parse(text: str) -> Query:
    """Return the query; raise ``QueryError`` for what cannot be meant."""
    if len(text) > MAX_CHARS:
        raise QueryError("too_long", f"检索式不得超过{MAX_CHARS}字", f"At most {MAX_CHARS} characters")
    rest = _BLANK.sub(" ", text).strip()
    terms: list[Term] = []
    while rest:
        excluded = rest[0] in _MINUS
        rest = rest[1:] if excluded else rest
        term, rest = _take_phrase(rest) if rest[:1] in _QUOTES and rest else _take_word(rest)
        if not every_piece(term.text):
            raise QueryError(
                "nothing_to_find", "检索词须含文字或数字", "Each term needs a letter, a digit or a Chinese character"
            )
        terms.append(Term(text=term.text, phrase=term.phrase, excluded=excluded))
        if len(terms) > MAX_TERMS:
            raise QueryError("too_many_terms", f"检索词不得超过{MAX_TERMS}个", f"At most {MAX_TERMS} terms")
        rest = rest.lstrip()
    if terms and all(term.excluded for term in terms):
        raise QueryError("only_exclusions", "不能只有排除词", "A query cannot only exclude")
    return Query(terms=tuple(terms))


def _take_phrase(text: str) -> tuple[Term, str]:
    closing = _QUOTES[text[0]]
    end = text.find(closing, 1)
    if end < 0:
        raise QueryError("unclosed_quote", "引号没有成对", "A quotation mark is not closed")
    return Term(text=fold(text[1:end].strip()), phrase=True), text[end + 1 :]


def _take_word(text: str) -> tuple[Term, str]:
    found = _WORD_END.search(text)
    end = found.start() if found else len(text)
    return Term(text=fold(text[:end])), text[end:]


def _word(text: str) -> str:
    return _all_of(["(" + " | ".join(_all(reading) for reading in readings(token)) + ")" for token in tokens(text)])


def _parts(token: str) -> list[str]:
    return [part for reading in readings(token) for part in reading if len(part) > 1 or part.isascii()]


def _all(lexemes: list[str]) -> str:
    return _all_of([f"'{lexeme}'" for lexeme in lexemes])


def _all_of(parts: list[str]) -> str:
    return "(" + " & ".join(parts) + ")"
