"""What must hold of every settlement, whatever happened and whatever the rules."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proto.messages import Verdict
from services.scoring.domain.known import Fact
from services.scoring.domain.rules import RuleSet, Several
from services.scoring.domain.settlement import Because, Settlement, UnitMonth, settle
from tests.scoring_facts import (
    CITY,
    COUNTY,
    NOON,
    OTHER,
    PROVINCE,
    at,
    books,
    decided,
    item,
    ledger,
    reversed_,
    settled,
)
from tests.scoring_histories import COUNTIES, histories, rule_sets

CLASSES = dict.fromkeys(COUNTIES, "county")


def months(found: Settlement) -> Iterable[UnitMonth]:
    return (each for unit in found.units() for each in found.of_unit(unit))


@settings(max_examples=100, deadline=None)
@given(histories(), rule_sets(), rule_sets(), st.data())
def test_months_add_up_to_the_year_whatever_the_order(
    history: list[Fact], city: RuleSet, province: RuleSet, data: st.DataObject
) -> None:
    found = books(city=city, province=province)
    for hub in (CITY, PROVINCE):
        entries = [entry for entry in ledger(history, found) if entry.hub == hub]
        settlement = settle(entries, found(hub), "2026-12", CLASSES)
        again = settle(data.draw(st.permutations(entries)), found(hub), "2026-12", CLASSES)
        assert again == settlement
        for each in months(settlement):
            assert each.points == sum(line.points for line in each.counted)
        for unit in settlement.units():
            assert settlement.year_points(unit) == sum(each.points for each in settlement.of_unit(unit))
        listed = {line.entry.id for each in months(settlement) for line in each.counted if line.entry is not None}
        assert listed == {entry.id for entry in entries}, "every entry has its line, also where it counts nothing"


@settings(max_examples=100, deadline=None)
@given(histories(), rule_sets(cap=True))
def test_the_cap_is_never_exceeded(history: list[Fact], city: RuleSet) -> None:
    for each in months(settled(history, books(city=city), units=CLASSES)):
        assert each.points <= 12


@settings(max_examples=100, deadline=None)
@given(histories(adjustments=False), rule_sets(cap=False))
def test_the_highest_counts_no_less_than_any_and_the_sum_no_less_than_the_highest(
    history: list[Fact], city: RuleSet
) -> None:
    highest = books(city=replace(city, several_publications=Several.HIGHEST))
    found = settled(history, highest)
    lines = [line for each in months(found) for line in each.counted if line.entry is not None]
    adoptions = [line for line in lines if line.entry is not None and line.entry.kind in ("adopted", "merged")]
    for group in {(line.entry.unit, line.entry.report, line.entry.level) for line in adoptions if line.entry}:
        same = [
            line for line in adoptions if line.entry and (line.entry.unit, line.entry.report, line.entry.level) == group
        ]
        counting = [line for line in same if line.why is Because.PLAIN]
        assert len(counting) <= 1
        for line in same:
            if line.why is Because.NOT_HIGHEST and line.entry:
                assert counting[0].points >= line.entry.points
    all_of_them = settled(history, books(city=replace(city, several_publications=Several.ACCUMULATE)))
    for each in lines:
        if each.why is Because.PLAIN:
            assert each.points >= 0
    assert sum(line.points for line in lines) <= sum(
        line.points for m in months(all_of_them) for line in m.counted if line.entry is not None
    )


@settings(max_examples=100, deadline=None)
@given(histories(), rule_sets(cap=False), rule_sets(cap=False))
def test_all_taken_back_is_nothing(history: list[Fact], city: RuleSet, province: RuleSet) -> None:
    found = books(city=city, province=province)
    gone = [
        reversed_(1000 + number, fact.event.id.int, hub=fact.event.origin, when=NOON + timedelta(days=250))
        for number, fact in enumerate(history)
        if fact.level is not None and fact.verdict is not Verdict.REVERSED
    ]
    for hub in (CITY, PROVINCE):
        settlement = settled([*history, *gone], found, hub=hub)
        assert all(each.points == 0 and each.adopted == 0 for each in months(settlement))


@settings(max_examples=100, deadline=None)
@given(histories(), rule_sets(), st.data())
def test_what_was_taken_back_is_as_if_it_had_never_been(
    history: list[Fact], city: RuleSet, data: st.DataObject
) -> None:
    """The year with a decision and its reversal is the year without both."""
    found = books(city=city)
    before = settled(history, found, units=CLASSES)
    extra = decided(500, *data.draw(st.sampled_from([(item(11),), (item(12, OTHER, "0.5"), item(11, COUNTY, "0.5"))])))
    after = settled([*history, extra, reversed_(501, 500, when=at(11))], found, units=CLASSES)
    for unit in COUNTIES:
        assert after.year_points(unit) == before.year_points(unit)
