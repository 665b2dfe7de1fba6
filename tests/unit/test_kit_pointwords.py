"""Which rule gives points, and where something was printed, in words."""

import pytest

from services.kit.pointwords import issue_words, rule_words, series_name


@pytest.mark.parametrize(("rule", "words"), [
    ("points.province.special", "省级采用·专报"),
    ("points.city.昨日情况", "市级采用·昨日情况"),
    ("points.national.*", "国家级采用"),
    ("points.province.solicited", "省级采用·约稿"),
    ("points.province.daily/through@320000", "省级采用·每日要情（经转报，按采用单位规则）"),
    ("points.province.daily/direct", "省级采用·每日要情（直报）"),
    ("selected.national.*", "选送国家级"),
    ("instructions.province.*", "省级领导批示"),
    ("merged_points.city", "市级综合采用"),
    ("deductions.late", "扣分·迟报"),
    ("deductions.other", "扣分·other"),
    ("appeal", "申诉更正"),
    ("base.cap", "封顶"),
    ("base.month", "基础分"),
    ("averaging", "篇均分"),
    ("points.galaxy.daily", "points.galaxy.daily"),
    ("merged", "merged"),
    ("", ""),
])  # fmt: skip
def test_rules_are_said_in_words_and_strange_ones_as_they_are(rule: str, words: str) -> None:
    assert rule_words(rule, {"late": "迟报"}) == words


@pytest.mark.parametrize(("issue", "words"), [
    ("2026-328", "2026年第328期"), ("2025-001", "2025年第1期"), ("017", "第17期"), ("增刊", "第增刊期"),
])  # fmt: skip
def test_issues(issue: str, words: str) -> None:
    assert issue_words(issue) == words


def test_series() -> None:
    assert [series_name(label) for label in ("daily", "要情")] == ["每日要情", "要情"]
