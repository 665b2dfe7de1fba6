"""Rule files: what is read, what is refused and where, and which version is in force on which day."""

from datetime import date
from decimal import Decimal

import pytest

from proto.messages import Level
from services.kit.toml import MAX_CHARS
from services.scoring.domain.lines import line_of
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import (
    Averaging,
    Base,
    Effect,
    Merged,
    Repeated,
    RuleBook,
    RuleError,
    RuleSet,
    Several,
    Worth,
)

GOOD = """\
version = "1"
title = "样例"
title_en = "Example"
effective_from = 2026-01-01
merged = "split"
averaging = "none"

[points.province]
daily = 3
special = 10.5

[points.city]
"每日要情" = 2
"*" = 1

[selected]
province = 2

[instructions.city]
"*" = 5

[routes]
through = 2

[base]
month = 10
cap = 100

[base.county]
month = 5

[deductions.late]
title = "逾期"
effect = "fixed"
points = 2

[deductions.untrue]
title = "失实"
effect = "percent"
percent = 50

[obligations.adopted]
city = 6

[credited_to]
320583-qy = "320583"
"""


def version(name: str, begins: str, ends: str = "") -> RuleSet:
    text = GOOD.replace('version = "1"', f'version = "{name}"').replace("2026-01-01", begins)
    return parse(text.replace("merged =", f"effective_to = {ends}\nmerged =") if ends else text, f"{name}.toml")


def test_reads_every_table() -> None:
    found = parse(GOOD, "a.toml")
    assert found.points == {
        Level.PROVINCE: {"daily": Decimal(3), "special": Decimal("10.5")},
        Level.CITY: {"每日要情": Decimal(2), "*": Decimal(1)},
    }
    assert found.selected == {Level.PROVINCE: {"*": Decimal(2)}}, "a bare number is for any series"
    assert (found.routes.worth, found.routes.direct, found.routes.through, found.routes.national) == (
        Worth.OWN,
        1,
        2,
        None,
    )
    assert found.base_of("county") == Base(month=Decimal(5))
    assert found.base_of("city") == found.base_of("") == Base(month=Decimal(10), cap=Decimal(100))
    assert found.deductions["untrue"].effect is Effect.PERCENT
    assert found.obligations == {"adopted": {"city": 6}}
    assert found.credited_to == {"320583-qy": "320583"}
    assert found.effective_from == date(2026, 1, 1)


def test_what_is_not_said_is_the_plainest() -> None:
    found = parse(GOOD.split('merged = "split"', maxsplit=1)[0] + "[points]\ncity = 1\n", "a.toml")
    switches = (found.merged, found.several_publications, found.repeated_instructions, found.averaging)
    assert switches == (Merged.SPLIT, Several.ACCUMULATE, Repeated.EACH, Averaging.NONE)
    assert found.base_of("city") == Base()
    assert not found.selected
    assert not found.deductions


FLAWS = {
    "not TOML": ("daily = = 3", "daily = 3", 9, "not TOML"),
    "table not closed": ("[points.city", "[points.city]", 12, "not TOML"),
    "key twice": ("daily = 3\ndaily = 4", "daily = 3", 10, "not TOML"),
    "number of too many digits": (f"daily = {'9' * 5000}", "daily = 3", None, "too many digits"),
    "nested too deeply": (f"daily = {'[' * 5000}", "daily = 3", None, "not TOML"),
    "unknown key": ('merge = "split"', 'merged = "split"', 5, "unknown field `merge`"),
    "unknown table": ("[bonus]", "[selected]", 16, "unknown field `bonus`"),
    "line feed in the version": ('version = "1\\n"', 'version = "1"', 1, "version"),
    "version of two words": ('version = "a b"', 'version = "1"', 1, "version"),
    "version as a number": ("version = 1", 'version = "1"', 1, "version"),
    "empty title": ('title = ""', 'title = "样例"', 2, "title"),
    "no day": ('effective_from = "soon"', "effective_from = 2026-01-01", 4, "effective_from"),
    "a time": ("effective_from = 2026-01-01T00:00:00Z", "effective_from = 2026-01-01", 4, "a day, without a time"),
    "ends before it begins": ('effective_to = 2025-12-31\nmerged = "split"', 'merged = "split"', 5, "lies before"),
    "merged otherwise": ('merged = "half"', 'merged = "split"', 5, "merged"),
    "fixed without points": ('merged = "fixed"', 'merged = "split"', 5, "merged_points"),
    "merged points without fixed": ("[merged_points]\ncity = 1\n[selected]", "[selected]", 5, "merged_points"),
    "several otherwise": ('several_publications = "lowest"', 'merged = "split"', 5, "several_publications"),
    "repeated otherwise": ('repeated_instructions = "never"', 'merged = "split"', 5, "repeated_instructions"),
    "averaging otherwise": ('averaging = "days"', 'averaging = "none"', 6, "averaging"),
    "points as a word": ('daily = "3"', "daily = 3", 9, "points.province.daily: points: a number"),
    "points as a truth": ("daily = true", "daily = 3", 9, "points: a number"),
    "points below nothing": ("daily = -1", "daily = 3", 9, "points: a number"),
    "points of five places": ("daily = 3.00001", "daily = 3", 9, "decimal places"),
    "points that are none": ("daily = nan", "daily = 3", 9, "points: a number"),
    "points without end": ("daily = inf", "daily = 3", 9, "points: a number"),
    "points beyond all bounds": ("daily = 1e999999", "daily = 3", 9, "points: a number"),
    "unknown level": ("[points.county]", "[points.city]", 12, "the levels are city, national, province"),
    "level without series": ("[points.national]\n\n[selected]", "[selected]", 16, "names no series"),
    "series with a space": ('"每日 要情" = 2', '"每日要情" = 2', 13, "a series is"),
    "series of 31 characters": (f"{'x' * 31} = 2", '"每日要情" = 2', 13, "a series is"),
    "sent on downwards": ("city = 2", "province = 2", 17, "goes to the province"),
    "selected as a word": ('province = "2"', "province = 2", 17, "points: a number"),
    "solicited instruction": ("solicited = 5", '"*" = 5', 20, "not solicited"),
    "unknown route": ("round = 2", "through = 2", 23, "unknown field `round`"),
    "factor below nothing": ("through = -2", "through = 2", 23, "a factor"),
    "factor beyond bounds": ("through = 101", "through = 2", 23, "a factor"),
    "worth otherwise": ('worth = "none"', "through = 2", 23, "worth"),
    "cap below base": ("cap = 9", "cap = 100", 27, "lies below the base points"),
    "base of no class": ("[base.village]", "[base.county]", 29, "the classes are"),
    "base with another key": ("year = 5", "month = 5", 30, "unknown field `year`"),
    "deduction without effect": ("", 'effect = "fixed"\n', 32, "effect"),
    "effect otherwise": ('effect = "half"', 'effect = "fixed"', 34, "effect"),
    "fixed deduction without points": ("", "points = 2\n", 32, "points is given if, and only if"),
    "percentage with points": ("points = 1", "percent = 50", 37, "points is given if, and only if"),
    "more than all": ("percent = 101", "percent = 50", 40, "a percentage"),
    "at no time": ("points = 2\ntimes = 0", "points = 2", 36, "times"),
    "a deduction called appeal": ("[deductions.appeal]", "[deductions.late]", 32, "a deduction's code"),
    "a deduction's odd code": ('[deductions."spät"]', "[deductions.late]", 32, "a deduction's code"),
    "unknown obligation": ("[obligations.logins]", "[obligations.adopted]", 42, "the obligations are"),
    "obligation of no class": ("village = 6", "city = 6", 43, "the classes are"),
    "half an item": ("city = 6.5", "city = 6", 43, "a whole number"),
    "credited to no code": ('320583-qy = "苏州"', '320583-qy = "320583"', 46, "credited_to"),
    "credited to itself": ('320583-qy = "320583-qy"', '320583-qy = "320583"', 46, "gives its points to another unit"),
    "a table as a number": ("base = 1\n", "[base]\nmonth = 10\ncap = 100\n\n[base.county]\nmonth = 5\n", 25, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FLAWS))
