"""What a page is made of, before it has a form: issue and bulletin become these, HTML, DOCX and PDF draw these."""

from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct

PAGE: Final = (210.0, 297.0)  # mm, A4
TEXT: Final = (156.0, 225.0)  # mm, 版心
TOP: Final = 37.0  # mm, 天头
INSIDE: Final = 28.0  # mm, 订口: the bound edge, left on odd pages and right on even ones
OUTSIDE: Final = PAGE[0] - TEXT[0] - INSIDE
BOTTOM: Final = PAGE[1] - TEXT[1] - TOP
LINES: Final = 22  # to a page
CHARACTERS: Final = 28  # to a line
POINTS_PER_MM: Final = 72 / 25.4
BODY_SIZE: Final = 16.0  # pt, 3号
LINE_PITCH: Final = round(TEXT[1] * POINTS_PER_MM / LINES, 2)  # pt
CHARACTER_PITCH: Final = round(TEXT[0] * POINTS_PER_MM / CHARACTERS, 3)  # pt
RED: Final = "FF0000"


class Align(StrEnum):
    """Where a column's text stands."""

    LEFT = "left"
    CENTER = "center"


class Style(StrEnum):
    """How a paragraph's lead is set."""

    PLAIN = "plain"
    SECTION = "section"  # 一级标题: 黑体
    SUBSECTION = "subsection"  # 二级标题: 楷体


class _Block(Struct, frozen=True, kw_only=True, tag_field="block", tag=str.lower):
    """Base of the blocks; the tag tells the templates which one it is."""


class RedHead(_Block, frozen=True, kw_only=True):
    """刊头、发文机关标志: red, with the number below, and the red line."""

    name: str
    size: float  # pt
    gap: float  # mm between the top of the type area and the name
    number: str  # 期号 or 发文字号
    left: str = ""  # above the red line: 编发单位
    right: str = ""  # and the day


class Title(_Block, frozen=True, kw_only=True):
    """标题: 2号, centred; below it who reported it."""

    text: str
    note: str = ""


class Salutation(_Block, frozen=True, kw_only=True):
    """主送机关, at the left edge."""

    text: str


class Paragraph(_Block, frozen=True, kw_only=True):
    """正文: indented by two characters; a heading is a lead without text, or runs into the text."""

    style: Style = Style.PLAIN
    lead: str = ""
    text: str


class AttachmentList(_Block, frozen=True, kw_only=True):
    """附件说明, below the text."""

    titles: tuple[str, ...]


class Signature(_Block, frozen=True, kw_only=True):
    """发文机关署名和成文日期: centred over one another (7.3.5.2)."""

    organ: str
    day: str

    organ_indent: float  # characters between its end and the edge
    day_indent: float


class Attachment(_Block, frozen=True, kw_only=True):
    """附件, on a new page."""

    label: str  # 附件, or 附件1
    title: str


class Caption(_Block, frozen=True, kw_only=True):
    """What stands over a table."""

    text: str


class Column(Struct, frozen=True, kw_only=True):
    """A column of a table."""

    label: str
    share: int  # of the width, against the other columns'
    align: Align = Align.CENTER


class Row(Struct, frozen=True):
    """A row: a cell for each column, or one cell that spans them all and heads the rows below."""

    cells: tuple[str, ...]


class Table(_Block, frozen=True, kw_only=True):
    """A table; its header is repeated on every page."""

    columns: tuple[Column, ...]
    size: float  # pt
    rows: tuple[Row, ...]


class Colophon(Struct, frozen=True, kw_only=True):
    """版记, at the foot of the last page."""

    entries: tuple[tuple[str, str], ...]  # label and names
    organ: str
    day: str  # with 印发


Block = RedHead | Title | Salutation | Paragraph | AttachmentList | Signature | Attachment | Caption | Table


class Sheet(Struct, frozen=True, kw_only=True):
    """A whole document."""

    title: str  # for the file's metadata
    author: str
    day: date
    blocks: tuple[Block, ...]
    colophon: Colophon
