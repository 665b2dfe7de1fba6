"""Folding, segmenting, and telling that two units sent the same text."""

from hypothesis import given
from hypothesis import strategies as st

from services.archive.domain.lexemes import MAX_LEXEME_CHARS, every_piece, readings, tokens, vector, words
from services.archive.domain.text import fold, storable, text_hash


def lexemes_of(text: str) -> set[str]:
    return set(vector("", fold(text)).split("'")[1::2])


def test_words_single_characters_numbers_and_latin_are_lexemes() -> None:
    found = lexemes_of("苏州市GDP增长5.2%，iPhone-15")
    assert {"苏州", "苏州市", "增长", "gdp", "5", "2", "iphone", "15", "苏", "州", "市", "增", "长"} <= found


def test_the_title_weighs_more() -> None:
    parts = vector("苏州", "环境").split()
    assert "'苏州':1A" in parts
    assert "'环境':2" in parts


def test_what_is_asked_is_indexed_by_one_of_its_readings() -> None:
    found = lexemes_of("苏州市区优化营商环境")
    for token in tokens(fold("苏州市营商环境")):
        assert any(set(reading) <= found for reading in readings(token)), token


def test_folding_is_of_case_and_width_and_leaves_punctuation() -> None:
    assert fold("ＧＤＰ，Ａ１　ß") == "gdp，a1　ss"


def test_nul_becomes_a_space() -> None:
    assert fold("甲\x00乙") == storable("甲\x00乙") == "甲 乙"


def test_layout_does_not_make_another_text() -> None:
    assert text_hash(fold("企业开办，一日办结。")) == text_hash(fold("企业开办\n一日 办结"))
    assert text_hash(fold("企业开办")) != text_hash(fold("企业注销"))
    assert text_hash("。") != text_hash("，")


def test_a_text_made_to_burst_the_index_is_cut() -> None:
    rare = "".join(chr(0x20000 + n) for n in range(40_000))
    latin = " ".join(f"{n:0100d}" for n in range(9_000))
    for body in (rare, latin, rare + latin):
        assert len(vector("", body).encode()) < 2_000_000
    assert max(map(len, words("x" * 50_000))) == MAX_LEXEME_CHARS


@given(st.text(max_size=80))
def test_folding_never_shortens_and_folds_once(text: str) -> None:
    folded = fold(text)
    assert len(folded) >= len(text)
    assert fold(folded) == folded or any(ord(c) > 0x24F for c in text)  # a few exotic letters fold in two steps
    folded.encode()


@given(st.text(max_size=80))
def test_no_lexeme_needs_an_escape(text: str) -> None:
    for part in vector(fold(text), fold(text)).split():
        quoted = part.partition(":")[0]
        assert quoted[0] == quoted[-1] == "'"
        assert not set(quoted[1:-1]) & set("'\\ ")


@given(st.text(alphabet="研究生命起源苏州市区经济a1 。", min_size=1, max_size=40), st.data())
def test_a_phrase_of_han_characters_is_always_among_the_candidates(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    phrase = "".join(c for c in text[start:end] if not c.isascii())
    assert set(every_piece(phrase)) <= lexemes_of(text)
