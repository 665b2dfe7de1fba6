"""A hub takes back an adjustment: whatever it did is undone, in any order, and what was stated is corrected."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from msgspec.structs import replace

from proto.messages import Decision, Level, UnitClass
from services.scoring.domain.bulletin import Issued, Roll, draft_month
from services.scoring.domain.judging import check, wrong_reversal
from services.scoring.domain.known import Fact, Known
from services.scoring.domain.ledger import entries_of, ledger_of
from services.scoring.domain.points import ZERO
from services.scoring.domain.settlement import settle
from services.scoring.domain.whys import Why
from tests.scoring_facts import (
    CITY,
    COUNTY,
    OTHER,
    PROVINCE,
    adjusted,
    at,
    books,
    decided,
    item,
    ledger,
    reversed_,
    rules,
    settled,
    totals,
    uid,
)

FOUND = books(
    city=rules("""
[deductions.late]
title = "逾期"
effect = "fixed"
points = 2
[deductions.untrue]
title = "失实"
effect = "percent"
percent = 50
[deductions.failed]
title = "未完成"
effect = "year"
[deductions.again]
title = "多次"
effect = "fixed"
points = 1
times = 2
""")
)
ADOPTED = [decided(1, item(11), when=at(1)), decided(2, item(12, OTHER), when=at(1), series="special")]
MADE = {
    "fixed": ({"rule": "late"}, "1"),
    "percentage": ({"rule": "untrue", "report": 11}, "1.5"),
    "withheld": ({"rule": "failed"}, "0"),
    "appeal": ({"rule": "appeal", "points": "-1.25"}, "1.75"),
    "appeal granted": ({"rule": "appeal", "points": "4"}, "7"),
}
BEFORE = {COUNTY: "3", OTHER: "10"}


def back(id: int, about: int, hub: str = CITY, **changes: object) -> Fact:
    """A reversal that names nothing but what it takes back."""
    fact = reversed_(id, about, hub=hub)
    return replace(fact, event=replace(fact.event, items=(), **changes))


@pytest.mark.parametrize("made", MADE)
def test_it_takes_back_all_that_an_adjustment_did_in_any_order_of_arrival(made: str) -> None:
    terms, left = MADE[made]
    facts = [*ADOPTED, adjusted(3, month="2026-01", when=at(1, 20), **terms)]  # type: ignore[arg-type]
    assert totals(facts, FOUND) == BEFORE | {COUNTY: left}
    whole = [*facts, back(4, 3, sent_at=at(3))]
    assert totals(whole, FOUND) == BEFORE
    for order in permutations(whole):
        rows = {row.id: row for n, each in enumerate(order, 1) for row in entries_of(each, Known(order[:n], FOUND))}
        assert set(rows.values()) == set(ledger_of(Known(whole, FOUND)))
    (line,) = [row for row in ledger(whole, FOUND) if row.reverses]
    assert (line.month, line.at, line.event, line.unit) == ("2026-01", at(3), uid(4), COUNTY)


@pytest.mark.parametrize("made", MADE)
def test_what_concerned_the_year_before_is_taken_back_there(made: str) -> None:
    """A percentage and a withheld year are worth nothing by themselves: only in their own year can they be undone."""
    terms, left = MADE[made]
    january = at(12) + timedelta(days=35)
    made_late = adjusted(3, month="2026-12", when=january, **terms)  # type: ignore[arg-type]
    assert totals([*ADOPTED, made_late], FOUND) == BEFORE | {COUNTY: left}
    whole = [*ADOPTED, made_late, back(4, 3, sent_at=january + timedelta(days=60))]
    assert totals(whole, FOUND) == BEFORE
    assert settled(whole, FOUND, through="2027-12").year_points(COUNTY) == 0


def test_what_was_taken_back_is_no_time_of_those_from_which_a_deduction_takes_effect() -> None:
    first, second = (adjusted(number, "again", month="2026-01", when=at(1, 20)) for number in (3, 4))
    assert totals([*ADOPTED, first, second], FOUND)[COUNTY] == "2"
    assert totals([*ADOPTED, first, second, back(5, 3)], FOUND) == BEFORE


def test_it_is_taken_back_once_and_what_took_it_back_stays() -> None:
    late = adjusted(3, "late", month="2026-01", when=at(1, 20))
    twice = [*ADOPTED, late, back(4, 3), back(5, 3, sent_at=at(6))]
    assert totals(twice, FOUND) == BEFORE
    assert totals([*ADOPTED, late, back(4, 3), back(5, 4)], FOUND) == BEFORE
    assert totals([*twice, adjusted(6, "late", month="2026-01", when=at(6))], FOUND) == BEFORE | {COUNTY: "1"}


def test_only_the_hub_that_adjusted_may_take_back() -> None:
    late = adjusted(3, "late", month="2026-01", when=at(1, 20))
    foreign = back(4, 3, hub=PROVINCE)
    assert totals([*ADOPTED, late, foreign], FOUND) == BEFORE | {COUNTY: "1"}
    assert isinstance(foreign.event, Decision)
    wrong = wrong_reversal(foreign.event, late, "digest")
    assert wrong is not None
    assert (wrong.reason, wrong.message, wrong.hub) == (Why.REVERSAL_FOREIGN, uid(4), PROVINCE)
    right = back(4, 3)
    assert isinstance(right.event, Decision)
    assert wrong_reversal(right.event, late, "digest") is None
    check(right.event)  # it needs no items


@pytest.mark.parametrize("made", MADE)
def test_a_month_stated_before_shows_it_as_a_correction(made: str) -> None:
    terms, left = MADE[made]
    roll = Roll(hub=CITY, level=Level.CITY, classes={COUNTY: UnitClass.COUNTY, OTHER: UnitClass.COUNTY})

    def line(facts: list[Fact], month: str, before: list[Issued]) -> tuple[Decimal, Decimal, Decimal]:
        content = draft_month(roll, month, settle(ledger(facts, FOUND), FOUND(CITY), month), before, {})
        issued.append(Issued(id=uid(99), hub=CITY, sent_at=at(12), content=content))
        (found,) = [each for each in content.lines if each.unit == COUNTY]
        return found.points, found.corrections, found.year_points

    issued: list[Issued] = []
    facts = [*ADOPTED, adjusted(3, month="2026-01", when=at(1, 20), **terms)]  # type: ignore[arg-type]
    worth = Decimal(left)
    assert line(facts, "2026-01", []) == (worth, ZERO, worth)
    assert line([*facts, back(4, 3, sent_at=at(2))], "2026-02", issued[:1]) == (ZERO, 3 - worth, Decimal(3))
