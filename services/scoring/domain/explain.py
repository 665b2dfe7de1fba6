"""Saying how a line of a unit's month came about, in words that can be checked by hand (Art. 13: each point leads to item, issue, rule)."""

from decimal import Decimal
from typing import Final

from proto.messages import Level
from services.kit.pointwords import issue_words, rule_words, series_name
from services.scoring.domain.counting import Because, Counted
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.points import plain
from services.scoring.domain.rules import Merged, RuleBook, RuleSet

_LEVELS: Final = {
    Level.CITY: ("市级", "city"),
    Level.PROVINCE: ("省级", "province"),
    Level.NATIONAL: ("国家级", "nation"),
}
_KINDS: Final = {
    Kind.ADOPTED: ("采用", "adopted"),
    Kind.MERGED: ("综合采用", "merged"),
    Kind.SELECTED: ("选送", "sent on"),
    Kind.INSTRUCTION: ("批示", "instruction"),
    Kind.DEDUCTION: ("扣分", "deduction"),
    Kind.APPEAL: ("申诉更正", "appeal"),
}
_ROUTES: Final = {"direct": ("直报", "reported directly"), "through": ("经转报", "sent on by its city"),
                  "national": ("国家级采用", "adopted nationally")}  # fmt: skip
_WHY: Final = {
    Because.PLAIN: ("", ""),
    Because.REVERSED: ("已冲正，不计", "taken back, does not count"),
    Because.SUPERSEDED: ("所依规则当日未生效，不计", "by a version that was not in force then, does not count"),
    Because.OTHER_RULE: ("另有更合适的规则，不重复计", "another rule fits better, does not count twice"),
    Because.NOT_HIGHEST: ("多次刊用取最高，不计", "another publication is worth more, does not count"),
    Because.REPEATED: ("同级重复批示，不计", "not the first instruction at that level, does not count"),
    Because.PERCENT: ("按该信息所得比例扣", "a percentage of what the item counts"),
    Because.TOO_FEW: ("未达起扣次数，不扣", "takes effect only when it has happened more often"),
    Because.YEAR: ("全年计零", "the whole year counts nothing"),
    Because.BASE: ("基础分", "base points"),
    Because.AVERAGED: ("按篇均分", "averaged over the items"),
    Because.CAPPED: ("超过封顶部分，不计", "beyond the cap, does not count"),
}


def explain(counted: Counted, book: RuleBook) -> tuple[str, str]:
    """Return the line's arithmetic in Chinese and English: ``book`` holds the hub's versions."""
    rule, of = f"{counted.rule_version}/{counted.rule}", _rule(counted, book)
    points = plain(counted.points)
    why_zh, why_en = _WHY[counted.why]
    entry = counted.entry
    if entry is None:
        return f"{why_zh}：{points} 分（规则 {of}）", f"{why_en}: {points} points (rule {rule})"
    zh, en = _what(entry)
    sum_ = _sum(entry, book.version(entry.rule_version))
    zh, en = f"{zh}：{sum_} 分", f"{en}: {sum_} points"
    if entry.reverses is not None:
        zh, en = f"冲正 {entry.reverses}，原为{zh}", f"takes back {entry.reverses}, which was {en}"
    if counted.why is not Because.PLAIN:
        zh, en = f"{zh}；{why_zh}，计 {points} 分", f"{en}; {why_en}: counts {points}"
    return f"{zh}（规则 {of}）", f"{en} (rule {rule})"


def _rule(counted: Counted, book: RuleBook) -> str:
    """Return the version and what its rule gives points for, in Chinese words."""
    rules = book.version(counted.rule_version)
    titles = {code: each.title for code, each in rules.deductions.items()} if rules else {}
    return f"{counted.rule_version} {rule_words(counted.rule, titles)}"


def _what(entry: Entry) -> tuple[str, str]:
    """Return what happened, where, and by which route it counts here."""
    zh, en = _KINDS[entry.kind]
    if entry.kind not in (Kind.DEDUCTION, Kind.APPEAL):
        zh, en = f"{_LEVELS[entry.level][0]}{zh}", f"{en}, {_LEVELS[entry.level][1]}"
    if entry.issue:
        zh, en = (
            f"{zh}于《{series_name(entry.series)}》{issue_words(entry.issue)}",
            f"{en}, in {entry.series} {entry.issue}",
        )
    route = _route(entry)
    return (f"{zh}（{_ROUTES[route][0]}）", f"{en} ({_ROUTES[route][1]})") if route else (zh, en)


def _sum(entry: Entry, rules: RuleSet | None) -> str:
    """Return the entry's points, with the arithmetic where they are a plain part of what the rule gives."""
    points = plain(abs(entry.points) if entry.reverses is not None else entry.points)
    worth = _worth(entry, rules)
    if worth is None or rules is None or entry.share == 1 or rules.merged is not Merged.SPLIT:
        return str(points)
    return f"{plain(worth)} × {plain(entry.share)} = {points}"


def _worth(entry: Entry, rules: RuleSet | None) -> Decimal | None:
    """Return what the account's own rules give for it; None where a factor or another hub's rules had a part in it."""
    if rules is None or _route(entry) or "@" in entry.rule or entry.kind not in (Kind.ADOPTED, Kind.MERGED):
        return None
    table, _, series = entry.rule.removeprefix("points.").partition(".")
    return rules.points.get(entry.level, {}).get(series) if table == entry.level else None


def _route(entry: Entry) -> str:
    return entry.rule.partition("@")[0].partition("/")[2]
