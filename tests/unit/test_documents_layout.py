from datetime import date
from decimal import Decimal

import pytest

from services.gateway.documents import blocks
from services.gateway.documents.blocks import (
    Attachment,
    Caption,
    Paragraph,
    RedHead,
    Row,
    Salutation,
    Signature,
    Style,
    Table,
    Title,
)
from services.gateway.documents.layout import sheet
from services.gateway.documents.model import UnitClass
from services.gateway.documents.text import chinese_day, clean, level, number, split_heading, width
from tests.documents import HOSTILE, article, bulletin, full_bulletin, issue, line


def test_the_page_is_that_of_the_standard() -> None:
    assert (blocks.PAGE, blocks.TEXT, blocks.TOP, blocks.INSIDE) == ((210, 297), (156, 225), 37, 28)
    assert (blocks.OUTSIDE, blocks.BOTTOM) == (26, 35)
    assert blocks.LINE_PITCH * 22 <= 225 * 72 / 25.4 < blocks.LINE_PITCH * 22.01
    assert abs(blocks.CHARACTER_PITCH * 28 - 156 * 72 / 25.4) < 0.02


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("　　两字缩进\t制表 ", "两字缩进 制表"),
        ("a\x00b\x1b[0m\x7f", "ab[0m"),
        ("\u202e654321\u202c", "654321"),
        ("坏\ud800字\ufffe\U0001ffff", "坏\ufffd字\ufffd\ufffd"),
        ("e\u0301", "é"),
        ("【样例】一", "【样例】一"),
    ],
)
def test_text_is_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_cleaned_text_is_fit_for_utf8_and_xml() -> None:
    cleaned = clean(HOSTILE)
    cleaned.encode()
    assert not any(ord(c) < 32 or ord(c) & 0xFFFE == 0xFFFE for c in cleaned)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一、总体", 1),
        ("二十一、总体", 1),
        ("（一）组织", 2),
        ("(三)组织", 2),
        ("1.做法", 0),
        ("一是抓审批", 0),
        ("样例", 0),
    ],
)
def test_headings_are_told_by_their_numbers(text: str, expected: int) -> None:
    assert level(text) == expected


def test_text_may_run_on_after_a_heading() -> None:
    assert split_heading("（一）强化领导。成立小组。") == ("（一）强化领导。", "成立小组。")
    assert split_heading("一、总体情况") == ("一、总体情况", "")


def test_small_words() -> None:
    assert chinese_day(date(2026, 1, 3)) == "2026年1月3日"
    assert width("2026年") == 3
    values = ["12.50", "-1.5", "-0", "0.00", "1E+2", "100", "0.125"]
    assert [number(Decimal(value)) for value in values] == ["12.5", "-1.5", "0", "0", "100", "100", "0.125"]


def test_an_issue_in_order() -> None:
    laid_out = sheet(issue())
    head, title, first, *_ = laid_out.blocks
    assert isinstance(head, RedHead)
    assert (head.name, head.number) == ("江苏信息", "2026年第12期（总第217期）")
    assert (head.left, head.right) == ("江苏省人民政府办公厅", "2026年11月23日")
    assert title == Title(text="【样例】昆山市多措并举优化营商环境", note="（昆山市、苏州市报送）")
    assert isinstance(first, Paragraph)
    assert laid_out.title == "江苏信息 2026年第12期（总第217期）"
    assert [label for label, _ in laid_out.colophon.entries] == ["报：", "送：", "发：", "抄送："]
    assert laid_out.colophon.entries[1] == ("送：", "各设区市人民政府办公室，省各委办厅局办公室。")
    assert laid_out.colophon.day == "2026年11月23日印发"


def test_paragraphs_know_their_style() -> None:
    styles = [block.style for block in sheet(issue(article())).blocks if isinstance(block, Paragraph)]
    plain, section, sub = Style.PLAIN, Style.SECTION, Style.SUBSECTION
    assert styles == [plain, section, plain, sub, sub, plain, section, plain]


def test_a_bulletin_in_order() -> None:
    laid_out = sheet(full_bulletin())
    kinds = [type(block).__name__ for block in laid_out.blocks]
    assert kinds[:3] == ["RedHead", "Title", "Salutation"]
    assert kinds.index("AttachmentList") + 1 == kinds.index("Signature") < kinds.index("Attachment")
    attachments = [(block.label, block.title) for block in laid_out.blocks if isinstance(block, Attachment)]
    assert attachments == [
        ("附件1", "2026年11月政务信息采用情况"),
        ("附件2", "2026年11月政务信息采用明细"),
        ("附件3", "2026年11月未完成报送任务情况"),
        ("附件4", "表彰名单"),
    ]
    summary, detail = [block for block in laid_out.blocks if isinstance(block, Table)][:4:2]
    assert [column.label for column in summary.columns] == [
        "名次",
        "单位",
        "采用条数",
        "当期得分",
        "前期更正",
        "全年累计",
    ]
    assert summary.rows[0] == Row(("1", "苏州市", "2", "12.5", "-1.5", "100"))
    assert detail.rows[0] == Row(("苏州市",))
    assert detail.rows[1].cells[0] == "2026-11-03"
    assert Row(("常州市",)) not in detail.rows  # nothing to detail


def test_empty_parts_are_left_out() -> None:
    laid_out = sheet(bulletin(UnitClass(name="设区市", lines=()), recipients=("", "\x00")))
    kinds = {type(block) for block in laid_out.blocks}
    assert kinds.isdisjoint({Attachment, Caption, Table, Salutation})
    assert "AttachmentList" not in {kind.__name__ for kind in kinds}


def test_without_ranks_there_is_no_such_column() -> None:
    laid_out = sheet(bulletin(UnitClass(name="设区市", lines=(line(rank=0, items=0),))))
    (table,) = (block for block in laid_out.blocks if isinstance(block, Table))
    assert table.columns[0].label == "单位"
    assert [block.label for block in laid_out.blocks if isinstance(block, Attachment)] == ["附件"]


def test_many_recipients_move_to_the_colophon() -> None:
    laid_out = sheet(bulletin(recipients=tuple(f"第{n}个受文单位办公室" for n in range(20))))
    assert not any(isinstance(block, Salutation) for block in laid_out.blocks)
    assert laid_out.colophon.entries[0][0] == "主送："


@pytest.mark.parametrize(
    ("head", "low", "high"), [("江苏信息", 60, 66), ("江苏省人民政府办公厅", 40, 43), ("长" * 90, 26, 26)]
)
def test_the_red_head_is_as_large_as_fits(head: str, low: float, high: float) -> None:
    document = issue()
    block = sheet(
        type(document)(**{name: getattr(document, name) for name in document.__struct_fields__} | {"name": head})
    ).blocks[0]
    assert isinstance(block, RedHead)
    assert low <= block.size <= high


def test_the_signature_is_centred_over_the_day() -> None:
    (block,) = (block for block in sheet(bulletin()).blocks if isinstance(block, Signature))
    organ = block.organ_indent + width(block.organ) / 2
    assert organ == block.day_indent + width(block.day) / 2
    assert min(block.organ_indent, block.day_indent) >= 2
