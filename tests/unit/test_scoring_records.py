"""Obligations, direct-report points, commendations: each a proposal or a calendar on the record."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from proto.messages import ResearchClass, Standing, UnitClass
from services.scoring.domain.awards import nominate, off_year, years_of
from services.scoring.domain.obligations import Handed, Obligation, Owing, State, calendar, missed
from services.scoring.domain.standing import Proposal, Record, propose
from tests.world import FARMING, JIANGYIN, KUNSHAN, REFORM, SUZHOU, ZHANGJIAGANG

TERMS = {
    "research": {"economic": 1, "direct_report": 2},
    "adopted": {"department": 1, "city": 6},
    "points": {"direct_report": 30},
    "staff": {"direct_report": 2},
}


def owing(unit: str, unit_class: UnitClass, **fields: object) -> Owing:
    return Owing(unit=unit, unit_class=unit_class, **fields)  # type: ignore[arg-type]


def lines_of(unit: Owing, *handed: Handed, over: bool = True) -> dict[str, Obligation]:
    return {line.code: line for line in calendar([unit], handed, TERMS, over=over)}


@pytest.mark.parametrize(
    ("handed", "over", "state", "done"),
    [
        ([], False, State.DUE, 0),
        ([], True, State.MISSED, 0),
        ([{}], False, State.DUE, 0),
        ([{}], True, State.MISSED, 0),
        ([{}, {}], False, State.SENT, 0),
        ([{}, {}], True, State.SENT, 0),
        ([{"adopted": True}, {}], True, State.SENT, 1),
        ([{"adopted": True}, {"adopted": True}], False, State.MET, 2),
        ([{"declined": True}, {"declined": True}], True, State.NOT_ACCEPTED, 0),
        ([{"declined": True}, {"adopted": True}], True, State.NOT_ACCEPTED, 1),
        ([{"declined": True}, {"adopted": True}], False, State.DUE, 1),
        ([{"declined": True}, {"adopted": True}, {"adopted": True}], True, State.MET, 2),
        ([{"adopted": True, "declined": True}, {"adopted": True}], True, State.MET, 2),
    ],
)
def test_research_is_owed_sent_accepted_or_missed(
    handed: list[dict[str, bool]],
    over: bool,  # noqa: FBT001
    state: State,
    done: int,
) -> None:
    line = lines_of(
        owing(KUNSHAN, UnitClass.DIRECT_REPORT), *(Handed(unit=KUNSHAN, **each) for each in handed), over=over
    )["research"]
    assert (line.owed, line.sent, line.done, line.state) == (2, len(handed), done, state)


def test_the_class_of_research_goes_before_the_class_of_unit() -> None:
    assert lines_of(owing(REFORM, UnitClass.DEPARTMENT, research_class=ResearchClass.ECONOMIC)).keys() == {
        "research",
        "adopted",
    }
    assert lines_of(owing(FARMING, UnitClass.DEPARTMENT, research_class=ResearchClass.FUNCTIONAL)).keys() == {"adopted"}


def test_items_points_and_staff_are_counted() -> None:
    point = owing(KUNSHAN, UnitClass.DIRECT_REPORT, points=Decimal("29.5"), staff=2)
    lines = lines_of(point)
    assert (lines["points"].state, lines["points"].done) == (State.MISSED, Decimal("29.5"))
    assert lines["staff"].state is State.MET
    assert lines["points"].sent is None
    assert lines_of(owing(SUZHOU, UnitClass.CITY, adopted=6))["adopted"].state is State.MET


def test_joint_research_counts_for_each_unit_that_owes_it() -> None:
    units = [
        owing(KUNSHAN, UnitClass.DIRECT_REPORT),
        owing(REFORM, UnitClass.DEPARTMENT, research_class=ResearchClass.ECONOMIC),
        owing(FARMING, UnitClass.DEPARTMENT, research_class=ResearchClass.FUNCTIONAL),
    ]

    def found(*handed: Handed) -> dict[str, tuple[int | None, int, State]]:
        lines = [line for line in calendar(units, handed, TERMS, over=True) if line.code == "research"]
        assert len({line.unit for line in lines}) == len(lines)
        return {line.unit: (line.sent, int(line.done), line.state) for line in lines}

    one = Handed(unit=SUZHOU, joint=(KUNSHAN, REFORM, FARMING))
    assert found(one) == {KUNSHAN: (1, 0, State.MISSED), REFORM: (1, 0, State.SENT)}, "the third owes none"
    other = replace(one, unit=KUNSHAN, joint=(REFORM,), adopted=True)
    assert found(one, other) == {KUNSHAN: (2, 1, State.SENT), REFORM: (2, 1, State.MET)}
    refused = replace(one, declined=True)
    assert found(refused) == {KUNSHAN: (1, 0, State.MISSED), REFORM: (1, 0, State.NOT_ACCEPTED)}
    assert found(replace(refused, unit=REFORM, joint=(REFORM,)))[REFORM][0] == 1, "none counts twice"


def test_a_missing_unit_is_listed_once_for_each_code() -> None:
    units = [owing(KUNSHAN, UnitClass.DIRECT_REPORT, staff=2), owing(REFORM, UnitClass.DEPARTMENT, adopted=1)]
    handed = [Handed(unit=KUNSHAN, declined=True)] * 3
    lines = calendar(units, handed, TERMS, over=True)
    assert len({(line.unit, line.code) for line in lines}) == len(lines)
    assert missed(lines) == {KUNSHAN: ("research", "points")}
    assert calendar(units, handed, {}, over=True) == []


def record(unit: str, points: str, *, direct: bool = False, city_points: str = "0", **fields: object) -> Record:
    known: dict[str, object] = {"adopted": 1, "missed": 0, "staff": 2} | fields
    return Record(
        unit=unit,
        name="",
        city=SUZHOU,
        direct=direct,
        points=Decimal(points),
        city_points=Decimal(city_points),
        **known,
    )  # type: ignore[arg-type]


def steps(proposals: list[Proposal]) -> dict[str, tuple[Standing | None, str | None]]:
    return {each.record.unit: (each.step, each.replaces) for each in proposals}


def test_a_point_that_fails_is_warned_then_revoked_and_replaced_by_the_best_county() -> None:
    counties = [
        record(KUNSHAN, "80", direct=True),
        record(JIANGYIN, "5", direct=True, missed=3),
        record(ZHANGJIAGANG, "0", city_points="40"),
        record("320581", "0", city_points="30"),
    ]
    assert steps(propose(counties)) == {
        KUNSHAN: (None, None),
        JIANGYIN: (Standing.WARNED, None),
        ZHANGJIAGANG: (None, None),
        "320581": (None, None),
    }
    counties[1] = record(JIANGYIN, "5", direct=True, missed=3, warned=True)
    proposals = propose(counties)
    assert steps(proposals)[JIANGYIN] == (Standing.REVOKED, None)
    assert steps(proposals)[ZHANGJIAGANG] == (Standing.DESIGNATED, JIANGYIN)
    assert [each.rank for each in proposals] == [1, 2, 3, 4]
    assert steps(propose(counties, tolerated=3))[JIANGYIN] == (None, None)


def test_no_staff_no_designation() -> None:
    counties = [record(ZHANGJIAGANG, "0", city_points="90", staff=1), record("320581", "0", city_points="3")]
    proposals = propose(counties, places=2)
    assert steps(proposals) == {ZHANGJIAGANG: (None, None), "320581": (Standing.DESIGNATED, None)}
    assert "不得设立" in proposals[0].zh
    assert steps(propose([record(KUNSHAN, "80", direct=True, staff=1)]))[KUNSHAN] == (Standing.WARNED, None)


def test_a_county_that_earned_nothing_is_not_proposed() -> None:
    assert steps(propose([record(ZHANGJIAGANG, "0")], places=1)) == {ZHANGJIAGANG: (None, None)}


def test_the_best_of_each_class_are_nominated_on_all_their_years() -> None:
    classes = {
        SUZHOU: UnitClass.CITY,
        REFORM: UnitClass.DEPARTMENT,
        FARMING: UnitClass.DEPARTMENT,
        KUNSHAN: UnitClass.COUNTY,
    }
    totals = {2024: {REFORM: Decimal(9), FARMING: Decimal(2)}, 2025: {FARMING: Decimal(8), SUZHOU: Decimal(1)}}
    nominees = nominate(totals, classes, {FARMING: ("【样例】",)}, places=1)
    assert [(each.unit, each.rank, each.points, each.people) for each in nominees] == [
        (SUZHOU, 1, 1, ()),
        (FARMING, 1, 10, ("【样例】",)),
    ]
    assert nominees[1].by_year == {2024: 2, 2025: 8}
    assert len(nominate(totals, classes, {}, places=2)) == 3, "who has no points is not commended"


def test_every_second_year() -> None:
    assert list(years_of(2025, 2)) == [2024, 2025]
    assert off_year(2025, []) is None
    assert off_year(2025, [2023, 2021]) is None
    assert off_year(2025, [2024]) == 2024
    assert off_year(2022, [2025]) == 2025
