"""涉密不上网 (Art. 2): markings are found, prose about secrets passes, and no text crashes the search."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.errors import Reason, RefusedError
from proto.messages import Attachment, Category, ReportContent
from services.kit.secrecy import check_open, is_marked

MARKED = (
    "秘密★1年", "机密★20年", "绝密★长期", "秘密★", "机密☆10年", "绝密*30年", "秘 密 ★ 1年", "机　密★5年", "绝\u200b密★1年",
    "秘\u00ad密★", "秘密⭐1年", "密级：秘密", "密级:机密", "密 级 ： 绝 密", "密级【机密】", "密级（秘密）", "密级\u3000机密", "密级机密",
    "秘密", "机密", "绝密", "【机密】", "（秘密）", "[绝密]", "《机密》", "  机  密  ", "机密 10年", "绝密 长期", "秘密（3年）",
    "秘密 六个月", "【样例】机密", "【样例】秘密★1年", "标题\n机密\n正文", "正文。\r\n秘密★3年\r\n", "\u3000\u3000机密\u3000\u3000",
    "前文如下：机密★10年，后文", "絕密★30年", "\u202e机\ufe0f密\u0301★", "第一行\r机密\r第三行", "机\n密★", "ꓸ密级：机密ꓸ",
    "秘\u202a密★1年", "秘\ufe0f密★1年", "秘\u2066密★", "秘\u034f密★2年", "机密 特急", "特急 机密", "市委办（机密）", "机密·1年", "秘密▲5年",
    "㊙★1年", "秘密至2027年",
)  # fmt: skip
HARMLESS = (
    "", "今年以来，昆山市推行企业开办“一日办结”。", "加强商业秘密保护", "保守国家秘密是公民义务", "开展保密宣传教育",
    "召开机密工作人员座谈会", "查处泄露商业秘密案件三起", "秘密投票选举产生", "选举以无记名秘密投票方式进行。", "机密性、完整性、可用性",
    "密级标志管理办法修订", "绝密飞行比赛", "本市涉密人员培训", "人口密度较高", "密切联系群众", "秘书处★年度先进", "机关密切协作",
    "秘密级文件由专人管理", "机密级计算机已登记", "《中华人民共和国保守国家秘密法》", "不得以商业秘密为由拒绝公开",
)  # fmt: skip


def content(**changes: object) -> ReportContent:
    fields: dict[str, object] = {
        "title": "【样例】标题", "body": "【样例】正文", "category": Category.DEVELOPMENT, "sources": ("【样例】来源",),
    }  # fmt: skip
    return ReportContent(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", MARKED)
def test_marked(text: str) -> None:
    assert is_marked(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless(text: str) -> None:
    assert not is_marked(text)


@pytest.mark.parametrize("field", ["title", "body", "answers", "marking"])
@pytest.mark.parametrize("mark", ["秘密★1年", "机密", "绝 密"])
def test_wherever_it_stands(field: str, mark: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_open(content(**{field: mark}))
    assert (refused.value.reason, refused.value.detail) == (Reason.REPORT_CLASSIFIED, "")


def test_in_sources_and_names_of_attachments() -> None:
    paper = Attachment(name="机密★10年", media_type="application/pdf", size=1, digest="0" * 64)
    for changes in ({"sources": ("【样例】", "密级：秘密")}, {"attachments": (paper,)}):
        with pytest.raises(RefusedError):
            check_open(content(**changes))


@pytest.mark.parametrize("marking", ["", "无", "公开", "非密", "none", " None ", "ＮＯＮＥ"])
def test_open_markings(marking: str) -> None:
    check_open(content(marking=marking))


@pytest.mark.parametrize("marking", ["内部", "秘", "x", "TOP SECRET", "公开?"])
def test_any_other_marking_is_a_classification(marking: str) -> None:
    with pytest.raises(RefusedError):
        check_open(content(marking=marking))


@given(st.text(alphabet="秘机绝密级★☆:： 　\n【】（）()长期年1二\u200b\u2060\ufeffabc", max_size=60))
def test_no_crash_on_near_misses(text: str) -> None:
    is_marked(text)


@given(st.text(max_size=80), st.sampled_from(["秘密★1年", "机密★长期", "密级：绝密"]), st.text(max_size=80))
def test_found_in_any_surroundings(before: str, mark: str, after: str) -> None:
    assert is_marked(f"{before}\n{mark}\n{after}")


@given(st.lists(st.sampled_from(["\u200b", "\u00ad", "\u2060", "\ufeff", " ", "\u3000"]), max_size=6))
def test_invisible_characters_hide_nothing(between: list[str]) -> None:
    assert is_marked(f"机{''.join(between)}密{''.join(between)}★10年")


@pytest.mark.parametrize(
    "text", ["密" * 50_000, "秘" + " " * 49_999, ("【" * 10 + "密") * 4_500, "密\n" + " \n" * 24_000, "密级" * 25_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    began = time.perf_counter()
    is_marked(text)
    assert time.perf_counter() - began < 1.0
