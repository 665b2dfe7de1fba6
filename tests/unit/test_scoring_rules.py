"""Rule files: what is read, what is refused, and which version is in force on which day."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.kit.errors import SettingsError
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import Merged, RuleBook, RuleError, RuleSet, Tier
from services.scoring.rulefiles import check_unchanged, read_rules

DEFAULT = Path("deploy/sample/rules/default.toml")
GOOD = """\
id = "example"
version = "1"
title = "样例"
title_en = "Example"
effective_from = 2026-01-01
merged = "split"

[points.province]
daily = 3
special = 10.5

[points.city]
daily = 2
"""


def version(name: str, begins: str, ends: str = "") -> tuple[str, RuleSet]:
    text = GOOD.replace('version = "1"', f'version = "{name}"').replace("2026-01-01", begins)
    text = text.replace("merged =", f"effective_to = {ends}\nmerged =") if ends else text
    return f"{name}.toml", parse(text, f"{name}.toml")


def test_reads_exact_points() -> None:
    rules = parse(GOOD, "a.toml")
    assert rules.points[Tier.PROVINCE] == {"daily": Decimal(3), "special": Decimal("10.5")}
    assert rules.merged is Merged.SPLIT
    assert rules.effective_from == date(2026, 1, 1)


def test_the_default_rules_are_called_an_example() -> None:
    rules = parse(DEFAULT.read_text(encoding="utf-8"), DEFAULT.name)
    assert rules.id == "example"
    assert "样例" in rules.title
    assert "not the provincial standard" in rules.title_en
    assert rules.points[Tier.PROVINCE] == {"daily": 3, "special": 10, "research": 15}
    assert rules.points[Tier.CITY] == {"daily": 2, "special": 6, "research": 10}


@pytest.mark.parametrize(
    ("wrong", "right", "line", "reason"),
    [
        ('version = "1\\n"', 'version = "1"', 2, "version"),
        ("daily = = 3", "daily = 3", 9, "not TOML"),
        ("[points.city", "[points.city]", 12, "not TOML"),
        ("daily = true", "daily = 3", 9, "points.province.daily"),
        ('daily = "3"', "daily = 3", 9, "points are a number"),
        ("daily = -1", "daily = 3", 9, "points are a number"),
        ("daily = 3.00001", "daily = 3", 9, "decimal places"),
        ("daily = nan", "daily = 3", 9, "points are a number"),
        ("daily = 1e300", "daily = 3", 9, "points are a number"),
        ("[points.county]", "[points.city]", 12, "the tiers are province, city"),
        ('merged = "half"', 'merged = "split"', 6, "merged"),
        ('merged = "fixed"', 'merged = "split"', 6, "merged_points"),
        ('merge = "split"', 'merged = "split"', 6, "unknown field `merge`"),
        ('effective_from = "soon"', "effective_from = 2026-01-01", 5, "effective_from"),
        ("effective_from = 2026-01-01T00:00:00Z", "effective_from = 2026-01-01", 5, "a day, without a time"),
        ('version = "a b"', 'version = "1"', 2, "version"),
        ('several_publications = "highest"', 'merged = "split"', 6, "not yet supported"),
        ('several_publications = "average"', 'merged = "split"', 6, "several_publications"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_reason(wrong: str, right: str, line: int, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(GOOD.replace(right, wrong, 1), "a.toml")
    assert str(caught.value).startswith(f"a.toml:{line}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ("", 'version = "1"\n', "missing required field `version`"),
        ("", "[points.city]\ndaily = 2\n", "no points for city"),
        ("effective_to = 2025-12-31\nmerged", "merged", "effective_to lies before"),
    ],
)
def test_an_incomplete_file_is_refused(wrong: str, right: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        parse(GOOD.replace(right, wrong, 1), "a.toml")


def test_each_day_has_the_version_in_force() -> None:
    book = RuleBook([version("2", "2026-07-01"), version("1", "2026-01-01", "2026-05-31")])
    found = {
        day: rules.version if (rules := book.in_force(date.fromisoformat(day))) else None
        for day in ("2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01", "2026-07-01", "2030-01-01")
    }
    assert list(found.values()) == [None, "1", "1", None, "2", "2"]


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ([], "no rule file"),
        ([version("1", "2026-01-01"), version("2", "2026-01-01")], "2.toml: .*is in force"),
        ([version("1", "2026-01-01", "2026-06-30"), version("2", "2026-06-30")], "2.toml: .*is in force"),
        ([version("1", "2026-01-01"), version("1", "2026-06-30")], "1.toml: version '1' is also in"),
        (
            [version("1", "2026-01-01"), ("b.toml", parse(GOOD.replace("example", "other"), "b.toml"))],
            "b.toml: .*not yet supported",
        ),
    ],
)
def test_contradicting_versions_are_refused(versions: list[tuple[str, RuleSet]], reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        RuleBook(versions)


def test_a_folder_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    assert [each.version for each in read_rules(str(tmp_path))] == ["1"]
    (tmp_path / "b.toml").write_text("id =\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"b\.toml:1: not TOML"):
        read_rules(str(tmp_path))
    with pytest.raises(SettingsError, match="no rule file"):
        read_rules(str(tmp_path / "nowhere"))


def test_a_version_in_use_cannot_change() -> None:
    book = RuleBook([version("1", "2026-01-01")])
    (before,) = book
    check_unchanged(book, {("example", "1"): before})
    changed = parse(GOOD.replace("daily = 3", "daily = 4"), "a.toml")
    with pytest.raises(SettingsError, match="changed after it came into use"):
        check_unchanged(book, {("example", "1"): changed})
