"""A publication's issue and a bulletin to print, made up (样例)."""

from datetime import date
from decimal import Decimal

from services.gateway.documents.model import (
    Article,
    BulletinDocument,
    Commended,
    IssueDocument,
    ScoredItem,
    UnitClass,
    UnitLine,
)

SENTENCE = "昆山市围绕企业全生命周期，推出4类86项改革举措，为企业减负12.6亿元，新增市场主体3.2万户，同比增长18.7%。"
BODY = f"""今年以来，{SENTENCE * 2}
一、健全工作机制
{SENTENCE}
（一）强化组织领导。成立领导小组，建立“周调度、月通报”制度。
（二）完善政策体系
　　{SENTENCE}
二、下一步打算
{SENTENCE * 2}"""


def article(title: str = "【样例】昆山市多措并举优化营商环境", body: str = BODY) -> Article:
    return Article(title=title, body=body, units=("昆山市", "苏州市"))


def issue(*articles: Article) -> IssueDocument:
    return IssueDocument(
        name="江苏信息",
        organ="江苏省人民政府办公厅",
        year=2026,
        issue=12,
        total=217,
        day=date(2026, 11, 23),
        articles=articles or (article(), article("【样例】省发展改革委反映项目用地的三个问题")),
        up=("省委、省政府领导同志",),
        across=("各设区市人民政府办公室", "省各委办厅局办公室"),
        down=("各县级信息直报点",),
        cc=("省委办公厅", "省政协办公厅"),
    )


def item(title: str = "【样例】推进产业科技创新中心建设") -> ScoredItem:
    return ScoredItem(
        day=date(2026, 11, 3),
        series="江苏信息",
        issue="第101期",
        title=title,
        rule="2026-1/省级日刊",
        points=Decimal("2.50"),
    )


def line(unit: str = "苏州市", *, items: int = 2, rank: int = 1, missed: tuple[str, ...] = ()) -> UnitLine:
    return UnitLine(
        unit=unit,
        adopted=items,
        points=Decimal("12.50"),
        corrections=Decimal("-1.5"),
        year_points=Decimal(100),
        rank=rank,
        items=(item(),) * items,
        missed=missed,
    )


def bulletin(
    *classes: UnitClass,
    text: str = f"现将情况通报如下。\n一、总体情况\n{SENTENCE}",
    commended: tuple[Commended, ...] = (),
    recipients: tuple[str, ...] = ("各设区市人民政府办公室", "省各委办厅局办公室"),
) -> BulletinDocument:
    return BulletinDocument(
        head="江苏省人民政府办公厅",
        organ="江苏省人民政府办公厅",
        number="苏信通〔2026〕11号",
        title="关于2026年11月政务信息采用情况的通报",
        period="2026年11月",
        day=date(2026, 12, 3),
        text=text,
        classes=classes,
        commended=commended,
        recipients=recipients,
        cc=("省委办公厅",),
    )


def full_bulletin() -> BulletinDocument:
    """Everything that a bulletin may have."""
    cities = UnitClass(
        name="设区市", lines=(line(), line("无锡市", rank=2, missed=("11月调研信息",)), line("常州市", items=0, rank=3))
    )
    commended = (
        Commended(title="先进单位", unit="苏州市"),
        Commended(title="先进个人", unit="昆山市", person="张样例"),
    )
    return bulletin(cities, UnitClass(name="省级部门", lines=(line("省发展改革委"),)), commended=commended)


HOSTILE = (
    '<script>alert(1)</script>&amp;{{ 7 * 7 }}{% raw %} #eval("1") $x$ *b* _e_ `r` @ref \\u{41} //c /*d*/ = h '
    "]]><w:p/><!-- \x00\x01\x07\x1b[31m\x7f\ud800\ufffe\uffff \u202e654321\u202c\u2066x\u2069\u00ad\u200b "
    "שלום مرحبا 😀👨‍👩‍👧‍👦 𠮷䶮㛃 \ue000 \U0010ffff é e\u0301\u0302\u0303 ﷽ ʻ"
)
