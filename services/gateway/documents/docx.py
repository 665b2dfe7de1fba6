"""DOCX by python-docx, to be opened and edited in Word, WPS or LibreOffice. Fonts are named, not embedded: offices have them."""

import io
from datetime import UTC, datetime, time
from typing import Final, assert_never

import docx as python_docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt, RGBColor, Twips
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from services.gateway.documents import word
from services.gateway.documents.blocks import (
    BODY_SIZE,
    LINE_PITCH,
    RED,
    TEXT,
    Align,
    Attachment,
    AttachmentList,
    Block,
    Caption,
    Colophon,
    Paragraph,
    RedHead,
    Salutation,
    Signature,
    Style,
    Table,
    Title,
)
from services.gateway.documents.layout import sheet
from services.gateway.documents.model import BulletinDocument, IssueDocument

_TITLE_SIZE: Final = 22.0  # pt, 2号
_SMALL_SIZE: Final = 14.0  # pt, 4号
_LEADS: Final = {Style.PLAIN: word.FANGSONG, Style.SECTION: word.HEI, Style.SUBSECTION: word.KAI}
_TITLE_STYLE: Final = "公文标题"
_SECTION_STYLES: Final = {Style.PLAIN: "Normal", Style.SECTION: "公文一级标题", Style.SUBSECTION: "公文二级标题"}
_OUTLINE: Final = {_TITLE_STYLE: 0, "公文一级标题": 1, "公文二级标题": 2}
_COLOPHON_INDENT: Final = Pt(_SMALL_SIZE) - Twips(word.CELL_MARGIN_TWIPS)  # one character from the rules' ends
_RULES: Final = (1.0, 0.75)  # pt: 0.35 mm and 0.25 mm (7.4)


def docx(document: IssueDocument | BulletinDocument) -> bytes:
    """Return the document as DOCX; equal documents give equal bytes."""
    laid_out = sheet(document)
    made = python_docx.Document()
    word.set_page(made)
    word.name_substitutes(made)
    _set_styles(made)
    _set_footers(made)
    at = datetime.combine(laid_out.day, time(), UTC)
    about = made.core_properties
    about.title, about.author, about.last_modified_by = (
        laid_out.title[:255],
        laid_out.author[:255],
        laid_out.author[:255],
    )
    about.comments, about.language, about.created, about.modified = "", "zh-CN", at, at
    for block in laid_out.blocks:
        _draw(made, block)
    _draw_colophon(made, laid_out.colophon)
    written = io.BytesIO()
    made.save(written)
    return word.tidy(written.getvalue())


def _set_styles(made: Document) -> None:
    normal = made.styles["Normal"]
    if not isinstance(normal, ParagraphStyle):  # pragma: no cover - python-docx's own template has it
        raise TypeError
    normal.font.size = Pt(BODY_SIZE)
    run = normal.element.get_or_add_rPr()
    word.set_fonts(run, word.FANGSONG)
    for old in run.findall(qn("w:lang")):
        run.remove(old)
    word.insert(run, word.element("spacing", val=str(word.SPACING_TWIPS)), "sz", "szCs", "lang")
    word.element("lang", run, val="en-US", eastAsia="zh-CN")
    shape = normal.paragraph_format
    shape.space_before = shape.space_after = Pt(0)
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Twips(word.LINE_TWIPS)
    shape.alignment, shape.widow_control = WD_ALIGN_PARAGRAPH.JUSTIFY, False
    word.insert(normal.element.get_or_add_pPr(), word.element("snapToGrid", val="0"), "spacing", "ind", "jc")
    for name, outline in _OUTLINE.items():
        style = made.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style, style.paragraph_format.keep_with_next = normal, True
        word.element("outlineLvl", style.element.get_or_add_pPr(), val=str(outline))


def _set_footers(made: Document) -> None:
    section = made.sections[0]
    for footer, align in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        paragraph.style, paragraph.alignment = made.styles["Normal"], align
        word.indent(paragraph, **{"right" if align is WD_ALIGN_PARAGRAPH.RIGHT else "left": 1})
        word.page_field(paragraph)
        for run in paragraph.runs:
            _dress(run, word.SONG, _SMALL_SIZE)


