"""What people type: words, phrases, exclusions, and what is told to them when it cannot be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.archive.domain.query import MAX_CHARS, MAX_TERMS, QueryError, Term, parse


def test_words_phrases_and_exclusions() -> None:
    assert parse('营商环境 -招商 "一日 办结" -“虚假 数据”').terms == (
        Term(text="营商环境"),
        Term(text="招商", excluded=True),
        Term(text="一日 办结", phrase=True),
        Term(text="虚假 数据", phrase=True, excluded=True),
    )


def test_case_and_width_do_not_matter() -> None:
    assert parse("ＧＤＰ Ａ１") == parse("gdp a1")


def test_full_width_blank_and_minus() -> None:
    assert parse("环境　－污染").terms == (Term(text="环境"), Term(text="污染", excluded=True))


def test_a_minus_inside_a_word_excludes_nothing() -> None:
    (term,) = parse("covid-19").terms
    assert not term.excluded


def test_no_words_ask_for_everything() -> None:
    assert parse("  ").tsquery() is None


def test_a_long_word_is_found_by_its_parts_too() -> None:
    assert parse("苏州市").tsquery() == "(('苏州市') | ('苏州' & '市'))".join("()")


def test_a_phrase_is_looked_up_by_characters_whatever_surrounds_it() -> None:
    query = parse('"研究生"')
    assert query.tsquery() == "('研' & '究' & '生')"
    assert query.phrases == ["研究生"]


def test_an_excluded_phrase_is_left_to_the_text() -> None:
    query = parse('环境 -"水 污染"')
    assert query.tsquery() == "((('环境')))"
    assert query.banned == ["水 污染"]


def test_markers_leave_out_what_is_excluded() -> None:
    markers = parse("苏州市 -污染").markers()
    assert "苏州市" in markers
    assert "苏州" in markers
    assert "污染" not in markers
    assert "市" not in markers


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("长" * (MAX_CHARS + 1), "query.too_long"),
        (" ".join("词" * (MAX_TERMS + 1)), "query.too_many_terms"),
        ('"没有完', "query.unclosed_quote"),
        ("“没有完", "query.unclosed_quote"),
        ('""', "query.nothing_to_find"),
        ("。", "query.nothing_to_find"),
        ("环境 -", "query.nothing_to_find"),
        ("-污染", "query.only_exclusions"),
        ("_", "query.nothing_to_find"),
    ],
)
def test_wrong_queries_have_their_own_codes(text: str, code: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.zh


@given(st.text(max_size=MAX_CHARS + 10))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = parse(text)
    except QueryError:
        return
    asked = query.tsquery()
    assert (asked is None) == (not query.terms)
    if asked is not None:
        outside = "".join(asked.split("'")[0::2])
        assert set(outside) <= set("()&|! "), "nothing typed leaves its quotes"
        assert "\\" not in asked
        assert asked.count("(") == asked.count(")")
    asked and asked.encode()


@given(st.text(alphabet="苏州市经济发展 abc019\"“”'\\&|!:*()-", max_size=40))
def test_operators_of_the_database_are_only_text(text: str) -> None:
    try:
        query = parse(text)
    except QueryError:
        return
    for lexeme in (query.tsquery() or "").split("'")[1::2]:
        assert lexeme.isalnum()
