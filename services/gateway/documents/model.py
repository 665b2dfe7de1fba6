"""What is printed. Plain data of this room's own: whoever has messages or rows turns them into it, names resolved, nothing classified.

Text fields may hold any characters that UTF-8 can carry; they are cleaned when laid out (``text.py``).
"""

from datetime import date
from decimal import Decimal

from msgspec import Struct


class Article(Struct, frozen=True, kw_only=True):
    """One text of an issue (篇目)."""

    title: str  # markings such as 【样例】 stay as they are
    body: str  # plain text, a paragraph a line; lines that begin with 一、 or （一） are headings
    units: tuple[str, ...] = ()  # who reported it, by name, as 昆山市


class IssueDocument(Struct, frozen=True, kw_only=True, tag=True):
    """刊物一期: an issue of a publication."""

    name: str  # in the red head: 江苏信息
    organ: str  # 编发单位
    year: int
    issue: int  # 期: within the year
    total: int  # 总期; 0 where the series does not count on
    day: date  # of issue
    articles: tuple[Article, ...]
    up: tuple[str, ...] = ()  # 报: readers above, by name
    across: tuple[str, ...] = ()  # 送
    down: tuple[str, ...] = ()  # 发
    cc: tuple[str, ...] = ()  # 抄送


class ScoredItem(Struct, frozen=True, kw_only=True):
    """One adoption, instruction or adjustment that counts for a unit (采用明细)."""

    day: date | None
    series: str  # 刊物
    issue: str  # 期
    title: str
    rule: str  # what the points are given for, in words
    points: Decimal


class UnitLine(Struct, frozen=True, kw_only=True):
    """One unit's line (单位得分)."""

    unit: str  # by name
    adopted: int  # items of the period
    points: Decimal  # of the period
    corrections: Decimal  # to earlier periods
    year_points: Decimal  # of the year so far, corrections included
    rank: int = 0  # within its class; 0 where the bulletin does not rank
    items: tuple[ScoredItem, ...] = ()
    missed: tuple[str, ...] = ()  # obligations not met, in words


class UnitClass(Struct, frozen=True, kw_only=True):
    """The lines of one class of units: 设区市, 省级部门, 直报点, 驻外办事处."""

    name: str
    lines: tuple[UnitLine, ...]


class Commended(Struct, frozen=True, kw_only=True):
    """表彰: a unit, or one of its staff."""

    title: str  # 先进单位, 先进个人
    unit: str
    person: str = ""  # "" for the unit itself


class BulletinDocument(Struct, frozen=True, kw_only=True, tag=True):
    """通报: the statement of adoptions and points."""

    head: str  # in the red head: 江苏省人民政府办公厅
    organ: str  # who signs and prints it
    number: str  # 发文字号: 苏信通〔2026〕11号
    title: str
    period: str  # in words: 2026年11月
    day: date
    text: str  # as the body of an article
    classes: tuple[UnitClass, ...] = ()
    commended: tuple[Commended, ...] = ()
    recipients: tuple[str, ...] = ()  # 主送
    cc: tuple[str, ...] = ()  # 抄送
