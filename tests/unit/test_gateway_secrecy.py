"""涉密不上网 (Art. 2): markings are found, prose about secrets passes, and no text crashes the search."""

import time
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.errors import Reason, RefusedError
from proto.messages import Attachment, Category, ReportContent
from services.kit.reading import MAX_EXPANSION, folded, unescaped
from services.kit.secrecy import any_marked, check_open, is_marked
from tests.unit.secrecy_texts import HARMLESS, MARKED


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


def test_harmless_together_and_each_marking_among_them() -> None:
    assert not any_marked(HARMLESS)
    for text in MARKED:
        assert any_marked([*HARMLESS[:40], text, *HARMLESS[40:]]), text


@pytest.mark.parametrize(
    "texts",
    [("密级：", "机密性评估"), ("绝", "密"), ("机", "密★1年"), ("机密<a", "b>性"), ("秘密资料室\n", "★1年"), (), ("",)],
)
def test_what_does_not_belong_together_is_read_apart(texts: tuple[str, ...]) -> None:
    assert not any_marked(texts)


@pytest.mark.parametrize("field", ["title", "body", "answers", "marking"])
@pytest.mark.parametrize("mark", ["秘密★1年", "机密", "绝 密"])
def test_wherever_it_stands(field: str, mark: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_open(content(**{field: mark}))
    assert (refused.value.reason, refused.value.detail) == (Reason.REPORT_CLASSIFIED, "")


def texts_of(kind: type[msgspec.Struct]) -> Iterator[tuple[str, ...]]:
    """Yield the path of every field that holds free text, found from the types."""
    for field in msgspec.structs.fields(kind):
        yield from ((field.name, *more) for more in texts_in(field.type))


def texts_in(annotation: Any) -> Iterator[tuple[str, ...]]:
    free = not any(isinstance(part, msgspec.Meta) and part.pattern for part in getattr(annotation, "__metadata__", ()))
    if annotation is str:
        yield ()
    elif isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield from texts_of(annotation)
    elif free:
        for inner in get_args(annotation):
            yield from texts_in(inner)


TEXTS = list(texts_of(ReportContent))


def test_all_fields_with_text_are_known() -> None:
    assert set(TEXTS) == {
        ("title",), ("body",), ("sources",), ("marking",), ("answers",), ("attachments", "name"), ("attachments", "media_type"),
    }  # fmt: skip


@pytest.mark.parametrize("path", TEXTS, ids=".".join)
@pytest.mark.parametrize("mark", ["机密★10年", "密级：秘密", "机密"])
def test_in_every_text_of_a_report(path: tuple[str, ...], mark: str) -> None:
    paper = {"name": "【样例】附件", "media_type": "application/pdf", "size": 1, "digest": "0" * 64}
    match path:
        case ("attachments", name):
            changes: dict[str, object] = {"attachments": (Attachment(**(paper | {name: mark})),)}  # type: ignore[arg-type]
        case ("sources",):
            changes = {"sources": ("【样例】", mark)}
        case (name,):
            changes = {name: mark}
    with pytest.raises(RefusedError) as refused:
        check_open(content(**changes))
    assert (refused.value.reason, refused.value.detail) == (Reason.REPORT_CLASSIFIED, "")


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


@pytest.mark.parametrize("unit", ["\ufdfa", "\u3316", "⑽", "㈠", "&amp;", "&#38;", "&ngE;", "<a>", "密\u0301", "机密"])
def test_no_text_grows_much_while_it_is_read(unit: str) -> None:
    """U+FDFA is 18 characters in NFKC: a megabyte would become seven million to search."""
    text = unit * 1_000
    assert len(unescaped(text)) <= len(text)
    assert len(folded(text)) <= MAX_EXPANSION * len(text)


@given(st.text(max_size=200))
def test_no_text_at_all_grows_much(text: str) -> None:
    assert len(unescaped(text)) <= len(text)
    assert len(folded(text)) <= MAX_EXPANSION * len(text)


HOSTILE = (
    "密", "机密", "密\n", "机\n", "机密甲\n", "秘 ", "机<", "机<a ", "<a", "密级", "密级:", "密级为机密、", "【", "【密", "(机", "1", "1\n", "一\n", "第1", "No.1",
    "-\n#", ">\n", "机密*", "机密级*", "机密-1", "国家\n秘密", "\u200b", "\u0301", "\u3164", " ", "\n", "\ufdfa", "&", "&a", "&amp;", "&#0", "&#1;", "\\u", "\\u673a", "\\",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_long_texts_take_no_time(unit: str) -> None:
    """Nothing is quadratic: a quarter of a megabyte takes a fortieth of this, however slow the machine."""
    for text in (unit * (250_000 // len(unit.encode())), "机密甲" + unit * (250_000 // len(unit.encode()))):
        began = time.process_time()
        is_marked(text)
        assert time.process_time() - began < 1.0


def test_escapes_that_lead_nowhere() -> None:
    for text in (
        "&#" + "9" * 5_000 + ";机密性",
        "&#x110000;机密性",
        "&#1114112;",
        "&#xD800;机密性",
        "&;",
        "&#;",
        "&#x;",
        "&nosuchname;机密性",
        "\\ud800机密性",
    ):
        assert not is_marked(text)
    assert is_marked("&#000026426;密★1年")
    assert not is_marked("&#" + "0" * 5_000 + "26426;密★1年")
