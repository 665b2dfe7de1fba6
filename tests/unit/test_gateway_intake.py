"""Which reports are alike, and which units lie under a code."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.intake import SKETCH_SIZE, likeness, origin_pattern, sketch_of

TITLE = "【样例】秋粮收购进度"
BODY = "今年以来，全市秋粮收购进展顺利，累计入库一百二十万吨，同比增长一成，价格总体平稳，农户售粮便捷，储备充足。" * 3
OTHER = "阳澄湖大闸蟹上市首周线上销售额突破三亿元，冷链直达三十个城市，带动渔民增收，品牌影响力持续提升，监管到位。" * 3


def common(one: str, other: str) -> int:
    return len(set(sketch_of(TITLE, one)) & set(sketch_of("【样例】另题", other)))


def test_like_texts_have_like_sketches() -> None:
    assert common(BODY, BODY) >= SKETCH_SIZE / 2
    assert common(BODY, f"开头另写。{BODY}末尾补充几句。") >= SKETCH_SIZE / 4
    assert common(BODY, OTHER) <= 1


@pytest.mark.parametrize("part", [0.1, 0.2, 0.3])
def test_an_edited_text_is_found_again(part: float) -> None:
    chance = Random(8)  # noqa: S311 - edits, not secrets
    for _ in range(50):
        text = [*BODY]
        for _ in range(int(len(text) * part / 4)):
            at = chance.randrange(len(text) - 4)
            text[at : at + 4] = chance.sample(OTHER, 4)
        assert common(BODY, "".join(text)) > 0


def test_spaces_and_punctuation_make_no_difference() -> None:
    spaced = " ".join(BODY).replace("，", "；\n")
    assert sketch_of(TITLE, BODY) == sketch_of(TITLE, spaced)
    assert likeness((TITLE, BODY), (TITLE, spaced)) == 1


def test_likeness_lies_between_nothing_and_all() -> None:
    assert likeness((TITLE, BODY), (TITLE, BODY)) == 1
    assert likeness(("", BODY), ("", OTHER)) < 0.05
    assert 0.5 < likeness((TITLE, BODY), (TITLE, BODY + OTHER[:60])) < 1
    assert likeness(("", "，"), ("", "。")) == 1


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_sketch_and_a_likeness(title: str, body: str) -> None:
    sketch = sketch_of(title, body)
    assert len(sketch) <= SKETCH_SIZE
    assert list(sketch) == sorted(set(sketch))
    assert all(-(2**31) <= number < 2**31 for number in sketch)
    assert 0 <= likeness((title, body), (body, title)) <= 1
    assert likeness((title, body), (title, body)) == 1


@pytest.mark.parametrize(
    ("code", "under", "beside"),
    [
        ("320000", ("320000", "320000-fgw", "320583"), ("110000",)),
        ("320500", ("320500", "320583", "320500-fgw"), ("320200", "320000")),
        ("320583", ("320583",), ("320582", "320500")),
        ("320000-fgw", ("320000-fgw",), ("320000", "320000-fgwx")),
    ],
)
def test_an_area_has_its_units(code: str, under: tuple[str, ...], beside: tuple[str, ...]) -> None:
    pattern = re.compile(re.escape(origin_pattern(code)).replace("%", ".*"))
    assert all(pattern.fullmatch(each) for each in under)
    assert not any(pattern.fullmatch(each) for each in beside)
