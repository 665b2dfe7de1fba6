"""Marks lie on the text as it was written, whatever folding did to it."""

from hypothesis import given
from hypothesis import strategies as st

from services.archive.domain.highlight import SNIPPET_CHARS, Highlighter, Piece
from services.archive.domain.query import parse


def marked(query: str, text: str) -> list[str]:
    return [piece.text for piece in Highlighter(parse(query).markers()).mark(text) if piece.hit]


def test_words_are_marked_as_written() -> None:
    assert marked("gdp 苏州", "苏州ＧＤＰ和GDP") == ["苏州ＧＤＰ", "GDP"]


def test_a_letter_that_folds_to_two_keeps_the_marks_in_place() -> None:
    assert marked("环境", "ﬁﬁß营商环境好") == ["环境"]


def test_a_number_is_marked_whole() -> None:
    assert marked("5", "2025年增长5%") == ["5"]


def test_phrases_are_marked_whole_and_exclusions_never() -> None:
    assert marked('"一日办结" -环境', "企业开办一日办结，环境好，一日") == ["一日办结"]


def test_a_snippet_shows_the_first_hit_with_its_surroundings() -> None:
    body = "前" * 500 + "环境" + "后" * 500
    pieces = Highlighter(["环境"]).snippet(body)
    assert pieces[0] == Piece("…", hit=False)
    assert Piece("环境", hit=True) in pieces
    assert pieces[-1] == Piece("…", hit=False)
    assert len("".join(p.text for p in pieces)) == SNIPPET_CHARS + 2


def test_without_a_hit_a_snippet_is_the_beginning() -> None:
    assert Highlighter([]).snippet("短文") == [Piece("短文", hit=False)]


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=3), max_size=4))
def test_pieces_joined_are_the_text(text: str, markers: list[str]) -> None:
    marks = Highlighter(markers)
    assert "".join(p.text for p in marks.mark(text)) == text
    snippet = "".join(p.text for p in marks.snippet(text)).strip("…")
    assert snippet in text
