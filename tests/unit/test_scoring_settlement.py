"""What entries count: each switch by an example."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from proto.messages import Level
from services.scoring.domain.explain import explain
from services.scoring.domain.rules import RuleBook, RuleSet
from services.scoring.domain.settlement import Because, Settlement, settle
from tests.scoring_facts import (
    CITY,
    COUNTY,
    OTHER,
    PROVINCE,
    adjusted,
    answered,
    at,
    books,
    decided,
    instructed,
    item,
    ledger,
    reversed_,
    rules,
    selected,
    settled,
    totals,
)
from tests.scoring_histories import COUNTIES

CLASSES = dict.fromkeys(COUNTIES, "county")


def marks(found: Settlement, unit: str = COUNTY) -> list[tuple[str, str, str]]:
    """Month, points and reason of each line of a unit."""
    return [(m.month[5:], f"{line.points.normalize():f}", line.why) for m in found.of_unit(unit) for line in m.counted]


def test_several_publications_accumulate_or_only_the_highest_counts() -> None:
    events = [
        decided(1, item(11)),
        decided(2, item(11), series="special", when=at(4)),
        decided(3, item(12), when=at(4)),
    ]
    assert totals(events, books(city=rules())) == {COUNTY: "16"}
    highest = books(city=rules(top='several_publications = "highest"'))
    found = settled(events, highest)
    assert marks(found) == [("03", "0", "not_highest"), ("04", "10", ""), ("04", "3", "")]
    assert settled(events, highest, through="2026-03").year_points(COUNTY) == 3, "what was known by March"
    assert (found.of(COUNTY, "2026-04").adopted, found.year_adopted(COUNTY)) == (2, 2)
    both = books(city=rules("[points.province]\ndaily = 8\n", top='several_publications = "highest"'))
    assert totals([*events, decided(4, item(11), hub=PROVINCE)], both) == {COUNTY: "21"}, "each level for itself"


def test_of_equals_the_earlier_counts_and_what_is_taken_back_does_not_compete() -> None:
    highest = books(city=rules(top='several_publications = "highest"'))
    same = [decided(1, item(11), when=at(4)), decided(2, item(11))]
    assert marks(settled(same, highest)) == [("03", "3", ""), ("04", "0", "not_highest")]
    gone = [decided(1, item(11)), decided(2, item(11), series="special"), reversed_(3, 2, when=at(5))]
    assert marks(settled(gone, highest)) == [("03", "3", ""), ("03", "0", "reversed"), ("05", "0", "reversed")]


def test_repeated_instructions_count_each_or_the_first() -> None:
    text = "[instructions]\ncity = 5\nprovince = 9\n"
    events = [
        instructed(2, item(11), when=at(5)),
        instructed(1, item(11), when=at(4)),
        instructed(3, item(11), level=Level.PROVINCE),
        instructed(4, item(12)),
    ]
    assert totals(events, books(city=rules(text))) == {COUNTY: "24"}
    once = settled(events, books(city=rules(text, top='repeated_instructions = "once"')))
    assert sorted(marks(once)) == [
        ("03", "5", ""),
        ("03", "9", ""),
        ("04", "5", ""),
        ("05", "0", "instruction_repeated"),
    ]


def test_of_several_rules_for_one_event_one_counts() -> None:
    text = '[instructions.city]\ndaily = 5\nspecial = 2\n"*" = 9\n'
    found = books(city=rules(text, points="[points.city]\ndaily = 3\nspecial = 10\nsolicited = 4\n"))
    events = [decided(1, item(11)), decided(2, item(11), series="special"), instructed(3, item(11)), *answered(4, 11)]
    settlement = settled(events, found)
    counted = {line.rule: int(line.points) for m in settlement.of_unit(COUNTY) for line in m.counted if not line.why}
    assert counted == {"points.city.solicited": 4, "instructions.city.daily": 5}
    assert settlement.year_points(COUNTY) == 4 + 4 + 5


def test_base_points_and_the_cap() -> None:
    """常山's form: 10 a month, and no more than the cap."""
    found = books(city=rules("[base]\nmonth = 10\ncap = 15\n[base.city]\nmonth = 1\n"))
    events = [decided(1, item(11), series="special"), decided(2, item(12), when=at(4))]
    settlement = settled(events, found, through="2026-04", units={**CLASSES, CITY: "city"})
    assert [str(settlement.of(COUNTY, f"2026-{month:02}").points) for month in range(1, 5)] == ["10", "10", "15", "13"]
    assert settlement.year_points(OTHER) == 40
    assert settlement.year_points(CITY) == 4
    assert marks(settlement)[2:5] == [("03", "10", ""), ("03", "10", "base"), ("03", "-5", "capped")]


