"""Bulletins: when there may be one, what it states, and that a year's bulletins add up to the year."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proto import codec
from proto.limits import MAX_ENVELOPE_BYTES
from proto.messages import BulletinContent, BulletinType, Commendation, Level, UnitClass
from services.scoring.domain.bulletin import (
    Head,
    Issued,
    Roll,
    check_period,
    draft_month,
    draft_year,
    lines_left_out,
    stated,
)
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.ranking import ranks
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.rules import Base, RuleBook, RuleSet
from services.scoring.domain.settlement import settle
from services.scoring.domain.weighing import UnfitError
from tests.world import FARMING, PROVINCE, REFORM, SUZHOU

RULES = RuleSet(
    version="v1",
    title="【样例】",
    title_en="sample",
    effective_from=date(2026, 1, 1),
    points={Level.PROVINCE: {"daily": Decimal(3)}},
)
BOOK = RuleBook([RULES])
CLASSES = {SUZHOU: UnitClass.CITY, REFORM: UnitClass.DEPARTMENT, FARMING: UnitClass.DEPARTMENT}
ROLL = Roll(hub=PROVINCE, level=Level.PROVINCE, classes=CLASSES)
MONTHS = [f"2026-{number:02}" for number in range(1, 13)]


def entry(number: int, unit: str, month: str, points: str, *, reverses: Entry | None = None) -> Entry:
    return Entry(
        id=UUID(int=number),
        event=UUID(int=1000 + number),
        report=reverses.report if reverses else UUID(int=5000 + number),
        unit=unit,
        hub=PROVINCE,
        level=Level.PROVINCE,
        month=month,
        at=datetime(int(month[:4]), int(month[5:]), 10, tzinfo=UTC),
        series="daily",
        issue="1",
        kind=Kind.ADOPTED,
        items=-1 if reverses else 1,
        points=Decimal(points),
        rule_version="v1",
        rule="points.province.daily",
        reverses=reverses.id if reverses else None,
    )


def issued(number: int, content: BulletinContent) -> Issued:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Issued(id=UUID(int=number), hub=PROVINCE, sent_at=at, content=content)


def draft(entries: Sequence[Entry], month: str, before: Sequence[Issued]) -> BulletinContent:
    return draft_month(ROLL, month, settle(entries, BOOK, month, CLASSES), before, {})


def said(type: BulletinType, period: str) -> Head:
    return Head(id=UUID(int=1), type=type, period=period)


@pytest.mark.parametrize(
    ("type", "period", "before", "refusal"),
    [
        (BulletinType.MONTHLY, "2026", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.MONTHLY, "2026-13", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.MONTHLY, "2026-1", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.MONTHLY, "0000-01", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.YEARLY, "2025-01", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.COMMENDATION, "2024-2025", [], Refusal.BULLETIN_PERIOD),
        (BulletinType.MONTHLY, "2026-11", [], Refusal.BULLETIN_OPEN),
        (BulletinType.MONTHLY, "2026-12", [], Refusal.BULLETIN_OPEN),
        (BulletinType.YEARLY, "2026", [], Refusal.BULLETIN_OPEN),
        (BulletinType.COMMENDATION, "2026", [], Refusal.BULLETIN_OPEN),
        (BulletinType.MONTHLY, "2026-10", [(BulletinType.MONTHLY, "2026-10")], Refusal.BULLETIN_TWICE),
        (BulletinType.YEARLY, "2025", [(BulletinType.YEARLY, "2025")], Refusal.BULLETIN_TWICE),
        (BulletinType.MONTHLY, "2026-09", [(BulletinType.MONTHLY, "2026-10")], Refusal.BULLETIN_PASSED),
        (BulletinType.MONTHLY, "2025-12", [(BulletinType.YEARLY, "2025")], Refusal.BULLETIN_PASSED),
        (BulletinType.COMMENDATION, "2025", [(BulletinType.COMMENDATION, "2024")], Refusal.OFF_YEAR),
        (BulletinType.COMMENDATION, "2023", [(BulletinType.COMMENDATION, "2024")], Refusal.OFF_YEAR),
    ],
)
def test_what_may_not_be_stated_now(
    type: BulletinType, period: str, before: list[tuple[BulletinType, str]], refusal: Refusal
) -> None:
    with pytest.raises(UnfitError) as caught:
        check_period(type, period, date(2026, 11, 30), [said(*each) for each in before], every=2)
    assert caught.value.why is refusal
    assert refusal.zh
    assert refusal.en


def test_what_may_be_stated_now() -> None:
    today = date(2026, 12, 1)
    check_period(BulletinType.MONTHLY, "2026-11", today, [said(BulletinType.MONTHLY, "2026-10")], every=2)
    check_period(BulletinType.MONTHLY, "2025-11", today, [said(BulletinType.MONTHLY, "2026-10")], every=2)
    check_period(BulletinType.COMMENDATION, "2025", today, [said(BulletinType.COMMENDATION, "2023")], every=2)
    check_period(BulletinType.COMMENDATION, "2025", today, [said(BulletinType.COMMENDATION, "2024")], every=None)


def test_a_later_reversal_appears_as_a_correction_of_the_next_bulletin() -> None:
    one, two = entry(1, REFORM, "2026-01", "3"), entry(2, REFORM, "2026-02", "3")
    january = issued(1, draft([one], "2026-01", []))
    february = draft([one, two, entry(3, REFORM, "2026-02", "-3", reverses=one)], "2026-02", [january])
    line = next(each for each in february.lines if each.unit == REFORM)
    assert (line.points, line.corrections, line.year_points, line.adopted) == (3, -3, 3, 1)
    assert [item.points for item in line.items] == [3]
    assert january.content.lines[1].points == 3, "what was stated stays"


def test_a_month_never_stated_appears_in_the_next_one() -> None:
    entries = [entry(1, SUZHOU, "2026-01", "3"), entry(2, SUZHOU, "2026-03", "3")]
    line = draft(entries, "2026-03", []).lines[0]
    assert (line.points, line.corrections, line.year_points) == (3, 3, 6)


def test_classes_ranks_and_details() -> None:
    entries = [entry(1, FARMING, "2026-01", "3"), entry(2, REFORM, "2026-01", "3"), entry(3, SUZHOU, "2026-01", "3")]
    content = draft_month(ROLL, "2026-01", settle(entries, BOOK, "2026-01", CLASSES), [], {REFORM: ("research",)})
    assert [(each.unit, each.rank) for each in content.lines] == [(SUZHOU, 1), (REFORM, 1), (FARMING, 1)]
    assert content.lines[1].missed == ("research",)
    assert content.lines[0].items[0].rule == "v1/points.province.daily"
    assert content.rules == ("v1",)
    assert "2026年1月" in content.text
    assert codec.encode(content)


def test_base_points_have_a_line_of_their_own() -> None:

    book = RuleBook([replace(RULES, base={"department": Base(month=Decimal(10), cap=Decimal(12))})])
    settled = settle([entry(1, REFORM, "2026-01", "3")], book, "2026-01", CLASSES)
    line = next(each for each in draft_month(ROLL, "2026-01", settled, [], {}).lines if each.unit == REFORM)
    assert (line.points, sum(item.points for item in line.items)) == (12, 12)
    assert sorted(item.rule for item in line.items) == ["v1/base.cap", "v1/base.month", "v1/points.province.daily"]


def test_details_are_left_out_where_they_would_not_fit_into_one_message() -> None:
    entries = [entry(number, (SUZHOU, REFORM, FARMING)[number % 3], "2026-01", "3") for number in range(1, 9000)]
    content = draft(entries, "2026-01", [])
    assert lines_left_out(content)
    assert len(codec.encode(content)) < MAX_ENVELOPE_BYTES
    assert content.lines[0].points == 3000 * 3 - 3
    assert "积分台账" in content.text


@settings(deadline=None)  # twelve settlements each
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(CLASSES)), st.integers(0, 11), st.integers(0, 11), st.booleans()), max_size=40
    ),
    st.sets(st.sampled_from(MONTHS)),
)
def test_twelve_bulletins_add_up_to_the_year(made: list[tuple[str, int, int, bool]], skipped: set[str]) -> None:
    """Whatever comes late, whatever is taken back when, whichever months were never stated (but the last)."""
    arrivals: list[tuple[int, Entry]] = []
    for number, (unit, month, late, back) in enumerate(made):
        one = entry(2 * number + 1, unit, MONTHS[month], "3")
        arrivals.append((max(month, late), one))
        if back:
            at = max(month, late)
            arrivals.append((at, entry(2 * number + 2, unit, MONTHS[at], "-3", reverses=one)))
    before: list[Issued] = []
    for number, month in enumerate(MONTHS):
        known = [each for at, each in arrivals if at <= number]
        if month not in skipped or number == 11:
            before.append(issued(number, draft(known, month, before)))
    settled = settle([each for _, each in arrivals], BOOK, "2026-12", CLASSES)
    for unit in CLASSES:
        assert stated(before, "2026").get(unit, Decimal(0)) == settled.year_points(unit)
    year = draft_year(ROLL, "2026", settled, before)
    assert all(line.corrections == 0 and line.points == line.year_points for line in year.lines)


def test_the_year_states_what_came_after_december() -> None:
    one = entry(1, REFORM, "2026-12", "3")
    before = [issued(1, draft([], "2026-12", []))]
    line = next(
        each
        for each in draft_year(ROLL, "2026", settle([one], BOOK, "2026-12", CLASSES), before).lines
        if each.unit == REFORM
    )
    assert (line.points, line.corrections, line.year_points, line.adopted) == (0, 3, 3, 1)


def test_equal_points_share_a_rank() -> None:
    points = {SUZHOU: Decimal(1), REFORM: Decimal(5), FARMING: Decimal(5), "320000-gxt": Decimal(2)}
    classes = {**CLASSES, "320000-gxt": UnitClass.DEPARTMENT}
    assert ranks(points, classes) == {SUZHOU: 1, REFORM: 1, FARMING: 1, "320000-gxt": 3}


def test_a_commendation_of_a_unit_itself_can_be_read() -> None:
    commended = (Commendation(unit=REFORM, title="【样例】"),)
    content = BulletinContent(
        type=BulletinType.COMMENDATION, period="2025", lines=(), commended=commended, rules=(), text="【样例】"
    )
    assert msgspec.json.decode(codec.encode(content), type=BulletinContent) == content