def _draw(made: Document, block: Block) -> None:
    match block:
        case RedHead():
            _draw_head(made, block)
        case Title():
            _draw_title(made, block.text, block.note)
        case Salutation():
            _add(made, block.text)
        case Paragraph():
            _draw_paragraph(made, block)
        case AttachmentList():
            _draw_attachments(made, block)
        case Signature():
            _add(made, "")
            for text, right in ((block.organ, block.organ_indent), (block.day, block.day_indent)):
                paragraph = _add(made, text, align=WD_ALIGN_PARAGRAPH.RIGHT)
                paragraph.paragraph_format.keep_together = True
                word.indent(paragraph, right=right)
        case Attachment():
            _add(made, block.label, word.HEI).paragraph_format.page_break_before = True
            _draw_title(made, block.title, "")
        case Caption():
            _add(made, block.text, word.HEI, style="公文一级标题").paragraph_format.space_before = Pt(8)
        case Table():
            _draw_table(made, block)
        case _:
            assert_never(block)


def _draw_head(made: Document, head: RedHead) -> None:
    name = _add(made, "", align=WD_ALIGN_PARAGRAPH.CENTER)
    _dress(name.add_run(head.name), word.XIAOBIAOSONG, head.size).font.color.rgb = RGBColor.from_string(RED)
    name.paragraph_format.space_before = Mm(head.gap)
    name.paragraph_format.line_spacing_rule, name.paragraph_format.line_spacing = WD_LINE_SPACING.SINGLE, 1.0
    name.paragraph_format.space_after = Pt(LINE_PITCH * (0.5 if head.left else 2))
    last = _add(made, head.number, align=WD_ALIGN_PARAGRAPH.CENTER)
    if head.left or head.right:
        last = _add(made, f"{head.left}\t{head.right}", align=WD_ALIGN_PARAGRAPH.LEFT)
        last.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT[0]), WD_TAB_ALIGNMENT.RIGHT)
    word.rule_below(last, points=1.75, color=RED)


def _draw_title(made: Document, text: str, note: str) -> None:
    _add(made, "")
    title = _add(made, text, word.XIAOBIAOSONG, size=_TITLE_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER, style=_TITLE_STYLE)
    title.paragraph_format.line_spacing = Pt(35)
    if note:
        _add(made, note, word.KAI, align=WD_ALIGN_PARAGRAPH.CENTER).paragraph_format.keep_with_next = True
    _add(made, "").paragraph_format.keep_with_next = True


def _draw_paragraph(made: Document, block: Paragraph) -> None:
    heading = block.style is not Style.PLAIN and not block.text
    paragraph = _add(made, "", style=_SECTION_STYLES[block.style] if heading else "Normal")
    word.indent(paragraph, first=2)
    for text, family in ((block.lead, _LEADS[block.style]), (block.text, word.FANGSONG)):
        if text:
            _dress(paragraph.add_run(text), family)


def _draw_attachments(made: Document, block: AttachmentList) -> None:
    _add(made, "")
    for index, title in enumerate(block.titles, 1):
        number = f"{index}. " if len(block.titles) > 1 else ""
        paragraph = _add(made, f"附件：{number}{title}" if index == 1 else f"{number}{title}")
        word.indent(paragraph, left=2 if index == 1 else 5)


def _draw_table(made: Document, block: Table) -> None:
    shares = sum(column.share for column in block.columns)
    sides = ("top", "left", "bottom", "right", "insideH", "insideV")
    drawn = word.table(
        (TEXT[0] * column.share / shares for column in block.columns), borders=[(side, 0.5) for side in sides]
    )
    aligns = [column.align for column in block.columns]
    head = _row(drawn, [column.label for column in block.columns], [Align.CENTER] * len(aligns), block.size, word.HEI)
    word.element("tblHeader", head.find(qn("w:trPr")))
    for row in block.rows:
        if len(row.cells) == 1 < len(aligns):
            _row(drawn, row.cells, [Align.LEFT], block.size, word.HEI, span=len(aligns))
        else:
            _row(drawn, row.cells, aligns, block.size, word.FANGSONG)
    made.element.body.insert_element_before(drawn, "w:sectPr")