def test_a_month_is_averaged_over_its_items() -> None:
    found = books(city=rules("[instructions]\ncity = 2\n", top='averaging = "items"'))
    events = [
        decided(1, item(11)),
        decided(2, item(12)),
        decided(3, item(13), series="special"),
        instructed(4, item(11)),
    ]
    month = settled(events, found).of(COUNTY, "2026-03")
    assert (month.points, month.adopted) == (6, 3)
    assert month.counted[-1].why is Because.AVERAGED
    third = settled([*events, decided(5, item(14), series="special")], found).of(COUNTY, "2026-03")
    assert third.points == 7


@pytest.mark.parametrize(
    ("effect", "points"),
    [("fixed\npoints = 2", "14.5"), ("percent\npercent = 50", "11.5"), ("year", "0"), ("year\ntimes = 2", "16.5")],
)
def test_deductions(effect: str, points: str) -> None:
    name, *more = effect.split("\n")
    text = "\n".join(['[deductions.wrong]\ntitle = "失实"', f'effect = "{name}"', *more, ""])
    events = [
        decided(1, item(11), series="special"),
        decided(2, item(12), when=at(5)),
        adjusted(3, "wrong", month="2026-04", report=11),
        adjusted(4, "appeal", points="3.5"),
    ]
    found = settled(events, books(city=rules(text)))
    assert str(found.year_points(COUNTY)) == points
    assert sum(month.points for month in found.of_unit(COUNTY)) == found.year_points(COUNTY)
    if name == "year":
        assert {month.points for month in found.of_unit(COUNTY)} in (
            {Decimal(0)},
            {Decimal("13.5"), Decimal(0), Decimal(3)},
        )


def test_a_percentage_is_taken_of_what_its_item_counts_then() -> None:
    text = '[deductions.wrong]\ntitle = "失实"\neffect = "percent"\npercent = 33.3333\n'
    wrong = adjusted(3, "wrong", report=11)
    assert totals([decided(1, item(11)), wrong], books(city=rules(text))) == {COUNTY: "2"}
    gone = [decided(1, item(11)), wrong, reversed_(4, 1)]
    assert totals(gone, books(city=rules(text))) == {COUNTY: "0"}


@pytest.mark.parametrize(
    ("rule", "points"), [("share", "2"), ("fixed", "1"), ("appeal", "7"), ("year", "0")]
)  # of 3, by half or by 2 or 4 more; all nothing
def test_an_adjustment_goes_where_the_units_points_go(rule: str, points: str) -> None:
    text = (
        '[deductions.share]\ntitle = "失实"\neffect = "percent"\npercent = 33.3333\n'
        '[deductions.fixed]\ntitle = "逾期"\neffect = "fixed"\npoints = 2\n'
        '[deductions.year]\ntitle = "造假"\neffect = "year"\n'
        f'[credited_to]\n{OTHER} = "{COUNTY}"\n'
    )
    line = adjusted(3, rule, unit=OTHER, report=11, points="4" if rule == "appeal" else None)
    assert totals([decided(1, item(11, OTHER)), line], books(city=rules(text))) == {COUNTY: points}


def test_a_deduction_takes_effect_after_the_cap() -> None:
    text = '[base]\ncap = 5\n[deductions.late]\ntitle = "逾期"\neffect = "fixed"\npoints = 2\n'
    events = [decided(1, item(11), series="special"), adjusted(2, "late")]
    assert totals(events, books(city=rules(text))) == {COUNTY: "3"}


