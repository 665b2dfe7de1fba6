"""报送要点: months, numbers, whom a hub asks, and which words name a point."""

from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.limits import MAX_ITEMS
from proto.messages import KeyPoint, KeyPoints, UnitClass
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.key_points import asked, check_month, month_named, numbered, references, said_within
from services.kit.calendar import CHINA
from services.kit.trust.units import listed_under
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import fixed_world

NOW = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)  # the last second of November in China


def message(*numbers: int, hub: str = PROVINCE, month: str = "2026-11") -> KeyPoints:
    points = tuple(KeyPoint(number=number, text="【样例】要点") for number in numbers)
    return KeyPoints(id=UUID(int=1), origin=hub, to=(SUZHOU,), sent_at=NOW, month=month, points=points)


@pytest.mark.parametrize(("month", "good"), [
    ("2026-10", False), ("2026-11", True), ("2026-12", True), ("2027-11", True), ("2027-12", False),
    ("0000-01", False), ("9999-12", False),
])  # fmt: skip
def test_this_month_or_one_of_the_next_twelve(month: str, good: bool) -> None:  # noqa: FBT001
    if good:
        check_month(month, NOW)
    else:
        with pytest.raises(DecisionError) as refused:
            check_month(month, NOW)
        assert refused.value.code == "key_points.month"


def test_the_month_is_chinas() -> None:
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    check_month("2027-12", midnight)
    with pytest.raises(DecisionError):
        check_month("2026-11", midnight)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)), st.integers(0, 12))  # noqa: DTZ001
def test_what_may_be_said_is_found_again(now: datetime, ahead: int) -> None:
    day = now.astimezone(CHINA)
    number = day.year * 12 + day.month - 1 + ahead
    month = f"{number // 12}-{number % 12 + 1:02}"
    check_month(month, now)
    since, until = said_within(month)
    assert since <= now < until


@given(st.lists(st.integers(1, 5), max_size=8))
def test_a_number_is_given_once(sizes: list[int]) -> None:
    said: list[KeyPoints] = []
    for size in sizes:
        points = numbered(["【样例】要点"] * size, said)
        said.append(message(*(point.number for point in points)))
    numbers = [point.number for each in said for point in each.points]
    assert numbers == list(range(1, sum(sizes) + 1))
    assert len(set(references(said))) == len(numbers)
    assert all(len(numbered(["要"], said)) == 1 and numbered(["要"], said)[0].number > n for n in numbers)


def test_numbers_run_on_whatever_the_order_of_what_was_said() -> None:
    assert [p.number for p in numbered(["甲", "乙"], [message(4, 5), message(1, 2, 3)])] == [6, 7]
    assert all(b.number == a.number + 1 for a, b in pairwise(numbered(["甲"] * 9, [])))


def test_a_month_has_its_bound() -> None:
    assert numbered(["末"], [message(MAX_ITEMS - 1)])[0].number == MAX_ITEMS
    for count, before in ((1, [message(MAX_ITEMS)]), (2, [message(MAX_ITEMS - 1)]), (MAX_ITEMS + 1, [])):
        with pytest.raises(DecisionError) as refused:
            numbered(["多"] * count, before)
        assert refused.value.code == "key_points.too_many"


def test_whom_a_hub_asks() -> None:
    state = fixed_world().state
    province, city = listed_under(PROVINCE, state), listed_under(SUZHOU, state)
    assert asked(province, classes=(), units=()) == tuple(
        sorted((SUZHOU, WUXI, KUNSHAN, JIANGYIN, REFORM, FARMING, BEIJING))
    )
    assert asked(province, classes=(UnitClass.DIRECT_REPORT,), units=()) == (JIANGYIN, KUNSHAN)
    assert asked(province, classes=(UnitClass.CITY, UnitClass.LIAISON), units=()) == (BEIJING, WUXI, SUZHOU)
    assert asked(province, classes=(UnitClass.LIAISON,), units=(REFORM, REFORM)) == (REFORM, BEIJING)
    assert asked(city, classes=(UnitClass.COUNTY,), units=()) == (ZHANGJIAGANG, KUNSHAN) == asked(city, classes=(), units=())  # fmt: skip
    for listed, classes, units, code in (
        (province, (UnitClass.COUNTY,), (), "key_points.nobody"), (city, (UnitClass.DIRECT_REPORT,), (), "key_points.nobody"),
        ({}, (), (), "key_points.nobody"), (province, (), (ZHANGJIAGANG,), "key_points.unit"),
        (city, (), (JIANGYIN,), "key_points.unit"), (city, (UnitClass.COUNTY,), (SUZHOU,), "key_points.unit"),
    ):  # fmt: skip
        with pytest.raises(DecisionError) as refused:
            asked(listed, classes=classes, units=units)
        assert refused.value.code == code


def test_a_points_name_is_hub_month_and_number() -> None:
    assert message(3).reference(3) == "320000/2026-11/3"
    assert references([message(1, 2, hub=SUZHOU)]) == ["320500/2026-11/1", "320500/2026-11/2"]
    assert all(month_named(each) == "2026-11" for each in references([message(*range(1, 30))]))


@pytest.mark.parametrize("answers", [
    " 320000/2026-11/3", "320000/2026-11/03\n", "３２００００／２０２６－１１／３", "320000-fgw/2026-11/0",
])  # fmt: skip
def test_what_is_meant_as_a_name_has_its_form(answers: str) -> None:
    assert month_named(answers) == "2026-11"


@pytest.mark.parametrize("answers", [
    "", "省政府2026年1号文件", "key_points:2026-11-01", "solicitation:2026-11-YG01", "见320000/2026-11/3", "320000/2026-13/3",
    "320000/1999-11/3", "320000/2026-11/", "320000/2026-11/3、4", "2026-11/3",
])  # fmt: skip
def test_other_words_name_no_point(answers: str) -> None:
    assert month_named(answers) is None