def _row(
    drawn: BaseOxmlElement,
    cells: list[str] | tuple[str, ...],
    aligns: list[Align],
    size: float,
    family: str,
    *,
    span: int = 1,
) -> BaseOxmlElement:
    """Append a row, straight as XML: through python-docx's cells a table of thousands of rows takes minutes."""
    row = word.element("tr", drawn)
    word.element("cantSplit", word.element("trPr", row))
    for text, align in zip(cells, aligns, strict=True):
        cell = word.element("tc", row)
        properties = word.element("tcPr", cell)
        if span > 1:
            word.element("gridSpan", properties, val=str(span))
        word.element("vAlign", properties, val="center")
        paragraph = WordParagraph(word.element("p", cell), cell)
        shape = paragraph.paragraph_format
        shape.keep_with_next = True if span > 1 else None
        shape.space_before = shape.space_after = Pt(4)
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(size * 1.35)
        shape.alignment = WD_ALIGN_PARAGRAPH.CENTER if align is Align.CENTER else WD_ALIGN_PARAGRAPH.LEFT
        _dress(paragraph.add_run(text), family, size)
    return row


def _draw_colophon(made: Document, colophon: Colophon) -> None:
    """Draw 版记 as a table that floats at the foot of the type area; its anchor follows the last line."""
    thick, thin = _RULES
    drawn = word.table([TEXT[0]], borders=(("top", thick), ("bottom", thick), ("insideH", thin)))
    drawn.tblPr.insert(
        0,
        parse_xml(
            f'<w:tblpPr {nsdecls("w")} w:vertAnchor="margin" w:horzAnchor="page" w:tblpXSpec="center" w:tblpYSpec="bottom"/>'
        ),
    )
    last = [(colophon.organ, colophon.day)]
    for index, (label, names) in enumerate([*colophon.entries, *last]):
        row = word.element("tr", drawn)
        word.element("cantSplit", word.element("trPr", row))
        cell = word.element("tc", row)
        paragraph = WordParagraph(word.element("p", cell), cell)
        shape = paragraph.paragraph_format
        shape.space_before = shape.space_after = Pt(3)
        shape.keep_with_next = True
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(22)
        shape.left_indent, shape.right_indent = _COLOPHON_INDENT, _COLOPHON_INDENT
        if index < len(colophon.entries):
            shape.first_line_indent = Pt(-_SMALL_SIZE * len(label))
            shape.left_indent = _COLOPHON_INDENT + Pt(_SMALL_SIZE * len(label))
            text = label + names
        else:
            shape.tab_stops.add_tab_stop(
                Mm(TEXT[0]) - Pt(_SMALL_SIZE) - Twips(word.CELL_MARGIN_TWIPS), WD_TAB_ALIGNMENT.RIGHT
            )
            text = f"{label}\t{names}"
        _dress(paragraph.add_run(text), word.FANGSONG, _SMALL_SIZE)
    made.element.body.insert_element_before(drawn, "w:sectPr")
    anchor = _add(made, "").paragraph_format
    anchor.line_spacing = Pt(1)


def _add(
    made: Document,
    text: str,
    family: str = word.FANGSONG,
    *,
    size: float = BODY_SIZE,
    align: WD_ALIGN_PARAGRAPH | None = None,
    style: str = "Normal",
) -> WordParagraph:
    paragraph = made.add_paragraph(style=style)
    if align is not None:
        paragraph.alignment = align
    if text:
        _dress(paragraph.add_run(text), family, size)
    return paragraph


def _dress(run: Run, family: str, size: float = BODY_SIZE) -> Run:
    """Set a run's font where it differs from the body's."""
    if family != word.FANGSONG:
        word.set_fonts(run._element.get_or_add_rPr(), family)  # noqa: SLF001 - python-docx sets the Latin font only
    if size != BODY_SIZE:
        run.font.size = Pt(size)
    return run
