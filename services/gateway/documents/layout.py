"""From data to blocks, in the order of GB/T 9704-2012 (党政机关公文格式). Pure; empty parts are left out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.gateway.documents.blocks import (
    POINTS_PER_MM,
    TEXT,
    Align,
    Attachment,
    AttachmentList,
    Block,
    Caption,
    Colophon,
    Column,
    Paragraph,
    RedHead,
    Row,
    Salutation,
    Sheet,
    Signature,
    Style,
    Table,
    Title,
)
from services.gateway.documents.model import Article, BulletinDocument, IssueDocument, UnitClass, UnitLine
from services.gateway.documents.text import chinese_day, clean, level, lines, number, split_heading, width

_ISSUE_GAP: Final = 0.0  # mm: the head of a journal begins at the top of the type area
_BULLETIN_GAP: Final = 35.0  # mm, 7.2.4
_HEAD_SIZES: Final = (26.0, 66.0)  # pt: one line as large as fits, and never tiny
_HEAD_FILL: Final = 0.95  # of the line
_TABLE_SIZE: Final = 12.0  # pt, 小4号
_DETAIL_SIZE: Final = 10.5  # pt, 5号
_DAY_INDENT: Final = 4.0  # characters, 7.3.5.2
_LEAST_INDENT: Final = 2.0
_SALUTATION_ROOM: Final = 84.0  # characters, three lines: more recipients than that move to the colophon (7.3.2)
_STYLES: Final = (Style.PLAIN, Style.SECTION, Style.SUBSECTION)

_SUMMARY: Final = (
    Column(label="单位", share=9),
    Column(label="采用条数", share=3),
    Column(label="当期得分", share=3),
    Column(label="前期更正", share=3),
    Column(label="全年累计", share=3),
)
_RANK: Final = Column(label="名次", share=2)
_DETAIL: Final = (
    Column(label="日期", share=14),
    Column(label="刊物", share=13),
    Column(label="期号", share=12),
    Column(label="标题", share=31, align=Align.LEFT),
    Column(label="计分依据", share=20, align=Align.LEFT),
    Column(label="得分", share=10),
)
_MISSED: Final = (Column(label="单位", share=2), Column(label="未完成事项", share=3, align=Align.LEFT))
_COMMENDED: Final = (Column(label="称号", share=3), Column(label="单位", share=3), Column(label="姓名", share=2))


def sheet(document: IssueDocument | BulletinDocument) -> Sheet:
    """Lay a document out."""
    return _issue(document) if isinstance(document, IssueDocument) else _bulletin(document)


def _issue(document: IssueDocument) -> Sheet:
    name, organ, day = clean(document.name), clean(document.organ), chinese_day(document.day)
    issue = f"{document.year}年第{document.issue}期"
    total = f"（总第{document.total}期）" if document.total else ""
    head = _head(name, _ISSUE_GAP, issue + total, left=organ, right=day)
    readers = (("报：", document.up), ("送：", document.across), ("发：", document.down), ("抄送：", document.cc))
    return Sheet(
        title=f"{name} {issue}{total}",
        author=organ,
        day=document.day,
        blocks=(head, *(block for article in document.articles for block in _article(article))),
        colophon=_colophon(readers, organ, day),
    )


def _head(name: str, gap: float, number: str, *, left: str = "", right: str = "") -> RedHead:
    low, high = _HEAD_SIZES
    fits = TEXT[0] * POINTS_PER_MM * _HEAD_FILL / max(width(name), 1)
    return RedHead(name=name, size=round(min(max(fits, low), high), 1), gap=gap, number=number, left=left, right=right)


def _signature(organ: str, day: str) -> Signature:
    spare = (width(day) - width(organ)) / 2
    organ_indent = max(_DAY_INDENT + spare, _LEAST_INDENT)
    return Signature(organ=organ, day=day, organ_indent=organ_indent, day_indent=organ_indent - spare)


def _article(article: Article) -> Iterator[Block]:
    units = "、".join(_names(article.units))
    yield Title(text=clean(article.title), note=f"（{units}报送）" if units else "")
    yield from _paragraphs(article.body)


def _bulletin(document: BulletinDocument) -> Sheet:
    organ, day, title = clean(document.organ), chinese_day(document.day), clean(document.title)
    attachments = [(name, blocks) for name, blocks in _attachments(document) if blocks]
    recipients = "、".join(_names(document.recipients))
    on_top = bool(recipients) and width(recipients) <= _SALUTATION_ROOM
    blocks: list[Block] = [
        _head(clean(document.head), _BULLETIN_GAP, clean(document.number)),
        Title(text=title),
        *([Salutation(text=recipients + "：")] if on_top else []),
        *_paragraphs(document.text),
        *([AttachmentList(titles=tuple(name for name, _ in attachments))] if attachments else []),
        _signature(organ, day),
    ]
    for index, (name, parts) in enumerate(attachments, 1):
        blocks += [Attachment(label=f"附件{index}" if len(attachments) > 1 else "附件", title=name), *parts]
    readers = (("主送：", () if on_top else document.recipients), ("抄送：", document.cc))
    return Sheet(
        title=title, author=organ, day=document.day, blocks=tuple(blocks), colophon=_colophon(readers, organ, day)
    )


def _attachments(document: BulletinDocument) -> Iterator[tuple[str, list[Block]]]:
    period = clean(document.period)
    yield f"{period}政务信息采用情况", [block for each in document.classes for block in _summary(each)]
    yield f"{period}政务信息采用明细", [block for each in document.classes for block in _detail(each)]
    yield f"{period}未完成报送任务情况", [block for each in document.classes for block in _missed(each)]
    commended = [Row((clean(each.title), clean(each.unit), clean(each.person))) for each in document.commended]
    yield "表彰名单", [Table(columns=_COMMENDED, size=_TABLE_SIZE, rows=tuple(commended))] if commended else []


def _summary(units: UnitClass) -> list[Block]:
    ranked = any(line.rank for line in units.lines)
    rows = [
        Row((*([str(line.rank or "—")] if ranked else []), clean(line.unit), str(line.adopted), *_points(line)))
        for line in units.lines
    ]
    return _captioned(units, (_RANK, *_SUMMARY) if ranked else _SUMMARY, rows)


def _points(line: UnitLine) -> tuple[str, str, str]:
    return number(line.points), number(line.corrections), number(line.year_points)


def _detail(units: UnitClass) -> list[Block]:
    rows = []
    for line in units.lines:
        if line.items:
            rows.append(Row((clean(line.unit),)))
        rows += [
            Row(
                (
                    item.day.isoformat() if item.day else "",
                    *map(clean, (item.series, item.issue, item.title, item.rule)),
                    number(item.points),
                )
            )
            for item in line.items
        ]
    return _captioned(units, _DETAIL, rows, size=_DETAIL_SIZE)


def _missed(units: UnitClass) -> list[Block]:
    rows = [Row((clean(line.unit), "；".join(_names(line.missed)))) for line in units.lines if line.missed]
    return _captioned(units, _MISSED, rows)


def _captioned(
    units: UnitClass, columns: tuple[Column, ...], rows: Sequence[Row], *, size: float = _TABLE_SIZE
) -> list[Block]:
    return [Caption(text=clean(units.name)), Table(columns=columns, size=size, rows=tuple(rows))] if rows else []


def _paragraphs(body: str) -> Iterator[Paragraph]:
    for line in lines(body):
        style = _STYLES[level(line)]
        lead, text = ("", line) if style is Style.PLAIN else split_heading(line)
        yield Paragraph(style=style, lead=lead, text=text)


def _colophon(readers: Iterable[tuple[str, tuple[str, ...]]], organ: str, day: str) -> Colophon:
    entries = ((label, "，".join(_names(names))) for label, names in readers)
    return Colophon(
        entries=tuple((label, names + "。") for label, names in entries if names), organ=organ, day=f"{day}印发"
    )


def _names(names: Iterable[str]) -> Iterator[str]:
    return filter(None, map(clean, names))
