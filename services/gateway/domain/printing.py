"""From messages to what is printed: an issue and a bulletin with names and titles in place of codes and ids. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from proto.messages import (
    Article,
    BulletinContent,
    BulletinItem,
    BulletinLine,
    BulletinType,
    Level,
    Publication,
    UnitClass,
)
from services.gateway.documents import model
from services.kit.calendar import day_of
from services.kit.pointwords import rule_words, series_name
from services.kit.trust.state import TrustState
from services.kit.trust.units import class_of

_OFFICE: Final = re.compile(r"人民政府办公[室厅]$|(?<=[厅局委会室])办公室$")
_CLASSES: Final = {
    UnitClass.CITY: "设区市", UnitClass.DEPARTMENT: "省级部门", UnitClass.COUNTY: "县（市、区）",
    UnitClass.DIRECT_REPORT: "信息直报点", UnitClass.LIAISON: "驻外办事处",
}  # fmt: skip
_LEVELS: Final = {Level.CITY: "市", Level.PROVINCE: "省", Level.NATIONAL: "国办"}
_DISTRICT: Final = re.compile(r"(?<=区)人民政府办公室$")
_MISSED: Final = {"research": "调研信息", "adopted": "采用条数", "points": "积分", "staff": "信息员配备"}
_UNIX_MS: Final = 80  # a UUIDv7 begins with the 48 bits of its time in milliseconds (RFC 9562)


def short_name(state: TrustState, code: str) -> str:
    """Return a unit as the page names it: 昆山市 for its government's office, 江苏省商务厅 for that department's."""
    return _OFFICE.sub("", state.name_of(code))


def addressee(state: TrustState, code: str, hub: str) -> str:
    """Return a unit as a bulletin is addressed to it (主送): with its office, and a district with its city, as names recur."""
    name, node = state.name_of(code), state.node(code)
    if node is None or node.parent in (None, hub) or not _DISTRICT.search(name):
        return name
    return short_name(state, node.parent or "") + name


def addressees(state: TrustState, hub: str, to: Iterable[str]) -> tuple[str, ...]:
    """Return to whom a hub's bulletin is addressed: by the classes in their order, within one by code."""
    own, classes = state.node(hub), list(_CLASSES)

    def place(code: str) -> tuple[int, str]:
        unit_class = class_of(state.node(code), own)
        return (classes.index(unit_class) if unit_class is not None else len(classes)), code

    return tuple(addressee(state, code, hub) for code in sorted(to, key=place))


def issue_document(publication: Publication, state: TrustState) -> model.IssueDocument:
    """Return an issue as it is printed, its readers sorted by where they stand: above, beside, below."""
    up: list[str] = []
    across: list[str] = []
    down: list[str] = []
    above = state.hubs_of(publication.origin)
    for code in publication.to:
        place = up if code in above else down if publication.origin in state.hubs_of(code) else across
        place.append(short_name(state, code))
    numbers = re.findall(r"[0-9]{1,9}", publication.issue)
    day = date.fromisoformat(publication.day)
    return model.IssueDocument(
        name=publication.name, organ=publication.organ, year=day.year, issue=int(numbers[-1]) if numbers else 0,
        total=publication.total, day=day, articles=tuple(_article(one, state) for one in publication.articles),
        up=tuple(up), across=tuple(across), down=tuple(down),
    )  # fmt: skip


def bulletin_document(
    bulletin: BulletinContent,
    state: TrustState,
    *,
    hub: str,
    day: date,
    titles: Mapping[UUID, str],
    to: Iterable[str] = (),
) -> model.BulletinDocument:
    """Return a bulletin as it is printed; a report that nobody here knows is named by its id."""
    name = state.name_of(hub)
    period = _period(bulletin)
    return model.BulletinDocument(
        head=name, organ=name, number="", title=title_of(bulletin), period=period, day=day, text=bulletin.text,
        classes=tuple(_classes(bulletin, state, lambda report: titles.get(report, str(report)))),
        commended=tuple(
            model.Commended(title=one.title, unit=short_name(state, one.unit), person=one.person)
            for one in bulletin.commended
        ),
        recipients=addressees(state, hub, to),
    )  # fmt: skip


def title_of(bulletin: BulletinContent) -> str:
    """Return a bulletin's title."""
    match bulletin.type:
        case BulletinType.COMMENDATION:
            return f"关于表彰{_period(bulletin)}政务信息工作先进单位和个人的通报"
        case _:
            return f"关于{_period(bulletin)}政务信息采用情况的通报"


def reports_in(bulletin: BulletinContent) -> list[UUID]:
    """Return the reports that a bulletin names."""
    return [item.report for line in bulletin.lines for item in line.items if item.report is not None]


def _article(article: Article, state: TrustState) -> model.Article:
    return model.Article(
        title=article.title, body=article.body, units=tuple(short_name(state, code) for code in article.units)
    )


def _period(bulletin: BulletinContent) -> str:
    year, _, month = bulletin.period.partition("-")
    return f"{year}年{int(month)}月" if month else f"{year}年"


def _classes(
    bulletin: BulletinContent, state: TrustState, title_of: Callable[[UUID], str]
) -> Iterable[model.UnitClass]:
    for one, name in _CLASSES.items():
        lines = [_line(line, state, title_of) for line in bulletin.lines if line.unit_class is one]
        if lines:
            yield model.UnitClass(name=name, lines=tuple(lines))


def _line(line: BulletinLine, state: TrustState, title_of: Callable[[UUID], str]) -> model.UnitLine:
    return model.UnitLine(
        unit=short_name(state, line.unit), adopted=line.adopted, points=line.points, corrections=line.corrections,
        year_points=line.year_points, rank=line.rank, items=tuple(_item(item, title_of) for item in line.items),
        missed=tuple(_MISSED.get(code, code) for code in line.missed),
    )  # fmt: skip


def _item(item: BulletinItem, title_of: Callable[[UUID], str]) -> model.ScoredItem:
    series = series_name(item.series) or _LEVELS[item.level]
    title = title_of(item.report) if item.report is not None else ""
    _, versioned, rule = item.rule.partition("/")
    return model.ScoredItem(
        day=_day_in(item.event), series=series, issue=item.issue, title=title,
        rule=rule_words(rule if versioned else item.rule), points=item.points,
    )  # fmt: skip


def _day_in(event: UUID) -> date | None:
    """Return the day that a UUIDv7 carries; None for another UUID, or one far off."""
    try:
        moment = datetime.fromtimestamp((event.int >> _UNIX_MS) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return day_of(moment) if event.version == 7 else None  # noqa: PLR2004 - UUIDv7
