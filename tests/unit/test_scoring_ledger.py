"""The ledger as a pure function of the set of facts: entries, joins, reversals, any order and number of arrivals."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proto.messages import Level, Verdict
from services.kit.calendar import month_of
from services.scoring.domain.known import Fact, Known, refs_of
from services.scoring.domain.ledger import Entry, Kind, entries_of, ledger_of
from services.scoring.domain.rules import RuleSet
from tests.scoring_facts import (
    CITY,
    COUNTY,
    OTHER,
    PROVINCE,
    THIRD,
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
    uid,
)
from tests.scoring_histories import histories, rule_sets

PLAIN = books(city=rules(), province=rules(points="[points.province]\ndaily = 3\nspecial = 10\n"))
UP = rules(points="[points.city]\ndaily = 3\n[points.province]\ndaily = 8\n", text="[selected]\nprovince = 2\n")


def test_an_adoption_earns_its_series_points() -> None:
    (entry,) = ledger([decided(1, item(11))], PLAIN)
    assert (entry.points, entry.items, entry.rule, entry.month) == (3, 1, "points.city.daily", "2026-03")
    assert (entry.unit, entry.hub, entry.level, entry.report) == (COUNTY, CITY, Level.CITY, uid(11))
    assert (entry.kind, entry.series, entry.issue, entry.rule_version) == (Kind.ADOPTED, "daily", "7", "1")


@pytest.mark.parametrize(
    ("merged", "points"),
    [
        ("split", ["1.2", "0.9", "0.9"]),
        ("equal", ["1", "1", "1"]),
        ("full", ["3", "3", "3"]),
        ("fixed", ["1.5", "1.5", "1.5"]),
    ],
)
def test_a_joint_item_is_shared_as_the_rules_say(merged: str, points: list[str]) -> None:
    fixed = "[merged_points]\ncity = 1.5\n" if merged == "fixed" else ""
    found = rules(fixed, top=f'merged = "{merged}"')
    joint = decided(1, item(11, COUNTY, "0.4"), item(12, OTHER, "0.3"), item(13, THIRD, "0.3"))
    entries = ledger([joint], books(city=found))
    assert [entry.points for entry in entries] == [Decimal(each) for each in points]
    assert {entry.kind for entry in entries} == {Kind.MERGED}
    (alone,) = ledger([decided(2, item(11))], books(city=found))
    assert alone.points == 3


def test_several_adopted_items_each_count_in_full() -> None:
    both = decided(1, item(11), item(12, OTHER), verdict=Verdict.ADOPTED)
    assert [entry.points for entry in ledger([both], PLAIN)] == [3, 3]


@pytest.mark.parametrize("verdict", [Verdict.RETURNED, Verdict.DECLINED, Verdict.REVERSED, Verdict.SELECTED])
def test_what_the_rules_do_not_name_earns_nothing(verdict: Verdict) -> None:
    fact = decided(1, item(11), verdict=verdict, about=9, level=Level.PROVINCE)
    assert ledger([fact], PLAIN) == []
    assert ledger([decided(2, item(11), series="weekly")], PLAIN) == []
    assert ledger([decided(3, item(11))], books()) == [], "no rules, no points"
    assert ledger([decided(4, item(11), when=datetime(2025, 12, 31, 15, 59, tzinfo=UTC))], PLAIN) == []


def test_the_month_is_that_of_jiangsu() -> None:
    last, first = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert (month_of(last), month_of(first)) == ("2026-11", "2026-12")


def test_what_the_province_makes_of_the_citys_report_counts_for_the_counties_it_carried() -> None:
    link = selected(1, item(11, COUNTY, "0.25"), item(12, OTHER, "0.75"), sent_as=91)
    above = decided(2, item(91, CITY), hub=PROVINCE, when=at(4))
    entries = [entry for entry in ledger([link, above], books(city=UP)) if entry.kind is not Kind.SELECTED]
    assert [(entry.unit, str(entry.points), entry.report) for entry in entries] == [
        (COUNTY, "2.0000", uid(11)),
        (OTHER, "6.0000", uid(12)),
    ]
    assert {(entry.hub, entry.event, entry.via, entry.month) for entry in entries} == {
        (CITY, uid(2), uid(1), "2026-04")
    }, "in the city's account, dated by the province's adoption"
    assert {entry.rule for entry in entries} == {"points.province.daily/through"}
    assert ledger([above], books(city=UP)) == [], "without the link nothing"


def test_the_selection_itself_may_earn_too() -> None:
    link = selected(1, item(11, COUNTY, "0.25"), item(12, OTHER, "0.75"), sent_as=91)
    assert [(entry.unit, str(entry.points), entry.rule) for entry in ledger([link], books(city=UP))] == [
        (COUNTY, "0.5000", "selected.province.*"),
        (OTHER, "1.5000", "selected.province.*"),
    ]


def test_a_direct_report_points_own_item_counts_at_its_city() -> None:
    above = decided(2, item(11), hub=PROVINCE)
    (entry,) = ledger([above], books(city=UP))
    assert (entry.hub, entry.unit, entry.points, entry.rule) == (CITY, COUNTY, 8, "points.province.daily/direct")
    off = rules("[routes]\ndirect = 0\nthrough = 0\n", points="[points.province]\ndaily = 8\n")
    link = selected(1, item(12, OTHER), sent_as=91)
    assert ledger([above, link, decided(3, item(91, CITY), hub=PROVINCE)], books(city=off)) == []


def test_an_instruction_goes_by_the_series_in_which_its_item_appeared() -> None:
    found = books(city=rules('[instructions.city]\ndaily = 5\nspecial = 10\n"*" = 1\n'))
    alone = ledger([instructed(1, item(11))], found)
    assert [(entry.rule, entry.points, entry.items) for entry in alone] == [("instructions.city.*", 1, 0)]
    both = ledger([instructed(1, item(11)), decided(2, item(11), series="special")], found)
    assert {entry.rule for entry in both if entry.kind is Kind.INSTRUCTION} == {
        "instructions.city.*",
        "instructions.city.special",
    }, "the settlement counts one of them"


def test_a_deduction_counts_in_the_month_that_it_names() -> None:
    found = books(city=rules('[deductions.late]\ntitle = "逾期"\neffect = "fixed"\npoints = 2\n'))
    facts = [adjusted(1, "late", month="2026-01"), adjusted(2, "unknown"), adjusted(3, "appeal", points="1.5")]
    entries = ledger(facts, found)
    assert [(entry.rule, str(entry.points), entry.month, entry.report) for entry in entries] == [
        ("deductions.late", "-2.0000", "2026-01", None),
        ("appeal", "1.5000", "2026-03", None),
    ]


def test_an_answer_counts_as_solicited_only_when_the_hub_accepted_it() -> None:
    found = books(city=rules("solicited = 7\n", points="[points.city]\ndaily = 3\n"))
    adopted, (progress, closure) = decided(1, item(11)), answered(2, 11)
    plain = ledger([adopted, progress], found)
    assert [entry.rule for entry in plain] == ["points.city.daily"]
    accepted = ledger([adopted, progress, closure], found)
    assert [(entry.rule, entry.points) for entry in accepted] == [
        ("points.city.daily", 3),
        ("points.city.solicited", 7),
    ]
    (foreign,) = [each for each in answered(2, 11, hub=PROVINCE) if each.level is not None]
    assert ledger([adopted, progress, foreign], found) == plain, "by the hub that was answered"


def test_a_reversal_takes_back_all_in_its_own_month() -> None:
    joint = decided(1, item(11, COUNTY, "0.4"), item(12, OTHER, "0.6"))
    rows = ledger([joint, reversed_(2, 1, when=at(4))], PLAIN)
    assert sum(row.points for row in rows) == 0
    assert {(row.month, row.items) for row in rows} == {("2026-03", 1), ("2026-04", -1)}
    assert {row.reverses for row in rows if row.items < 0} == {row.id for row in rows if row.items > 0}


def test_taking_back_the_selection_takes_back_what_was_earned_through_it() -> None:
    facts = [selected(1, item(11), sent_as=91), decided(2, item(91, CITY), hub=PROVINCE), reversed_(3, 1)]
    assert sum(row.points for row in ledger(facts, books(city=UP))) == 0
    either = [*facts, reversed_(4, 2, hub=PROVINCE, when=at(5))]
    assert sum(row.points for row in ledger(either, books(city=UP))) == 0, "both taken back, once"


def test_only_the_hub_that_decided_may_reverse_and_a_reversal_stays_reversed() -> None:
    adopted = decided(1, item(11))
    assert len(ledger([adopted, reversed_(2, 1, hub=PROVINCE)], PLAIN)) == 1
    rows = ledger([adopted, reversed_(2, 1), reversed_(3, 2)], PLAIN)
    assert sum(row.points for row in rows) == 0


def test_of_two_reversals_the_earliest_stands_whichever_came_first() -> None:
    adopted, early, late = decided(1, item(11)), reversed_(2, 1, when=at(4)), reversed_(3, 1, when=at(5))
    rows = set(ledger([late, adopted, early], PLAIN))
    assert set(ledger([adopted, late], PLAIN)) < rows
    assert set(ledger([adopted, early], PLAIN)) < rows
    assert {month: sum(row.points for row in rows if row.month == month) for month in ("2026-04", "2026-05")} == {
        "2026-04": -3,
        "2026-05": 0,
    }


@settings(max_examples=200, deadline=None)
@given(histories(), rule_sets(), rule_sets(), st.data())
def test_any_order_repetition_and_batches_give_the_same_ledger_which_only_grows(
    history: list[Fact], city: RuleSet, province: RuleSet, data: st.DataObject
) -> None:
    found = books(city=city, province=province)
    whole = ledger(history, found)
    assert len({row.id for row in whole}) == len(whole)
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=5))
    arrivals = data.draw(st.permutations([*history, *repeated]))
    known: list[Fact] = []
    appended: dict[UUID, Entry] = {}
    while len(known) < len(arrivals):
        batch = arrivals[len(known) : len(known) + data.draw(st.integers(min_value=1, max_value=4))]
        known += batch
        state = Known(known, found)
        for fact in batch:
            for row in entries_of(fact, state):
                assert appended.setdefault(row.id, row) == row
        assert set(ledger_of(state)) == set(appended.values())
    assert set(appended.values()) == set(whole)


@settings(max_examples=100, deadline=None)
@given(histories(), rule_sets())
def test_a_neighbourhood_is_enough(history: list[Fact], city: RuleSet) -> None:
    """What a store loads for an arrival: the facts that ids lead to, and nothing else."""
    found = books(city=city)
    near = {history[-1].event.id: history[-1]}
    while True:
        refs = {ref for fact in near.values() for ref in refs_of(fact)}
        more = {fact.event.id: fact for fact in history if refs & refs_of(fact)}
        if more.keys() == near.keys():
            break
        near = more
    whole, part = Known(history, found), Known(near.values(), found)
    assert set(entries_of(history[-1], part)) == set(entries_of(history[-1], whole))
    assert set(ledger_of(part)) <= set(ledger_of(whole))


@settings(deadline=None)
@given(histories(), rule_sets(), rule_sets())
def test_no_entry_without_a_share_and_no_item_of_half(history: list[Fact], city: RuleSet, province: RuleSet) -> None:
    for row in ledger(history, books(city=city, province=province)):
        assert 0 < row.share <= 1
        assert row.items in (1, 0, -1)
        assert row.points == round(row.points, 4)
        assert row.hub in (CITY, PROVINCE)