def test_a_reversal_of_last_years_decision_counts_in_its_own_year() -> None:
    late = [decided(1, item(11), when=at(12, 31)), reversed_(2, 1, when=at(12, 31) + timedelta(days=20))]
    found = books(city=rules())
    assert settled(late, found, through="2026-12").year_points(COUNTY) == 3, "last year stays as it was stated"
    assert settled(late, found, through="2027-01").year_points(COUNTY) == -3
    twice = [*late, reversed_(3, 1, when=at(12, 31) + timedelta(days=30))]
    assert settled(twice, found, through="2027-01").year_points(COUNTY) == -3
    highest = books(city=rules(top='several_publications = "highest"'))
    anew = [*twice, decided(4, item(11), series="special", when=at(12, 31) + timedelta(days=25))]
    assert settled(anew, highest, through="2027-01").year_points(COUNTY) == 7, "a line back competes with nothing"


def test_earlier_items_keep_the_earlier_version() -> None:
    """Art. 1."""
    old, new = rules(), rules(points="[points.city]\ndaily = 4\n")
    later = parse_as(new, "2", from_month=7)
    found = books(city=RuleBook([old, later]))
    events = [decided(1, item(11), when=at(6, 30)), decided(2, item(12), when=at(7, 1))]
    assert totals(events, found) == {COUNTY: "7"}
    assert settled(events, found).versions() == ["1", "2"]


def test_entries_by_rules_that_were_superseded_unseen_count_nothing() -> None:
    """The city's line was down: its new rules come after what they govern was scored by the old ones."""
    old, later = rules(), parse_as(rules(points="[points.city]\ndaily = 4\n"), "2", from_month=3)
    both = RuleBook([old, later])
    events = [decided(1, item(11)), reversed_(2, 1, when=at(5)), decided(3, item(12))]
    early, whole = ledger(events, books(city=old)), ledger(events, books(city=both))
    late = settle([*early, *whole], both, "2026-12")
    assert late.year_points(COUNTY) == settle(whole, both, "2026-12").year_points(COUNTY) == 4
    assert {line.why for line in late.of(COUNTY, "2026-03").counted} == {"", "reversed", "rules_superseded"}


def parse_as(found: RuleSet, version: str, *, from_month: int) -> RuleSet:
    return replace(found, version=version, effective_from=found.effective_from.replace(month=from_month))


def test_every_line_can_be_explained_in_both_languages() -> None:
    text = "[selected]\nprovince = 2\n[points.province]\ndaily = 8\n[instructions]\ncity = 5\n[base]\nmonth = 1\ncap = 12\n"
    found = rules(text, top='repeated_instructions = "once"')
    events = [
        decided(1, item(11, COUNTY, "0.4"), item(12, OTHER, "0.6")),
        selected(2, item(11), sent_as=91),
        decided(3, item(91, CITY), hub=PROVINCE),
        instructed(4, item(11)),
        instructed(5, item(11)),
        decided(6, item(13)),
        reversed_(7, 6),
        adjusted(8, "appeal", points="-0.5"),
    ]
    settlement = settled(events, books(city=found), through="2026-03", units=CLASSES)
    words = [explain(line, RuleBook([found])) for line in settlement.of(COUNTY, "2026-03").counted]
    joined = "\n".join(zh for zh, _ in words)
    assert "市级综合采用于《每日要情》第7期：3 × 0.4 = 1.2 分（规则 1 市级采用·每日要情）" in joined
    assert "省级采用于《每日要情》第7期（经转报）：8 分（规则 1 省级采用·每日要情（经转报））" in joined
    assert "同级重复批示，不计，计 0 分" in joined
    assert "冲正" in joined
    assert "超过封顶部分，不计：-4.7 分（规则 1 封顶）" in joined
    assert any(en.startswith("merged, city, in daily 7: 3 × 0.4 = 1.2 points (rule 1/") for _, en in words)
    assert all(zh and en for zh, en in words)
