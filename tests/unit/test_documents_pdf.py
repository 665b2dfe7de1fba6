import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PageObject, PdfReader

from services.gateway.documents.errors import FontMissingError
from services.gateway.documents.fonts import BASE, ROLES, choose
from services.gateway.documents.model import BulletinDocument, IssueDocument, UnitClass
from services.gateway.documents.pdf import pdf
from tests.documents import HOSTILE, SENTENCE, article, bulletin, full_bulletin, issue, line

MM = 72 / 25.4


def read(document: IssueDocument | BulletinDocument) -> PdfReader:
    return PdfReader(io.BytesIO(pdf(document)))


def text_of(reader: PdfReader) -> str:
    """All text, in one line."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))


def places(page: PageObject) -> list[tuple[float, float, str]]:
    """Where each piece of text begins: millimetres from the left and the top."""
    found = []

    def visit(text: str, cm: list[float], tm: list[float], _font: Any, _size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append((x / MM, 297 - y / MM, text.strip()))

    page.extract_text(visitor_text=visit)
    return found


def test_pages_are_a4_and_text_keeps_to_the_type_area() -> None:
    reader = read(issue(article(body="\n".join([SENTENCE * 6] * 12))))
    assert len(reader.pages) >= 4
    for number, page in enumerate(reader.pages, 1):
        assert [round(float(side) / MM) for side in page.mediabox[2:]] == [210, 297]
        body = [place for place in places(page) if place[1] < 297 - 35]
        inside = 28 if number % 2 else 26
        assert min(x for x, _, _ in body) == pytest.approx(inside, abs=0.5)
        assert min(y for _, y, _ in body) > 37


def test_a_full_page_has_22_lines_of_28_characters() -> None:
    reader = read(issue(article(body="国" * 5000)))
    lines = reader.pages[1].extract_text().split()
    full = [len(each) for each in lines if set(each) == {"国"}]
    assert full == [28] * 22


def test_paragraphs_are_indented_by_two_characters() -> None:
    reader = read(issue(article(body="国" * 100)))
    body = [place for place in places(reader.pages[0]) if place[2].startswith("国")]
    assert body[0][0] - body[1][0] == pytest.approx(2 * 16 / MM, abs=0.5)


def test_page_numbers_stand_outside() -> None:
    reader = read(issue(article(body=SENTENCE * 60)))
    for number, page in enumerate(reader.pages, 1):
        foot = [(x, y, text) for x, y, text in places(page) if y > 297 - 35 + 7]
        assert "".join(text for _, _, text in foot).replace(" ", "") == f"—{number}—"
        left = min(x for x, _, _ in foot)
        assert left > 150 if number % 2 else left < 40


def test_an_issue_reads_in_order() -> None:
    text = text_of(read(issue()))
    parts = (
        "江苏信息",
        "2026年第12期（总第217期）",
        "江苏省人民政府办公厅",
        "【样例】昆山市多措并举优化营商环境",
        "（昆山市、苏州市报送）",
        "一、健全工作机制",
        "（一）强化组织领导。成立领导小组",
        "【样例】省发展改革委",
        "报：省委、省政府领导同志。",
        "抄送：省委办公厅，省政协办公厅。",
        "2026年11月23日印发",
    )
    at = -1
    for part in parts:
        assert part in text[at + 1 :], part
        at = text.index(part, at + 1)


def test_the_head_and_its_line_are_red() -> None:
    content = read(issue()).pages[0].get_contents()
    assert content is not None
    assert set(re.findall(rb"\b1 0 0 (scn|SCN)\b", content.get_data())) == {b"scn", b"SCN"}  # filled, drawn


def test_the_colophon_ends_the_last_page() -> None:
    reader = read(issue())
    (printed,) = (y for _, y, text in places(reader.pages[-1]) if text.endswith("印发"))
    assert 297 - 35 - 8 < printed < 297 - 35


def test_fonts_are_embedded() -> None:
    names = set()
    for page in read(full_bulletin()).pages:
        resources: Any = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            descriptor = descendant.get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)
            assert "/ToUnicode" in font.get_object()
            names.add(str(descriptor["/FontName"]).split("+")[1])
    assert len(names) >= 4  # 小标宋, 仿宋, 黑体, figures


def test_table_headers_are_repeated() -> None:
    units = UnitClass(name="设区市", lines=tuple(line(f"第{n}市", items=5, rank=n + 1) for n in range(30)))
    reader = read(bulletin(units))
    details = [page.extract_text() for page in reader.pages if "计分依据" in page.extract_text()]
    assert len(details) >= 8
    assert all("标题" in page for page in details)


def test_a_class_without_lines_leaves_no_trace() -> None:
    assert "设区市" not in text_of(read(bulletin(UnitClass(name="设区市", lines=()), recipients=())))


def test_metadata() -> None:
    reader = read(issue())
    about = reader.metadata
    assert about is not None
    assert (about.title, about.author) == ("江苏信息 2026年第12期（总第217期）", "江苏省人民政府办公厅")
    assert about.creation_date == datetime(2026, 11, 23, tzinfo=UTC)
    assert b"/home" not in pdf(issue())
    assert reader.xmp_metadata is not None
    assert "pdfaid:part>2<" in reader.xmp_metadata.stream.get_data().decode()


def test_equal_documents_are_equal_bytes() -> None:
    assert pdf(full_bulletin()) == pdf(full_bulletin())


def test_headings_are_bookmarks() -> None:
    titles = [entry.title for entry in read(issue()).outline if not isinstance(entry, list)]
    assert titles == ["【样例】昆山市多措并举优化营商环境", "【样例】省发展改革委反映项目用地的三个问题"]


def test_hostile_text_is_set_as_text() -> None:
    text = text_of(read(issue(article(title=HOSTILE, body=f"一、{HOSTILE}\n{HOSTILE}"))))
    for expected in ("<script>alert(1)</script>&amp;{{7*7}}", '#eval("1")$x$*b*_e_`r`@ref\\u{41}//c/*d*/=h', "𠮷䶮㛃"):
        assert expected in text
    assert "654321" in text  # and not turned around
    for code in ("1F600", "5E9", "E000"):
        assert code in text
    read(bulletin(text=HOSTILE, recipients=(HOSTILE,)))


@pytest.mark.parametrize("word", ["a" * 600, "https://example.invalid/" + "a1" * 300, "W" * 90, "ش" * 80])
def test_long_words_break(word: str) -> None:
    for document in (issue(article(title=word, body=word)), bulletin(UnitClass(name=word, lines=(line(word),)))):
        reader = read(document)
        text = text_of(reader)
        assert word in text or "U+" in text
        assert "\u200b" not in text
        for page in reader.pages:
            assert max(map(len, page.extract_text().split())) < 100


def test_a_hundred_thousand_characters() -> None:
    for character, pages in (("长", 150), ("a", 60)):
        assert len(read(issue(article(body=character * 100_000))).pages) > pages
    units = UnitClass(name="设区市", lines=(line("长" * 5_000),))
    assert text_of(read(bulletin(units))).count("长") >= 2 * 5_000


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_text_can_be_set(text: str) -> None:
    assert read(issue(article(title=text, body=f"一、{text}\n{text}"))).pages


def test_a_missing_font_is_named_with_its_package() -> None:
    with pytest.raises(FontMissingError, match="fonts-arphic-gkai00mp fonts-noto-cjk"):
        pdf(issue(), fonts=typst.Fonts(include_system_fonts=False))
    with pytest.raises(FontMissingError, match=r"楷体 \(AR PL KaitiM GB\); apt-get install fonts-arphic-gkai00mp$"):
        choose({(BASE, 400), (BASE, 700), ("Noto Sans CJK SC", 400)})


def test_licensed_fonts_come_first() -> None:
    free = {(role.faces[-1].family, role.faces[-1].weight) for role in ROLES.values()}
    assert choose(free)["body"].family == BASE
    assert choose(free | {("仿宋_GB2312", 400)})["body"].family == "仿宋_GB2312"
