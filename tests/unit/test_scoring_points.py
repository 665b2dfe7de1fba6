"""Splitting points by shares: exact, and never more or less than the whole."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.points import plain, rounded, split


@st.composite
def shares(draw: st.DrawFn) -> list[Decimal]:
    places = draw(st.integers(min_value=1, max_value=18))
    whole = 10**places
    cuts = sorted(draw(st.sets(st.integers(min_value=1, max_value=whole - 1), max_size=min(20, whole - 1))))
    return [Decimal(b - a).scaleb(-places) for a, b in zip([0, *cuts], [*cuts, whole], strict=True)]


@given(shares(), st.integers(min_value=0, max_value=99_990_000).map(lambda n: Decimal(n).scaleb(-4)))
def test_parts_add_up_and_are_within_one_unit_of_exact(parts_of_one: list[Decimal], points: Decimal) -> None:
    parts = split(points, parts_of_one)
    assert sum(parts) == points
    for part, share in zip(parts, parts_of_one, strict=True):
        assert part == round(part, 4)
        assert part >= 0
        assert abs(part - points * share) < Decimal("0.0001") + Decimal("1e-20")


def test_the_left_over_goes_to_the_largest_remainder_then_to_the_earlier() -> None:
    third = [Decimal("0.333333"), Decimal("0.333333"), Decimal("0.333334")]
    assert split(Decimal(1), third) == [Decimal("0.3333"), Decimal("0.3333"), Decimal("0.3334")]
    even = [Decimal("0.25")] * 4
    assert split(Decimal("0.0002"), even) == [Decimal("0.0001"), Decimal("0.0001"), 0, 0]


def test_weights_need_not_add_up_to_one() -> None:
    assert split(Decimal(1), [Decimal(1)] * 3) == [Decimal("0.3334"), Decimal("0.3333"), Decimal("0.3333")]
    assert split(Decimal(3), [Decimal(1)] * 3) == [1, 1, 1]
    assert split(Decimal("0.7"), [Decimal("0.2")]) == [Decimal("0.7")]


def test_points_are_rounded_as_people_do() -> None:
    assert [str(rounded(Decimal(text))) for text in ("0.00005", "-0.00005", "1.00004")] == [
        "0.0001",
        "-0.0001",
        "1.0000",
    ]


def test_numbers_are_written_plainly() -> None:
    assert [str(plain(Decimal(text))) for text in ("3.0000", "0.9000", "100", "1E+2", "-1.5000", "0.0000")] == [
        "3", "0.9", "100", "100", "-1.5", "0",
    ]  # fmt: skip
