"""The parts of WordprocessingML (ECMA-376) that python-docx has no words for: grid, mirrored margins, fonts, rules, fields."""

import io
import math
import zipfile
from collections.abc import Iterable
from typing import Final

from docx.document import Document
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from services.gateway.documents import blocks
from services.gateway.documents.blocks import POINTS_PER_MM

FANGSONG: Final = "仿宋_GB2312"
KAI: Final = "楷体_GB2312"
HEI: Final = "黑体"
SONG: Final = "宋体"
XIAOBIAOSONG: Final = "方正小标宋简体"
LATIN: Final = "Times New Roman"
_TWIPS: Final = 20  # to a point
CELL_MARGIN_TWIPS: Final = 60
LINE_TWIPS: Final = int(blocks.LINE_PITCH * _TWIPS)  # rounded down, or the last line goes to the next page
SPACING_TWIPS: Final = math.floor(
    (blocks.CHARACTER_PITCH - blocks.BODY_SIZE) * _TWIPS
)  # between characters: 28 to a line
_SUBSTITUTES: Final = {FANGSONG: "仿宋", KAI: "楷体", XIAOBIAOSONG: SONG}  # where the first is not installed
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def twips(points: float) -> int:
    """Return a length in points as Word counts it."""
    return round(points * _TWIPS)


def element(tag: str, parent: BaseOxmlElement | None = None, **attributes: str) -> BaseOxmlElement:
    """Return a new ``w:`` element with ``w:`` attributes, at the end of ``parent`` if there is one."""
    made: BaseOxmlElement = OxmlElement(f"w:{tag}", {qn(f"w:{name}"): value for name, value in attributes.items()})
    if parent is not None:
        parent.append(made)
    return made


def insert(properties: BaseOxmlElement, made: BaseOxmlElement, *before: str) -> None:
    """Put an element of properties where the schema's order wants it, before any of those named."""
    properties.insert_element_before(made, *(f"w:{tag}" for tag in before))


def set_fonts(properties: BaseOxmlElement, family: str) -> None:
    """Set the fonts of run properties: ``family`` for Chinese, a Times for the rest."""
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    properties.insert(0, element("rFonts", ascii=LATIN, hAnsi=LATIN, cs=LATIN, eastAsia=family))


def indent(paragraph: Paragraph | ParagraphStyle, *, first: float = 0, left: float = 0, right: float = 0) -> None:
    """Indent by characters, which Word keeps when the size changes; the twips are for programs that do not."""
    properties = paragraph._element.get_or_add_pPr()  # noqa: SLF001 - python-docx knows lengths only
    for old in properties.findall(qn("w:ind")):
        properties.remove(old)
    values = {}
    for name, characters in (("firstLine", first), ("left", left), ("right", right)):
        if characters:
            values[f"{name}Chars"] = str(round(characters * 100))
            values[name] = str(twips(characters * blocks.BODY_SIZE))
    properties.get_or_add_ind().attrib.update({qn(f"w:{name}"): value for name, value in values.items()})


def rule_below(paragraph: Paragraph, *, points: float, color: str) -> None:
    """Draw a rule below a paragraph."""
    borders = element("pBdr")
    element("bottom", borders, val="single", sz=str(round(points * 8)), space="8", color=color)
    insert(paragraph._element.get_or_add_pPr(), borders, "tabs", "snapToGrid", "spacing", "ind", "jc")  # noqa: SLF001 - as above


def page_field(paragraph: Paragraph) -> None:
    """Write — page — (7.5)."""
    paragraph.add_run("— ")
    for kind in ("begin", "separate", "end"):
        run = paragraph.add_run()._element  # noqa: SLF001 - as above
        element("fldChar", run, fldCharType=kind)
        if kind == "begin":
            code = element("instrText", paragraph.add_run()._element)  # noqa: SLF001 - as above
            code.text = "PAGE"
        elif kind == "separate":
            paragraph.add_run("1")
    paragraph.add_run(" —")


def set_page(document: Document) -> None:
    """Set A4, the type area and its 22 lines, bound at the inside, two sides.

    A grid of characters (``linesAndChars``) is not used: LibreOffice sets such text far too wide. Spacing does it instead.
    """
    section = document.sections[0]
    section.page_width, section.page_height = Mm(blocks.PAGE[0]), Mm(blocks.PAGE[1])
    section.top_margin, section.bottom_margin = Mm(blocks.TOP), Mm(blocks.BOTTOM)
    section.left_margin, section.right_margin = Mm(blocks.INSIDE), Mm(blocks.OUTSIDE)
    section.gutter = Mm(0)
    section.footer_distance = Mm(blocks.BOTTOM - 12)  # the dashes are 7 mm below the type area, and 5 mm tall
    for old in section._sectPr.findall(qn("w:docGrid")):  # noqa: SLF001 - python-docx does not know the grid
        section._sectPr.remove(old)  # noqa: SLF001
    element("docGrid", section._sectPr, type="lines", linePitch=str(LINE_TWIPS))  # noqa: SLF001
    document.settings.odd_and_even_pages_header_footer = True
    settings = document.settings.element
    settings.insert(list(settings).index(settings.find(qn("w:zoom"))) + 1, element("mirrorMargins"))


def name_substitutes(document: Document) -> None:
    """Tell Word what to take where a font is not installed."""
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/></w:font>'
        for name, other in _SUBSTITUTES.items()
    )
    table = next(part for part in document.part.package.iter_parts() if part.partname == "/word/fontTable.xml")
    table._blob = (  # noqa: SLF001 - python-docx carries this part as bytes
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts {nsdecls("w")}>{fonts}</w:fonts>'
    ).encode()


def table(widths: Iterable[float], *, borders: Iterable[tuple[str, float]]) -> BaseOxmlElement:
    """Return a table without rows; ``widths`` are millimetres, ``borders`` sides with points."""
    made: BaseOxmlElement = parse_xml(
        f"<w:tbl {nsdecls('w')}><w:tblPr/><w:tblGrid/></w:tbl>",
    )
    properties, grid = made
    columns = [twips(width * POINTS_PER_MM) for width in widths]
    element("tblW", properties, w=str(sum(columns)), type="dxa")
    element("jc", properties, val="center")  # or its rules would start left of the text, by a cell's margin
    drawn = element("tblBorders", properties)
    for side, points in borders:
        element(side, drawn, val="single", sz=str(round(points * 8)), space="0", color="000000")
    element("tblLayout", properties, type="fixed")
    margins = element("tblCellMar", properties)
    for side in ("left", "right"):
        element(side, margins, w=str(CELL_MARGIN_TWIPS), type="dxa")
    for column in columns:
        element("gridCol", grid, w=str(column))
    return made


def tidy(data: bytes) -> bytes:
    """Return the archive without times of writing, so that equal documents are equal bytes."""
    tidied = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(tidied, "w") as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename, _EPOCH), old.read(entry), zipfile.ZIP_DEFLATED)
    return tidied.getvalue()