def test_a_wrong_file_is_refused_with_file_line_and_reason(name: str) -> None:
    wrong, right, line, reason = FLAWS[name]
    assert right in GOOD
    with pytest.raises(RuleError) as caught:
        parse(GOOD.replace(right, wrong, 1), "a.toml")
    assert str(caught.value).startswith(f"a.toml:{line}: " if line else "a.toml: ")
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ("", 'version = "1"\n', "missing required field `version`"),
        ("", 'title_en = "Example"\n', "missing required field `title_en`"),
        ("", "effective_from = 2026-01-01\n", "missing required field `effective_from`"),
        ("", 'title = "样例"\n', "missing required field `title`"),
    ],
)
def test_an_incomplete_file_is_refused(wrong: str, right: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        parse(GOOD.replace(right, wrong, 1), "a.toml")


def test_a_file_without_points_or_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(RuleError, match="no points for any level"):
        parse(GOOD.split("[points.province]", maxsplit=1)[0], "a.toml")
    with pytest.raises(RuleError, match="longer than"):
        parse(f"{GOOD}#{'x' * MAX_CHARS}", "a.toml")
    with pytest.raises(RuleError, match="must name the levels that have points"):
        parse(GOOD.replace('merged = "split"', 'merged = "fixed"\nmerged_points.city = 1'), "a.toml")


def test_lines_are_found_whatever_way_a_table_is_written() -> None:
    text = '[points]\ncity = { daily = 1 }\nprovince.daily = 2\n[ base . county ]\n"cap"=3 # [x]\n'
    assert line_of(text, "points.city.daily") == 2
    assert line_of(text, "points.province.daily") == 3
    assert line_of(text, "base.county.cap") == 5
    assert line_of(text, "base") == 4
    assert line_of(text, "nothing") is None


def test_each_day_has_the_version_in_force() -> None:
    book = RuleBook([version("2", "2026-07-01"), version("1", "2026-01-01", "2026-05-31")])
    days = ("2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01", "2026-07-01", "2030-01-01")
    found = [(rules.version if (rules := book.in_force(date.fromisoformat(day))) else None) for day in days]
    assert found == [None, "1", "1", None, "2", "2"]
    assert [each.version for each in book] == ["1", "2"]
    assert book.version("2") is not None
    assert book.version("3") is None
    assert RuleBook().in_force(date(2026, 1, 1)) is None


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ([version("1", "2026-01-01"), version("2", "2026-01-01")], "2: begins on 2026-01-01, while 1"),
        ([version("1", "2026-01-01", "2026-06-30"), version("2", "2026-06-30")], "2: begins on 2026-06-30, while 1"),
        ([version("1", "2026-01-01"), version("1", "2026-06-30")], "1: there are two versions"),
    ],
)
def test_contradicting_versions_are_refused(versions: list[RuleSet], reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        RuleBook(versions)


def test_a_book_grows_by_versions() -> None:
    first, second = version("1", "2026-01-01"), version("2", "2026-07-01")
    book = RuleBook([first]).with_version(second)
    assert list(book) == [first, second]
    assert book.with_version(second) is book
    with pytest.raises(RuleError):
        book.with_version(version("1", "2027-01-01"))
