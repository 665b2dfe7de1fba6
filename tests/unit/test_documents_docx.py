import io
import zipfile
from datetime import UTC, datetime

import docx as python_docx
from docx.document import Document
from docx.oxml.ns import qn

from services.gateway.documents.docx import docx
from services.gateway.documents.model import BulletinDocument, IssueDocument, UnitClass
from services.gateway.documents.text import clean
from tests.documents import HOSTILE, article, bulletin, full_bulletin, issue, line


def read(document: IssueDocument | BulletinDocument) -> Document:
    return python_docx.Document(io.BytesIO(docx(document)))


def test_the_page() -> None:
    section = read(issue()).sections[0]
    measures = (
        section.page_width,
        section.page_height,
        section.top_margin,
        section.bottom_margin,
        section.left_margin,
        section.right_margin,
    )
    assert [round(measure.mm) for measure in measures if measure is not None] == [210, 297, 37, 35, 28, 26]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert (grid.get(qn("w:type")), grid.get(qn("w:linePitch"))) == ("lines", "579")


def test_twenty_two_lines_fit_a_page() -> None:
    normal = read(issue()).styles["Normal"].paragraph_format
    assert normal.line_spacing is not None
    assert 22 * normal.line_spacing <= 225 * 36000 < 23 * normal.line_spacing


def test_page_numbers_stand_outside_on_both_sides() -> None:
    document = read(issue())
    assert document.settings.odd_and_even_pages_header_footer
    assert document.settings.element.find(qn("w:mirrorMargins")) is not None
    section = document.sections[0]
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        (paragraph,) = footer.paragraphs
        assert paragraph._p.pPr.jc.get(qn("w:val")) == side
        assert "PAGE" in "".join(code.text for code in paragraph._p.iter(qn("w:instrText")))
        assert paragraph.text == "— 1 —"


def test_an_issue() -> None:
    document = read(issue())
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[:3] == ["江苏信息", "2026年第12期（总第217期）", "江苏省人民政府办公厅\t2026年11月23日"]
    head = document.paragraphs[0].runs[0]
    assert str(head.font.color.rgb) == "FF0000"
    assert head._r.rPr.rFonts.get(qn("w:eastAsia")) == "方正小标宋简体"
    rule = document.paragraphs[2]._p.pPr.find(qn("w:pBdr")).find(qn("w:bottom"))
    assert rule.get(qn("w:color")) == "FF0000"
    assert "（昆山市、苏州市报送）" in texts
    assert "（一）强化组织领导。成立领导小组，建立“周调度、月通报”制度。" in texts


def test_headings_have_their_fonts_and_paragraphs_their_indent() -> None:
    document = read(issue(article()))
    fonts = {}
    for paragraph in document.paragraphs:
        for run in paragraph.runs[:1]:
            faces = run._r.rPr.rFonts if run._r.rPr is not None else None
            fonts[paragraph.text[:3]] = faces.get(qn("w:eastAsia")) if faces is not None else "仿宋_GB2312"
    assert (fonts["一、健"], fonts["（二）"], fonts["今年以"]) == ("黑体", "楷体_GB2312", "仿宋_GB2312")
    body = next(paragraph for paragraph in document.paragraphs if paragraph.text.startswith("今年以来"))
    assert body._p.pPr.ind.get(qn("w:firstLineChars")) == "200"


def test_the_colophon_floats_at_the_foot() -> None:
    table = read(issue()).tables[-1]
    place = table._tbl.tblPr.find(qn("w:tblpPr"))
    assert (place.get(qn("w:tblpYSpec")), place.get(qn("w:vertAnchor"))) == ("bottom", "margin")
    assert [row.cells[0].text for row in table.rows][-2:] == [
        "抄送：省委办公厅，省政协办公厅。",
        "江苏省人民政府办公厅\t2026年11月23日印发",
    ]


def test_a_bulletin_repeats_its_table_headers() -> None:
    document = read(full_bulletin())
    *tables, _ = document.tables
    assert len(tables) == 6
    for table in tables:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [cell.text for cell in tables[0].rows[1].cells] == ["1", "苏州市", "2", "12.5", "-1.5", "100"]


def test_metadata_names_title_author_and_day_only() -> None:
    about = read(issue()).core_properties
    assert (about.title, about.author, about.comments) == (
        "江苏信息 2026年第12期（总第217期）",
        "江苏省人民政府办公厅",
        "",
    )
    assert about.created == about.modified == datetime(2026, 11, 23, tzinfo=UTC)


def test_equal_documents_are_equal_bytes() -> None:
    assert docx(full_bulletin()) == docx(full_bulletin())


def test_substitutes_are_named_for_fonts_that_lack() -> None:
    with zipfile.ZipFile(io.BytesIO(docx(issue()))) as archive:
        assert '<w:font w:name="仿宋_GB2312"><w:altName w:val="仿宋"/>' in archive.read("word/fontTable.xml").decode()


def test_hostile_text_stays_text() -> None:
    document = read(issue(article(title=HOSTILE, body=f"一、{HOSTILE}\n{HOSTILE}")))
    assert [paragraph.text for paragraph in document.paragraphs].count(clean(HOSTILE)) == 2
    assert read(bulletin(text=HOSTILE, recipients=(HOSTILE,))).core_properties.title


def test_long_texts_and_tables() -> None:
    document = read(issue(article(body="长" * 100_000)))
    assert max(len(paragraph.text) for paragraph in document.paragraphs) == 100_000
    units = UnitClass(name="设区市", lines=tuple(line(f"第{n}市", items=20) for n in range(60)))
    assert len(read(bulletin(units)).tables[1].rows) == 1 + 60 * 21
