"""Points as people read them: which rule gives them, in which publication and issue (计分依据、刊期). Pure."""

import re
from collections.abc import Mapping
from typing import Final

SERIES: Final = {"daily": "每日要情", "special": "专报", "research": "调研专刊"}
"""Names of the usual series (刊物): messages and rules carry their labels only. Another one stands as it is labelled."""
_LEVELS: Final = {"city": "市级", "province": "省级", "national": "国家级"}
_PLACES: Final = {"*": "", "solicited": "约稿"}
_ROUTES: Final = {"direct": "直报", "through": "经转报", "national": "国家级采用"}
_WHOLE: Final = {"appeal": "申诉更正", "averaging": "篇均分", "base.month": "基础分", "base.cap": "封顶"}
_TABLES: Final = {
    "points": "{level}采用", "selected": "选送{level}", "instructions": "{level}领导批示", "merged_points": "{level}综合采用",
}  # fmt: skip
_NUMBERED: Final = re.compile(r"([0-9]{4})-0*([0-9]{1,9})", re.ASCII)
_NUMBER: Final = re.compile(r"0*([0-9]{1,9})", re.ASCII)


def series_name(label: str) -> str:
    """Return the name of a series."""
    return SERIES.get(label, label)


def issue_words(issue: str) -> str:
    """Return an issue in words: 2026年第328期 for 2026-328."""
    if found := _NUMBERED.fullmatch(issue):
        return f"{found[1]}年第{found[2]}期"
    found = _NUMBER.fullmatch(issue)
    return f"第{found[1] if found else issue}期"


def rule_words(rule: str, titles: Mapping[str, str] = {}) -> str:
    """Return what a rule gives points for: 省级采用·专报 for ``points.province.special``; another text as it is.

    ``rule`` is named as in the ledger, without its version; ``titles`` are those of deductions, by their codes.
    """
    named, lent, _ = rule.partition("@")
    named, _, route = named.partition("/")
    table, _, rest = named.partition(".")
    if named in _WHOLE:
        words = _WHOLE[named]
    elif table == "deductions" and rest:
        words = f"扣分·{titles.get(rest, rest)}"
    else:
        level, _, series = rest.partition(".")
        if table not in _TABLES or level not in _LEVELS:
            return rule
        place = _PLACES.get(series, series_name(series))
        words = _TABLES[table].format(level=_LEVELS[level]) + (f"·{place}" if place else "")
    notes = [_ROUTES.get(route, route)] if route else []
    notes += ["按采用单位规则"] if lent else []
    return f"{words}（{'，'.join(notes)}）" if notes else words
