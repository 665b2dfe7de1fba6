"""The ledger as a pure function of the set of decisions: entries, shares, reversals, any order of arrival."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proto.messages import DecidedItem, Decision, PublicationRef, Verdict
from services.scoring.domain.calendar import month_of
from services.scoring.domain.explain import explain
from services.scoring.domain.judging import UnscorableError, Why, check, wrong_reversal
from services.scoring.domain.ledger import Entry, Reversal, UnknownSeriesError, entries_for, reversal_entries
from services.scoring.domain.rules import Merged, RuleSet, Tier

RULES = RuleSet(
    id="example", version="1", title="样例", title_en="Example", effective_from=datetime(2026, 1, 1, tzinfo=UTC).date(),
    points={Tier.PROVINCE: {"daily": Decimal(3), "special": Decimal(10)}, Tier.CITY: {"daily": Decimal(2)}},
)  # fmt: skip
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
HUB, OTHER_HUB = "320000", "320500"


def item(number: int, share: str = "1", origin: str = "320583") -> DecidedItem:
    return DecidedItem(report=UUID(int=number), origin=origin, share=Decimal(share))


def decision(
    items: Sequence[DecidedItem],
    verdict: Verdict = Verdict.ADOPTED,
    *,
    id: int = 1,
    hub: str = HUB,
    series: str = "daily",
    about: int | None = None,
    sent_at: datetime = NOON,
) -> Decision:
    return Decision(
        id=UUID(int=id), origin=hub, to=(), sent_at=sent_at, about=UUID(int=about) if about is not None else None,
        verdict=verdict, items=tuple(items), publication=PublicationRef(series=series, issue="2026-327"), editor="editor",
    )  # fmt: skip


def ledger_of(decisions: Iterable[Decision]) -> set[Entry]:
    """The rows that follow from a set of decisions, through the functions that the store uses."""
    known = {each.id: each for each in decisions}
    rows: set[Entry] = set()
    for each in known.values():
        if each.verdict is Verdict.REVERSED:
            continue
        originals = entries_for(each, RULES, Tier.PROVINCE)
        reversals = [
            as_reversal(r, each) for r in known.values() if r.verdict is Verdict.REVERSED and r.about == each.id
        ]
        rightful = [r for r in reversals if wrong_reversal(r) is None]
        rows |= {*originals, *reversal_entries(originals, rightful)}
    return rows


def as_reversal(reversal: Decision, target: Decision) -> Reversal:
    return Reversal(
        id=reversal.id, hub=reversal.origin, digest=str(reversal.id), sent_at=reversal.sent_at,
        target=target.id, target_hub=target.origin, target_verdict=target.verdict,
    )  # fmt: skip


def test_an_adoption_earns_its_series_points() -> None:
    (entry,) = entries_for(decision([item(7)]), RULES, Tier.PROVINCE)
    assert (entry.points, entry.items, entry.rule, entry.month) == (3, 1, "points.province.daily", "2026-11")
    assert (entry.unit, entry.hub, entry.report) == ("320583", HUB, UUID(int=7))
    assert (entry.rule_set, entry.rule_version) == ("example", "1")


def test_a_merged_item_is_split_by_share_exactly() -> None:
    merged = decision([item(1, "0.4"), item(2, "0.3"), item(3, "0.3")], Verdict.MERGED)
    assert [e.points for e in entries_for(merged, RULES, Tier.PROVINCE)] == [
        Decimal("1.2"), Decimal("0.9"), Decimal("0.9"),
    ]  # fmt: skip


def test_a_merged_item_may_count_in_full_or_at_a_fixed_value() -> None:
    merged = decision([item(1, "0.4"), item(2, "0.6")], Verdict.MERGED)
    full = replace(RULES, merged=Merged.FULL)
    fixed = replace(RULES, merged=Merged.FIXED, merged_points={Tier.PROVINCE: Decimal("1.5"), Tier.CITY: Decimal(1)})
    assert [e.points for e in entries_for(merged, full, Tier.PROVINCE)] == [3, 3]
    entries = entries_for(merged, fixed, Tier.PROVINCE)
    assert [(e.points, e.rule) for e in entries] == [(Decimal("1.5"), "merged_points.province")] * 2
    (adopted,) = entries_for(decision([item(1)]), fixed, Tier.PROVINCE)
    assert adopted.points == 3


@pytest.mark.parametrize("verdict", [Verdict.RETURNED, Verdict.DECLINED, Verdict.REVERSED])
def test_what_is_not_adopted_earns_nothing(verdict: Verdict) -> None:
    assert entries_for(decision([item(1)], verdict), RULES, Tier.PROVINCE) == []


def test_a_publication_without_points_is_an_error() -> None:
    with pytest.raises(UnknownSeriesError, match=r"points\.city\.weekly"):
        entries_for(decision([item(1)], series="weekly"), RULES, Tier.CITY)


def test_the_month_is_that_of_jiangsu() -> None:
    last, first = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert (month_of(last), month_of(first)) == ("2026-11", "2026-12")
    assert last.isoformat() == "2026-11-30T15:59:59+00:00"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (decision([item(1), item(1)]), Why.ITEM_TWICE),
        (decision([item(1, "0.5"), item(2, "0.5")]), Why.SHARES),
        (decision([item(1, "0.5"), item(2, "0.4")], Verdict.MERGED), Why.SHARES),
        (decision([item(1, "0.3333"), item(2, "0.3333"), item(3, "0.3333")], Verdict.MERGED), Why.SHARES),
        (decision([item(1, "0"), item(2, "1")], Verdict.MERGED), Why.SHARES),
        (decision([item(1)], series=""), Why.NO_PUBLICATION),
        (replace(decision([item(1)]), publication=None), Why.NO_PUBLICATION),
        (decision([item(1)], Verdict.REVERSED), Why.REVERSES_NOTHING),
        (decision([item(1)], sent_at=datetime.min.replace(tzinfo=UTC)), Why.TIME),
        (decision([item(1)], sent_at=datetime.max.replace(tzinfo=UTC)), Why.TIME),
    ],
)
def test_an_ill_formed_decision_is_refused(wrong: Decision, why: Why) -> None:
    with pytest.raises(UnscorableError) as caught:
        check(wrong)
    assert caught.value.why is why
    assert why.zh
    assert why.en


def test_several_adopted_items_each_count_in_full() -> None:
    both = decision([item(1), item(2)])
    check(both)
    assert [e.points for e in entries_for(both, RULES, Tier.PROVINCE)] == [3, 3]


def test_a_reversal_takes_back_all_in_its_own_month() -> None:
    merged = decision([item(1, "0.4"), item(2, "0.6")], Verdict.MERGED)
    later = decision([item(1)], Verdict.REVERSED, id=2, about=1, sent_at=NOON + timedelta(days=30))
    rows = ledger_of([merged, later])
    assert sum(row.points for row in rows) == 0
    assert {(row.month, row.items) for row in rows} == {("2026-11", 1), ("2026-12", -1)}
    assert {row.reverses for row in rows if row.items < 0} == {row.id for row in rows if row.items > 0}


def test_only_the_hub_that_decided_may_reverse_and_a_reversal_stays_reversed() -> None:
    adopted = decision([item(1)])
    foreign = as_reversal(decision([item(1)], Verdict.REVERSED, id=2, hub=OTHER_HUB, about=1), adopted)
    assert (ignored := wrong_reversal(foreign)) is not None
    assert ignored.reason == Why.REVERSAL_FOREIGN
    again = as_reversal(
        decision([item(1)], Verdict.REVERSED, id=3, about=2), decision([item(1)], Verdict.REVERSED, id=2, about=1)
    )
    assert (ignored := wrong_reversal(again)) is not None
    assert ignored.reason == Why.REVERSAL_TWICE


def test_of_two_reversals_the_earliest_stands_whichever_came_first() -> None:
    adopted = decision([item(1)])
    early = decision([item(1)], Verdict.REVERSED, id=2, about=1, sent_at=NOON + timedelta(days=1))
    late = decision([item(1)], Verdict.REVERSED, id=3, about=1, sent_at=NOON + timedelta(days=31))
    rows = ledger_of([late, adopted, early])
    assert ledger_of([adopted, late]) < rows
    assert ledger_of([adopted, early]) < rows
    by_month = {month: sum(row.points for row in rows if row.month == month) for month in ("2026-11", "2026-12")}
    assert by_month == {"2026-11": 0, "2026-12": 0}


@st.composite
def histories(draw: st.DrawFn) -> list[Decision]:
    """Decisions of two hubs and reversals of them: rightful, foreign, repeated, of reversals, of nothing."""
    count = draw(st.integers(min_value=1, max_value=4))
    hours = st.integers(min_value=0, max_value=24 * 60).map(lambda n: NOON + timedelta(hours=n))
    found = []
    for number in range(count):
        merged = draw(st.booleans())
        items = [item(2 * number, "0.4"), item(2 * number + 1, "0.6")] if merged else [item(2 * number)]
        verdict = Verdict.MERGED if merged else draw(st.sampled_from([Verdict.ADOPTED, Verdict.RETURNED]))
        hub = draw(st.sampled_from([HUB, OTHER_HUB]))
        found.append(decision(items, verdict, id=number, hub=hub, sent_at=draw(hours)))
    for number in range(draw(st.integers(min_value=0, max_value=5))):
        about = draw(st.integers(min_value=0, max_value=count + number))
        hub = draw(st.sampled_from([HUB, OTHER_HUB]))
        found.append(
            decision([item(0)], Verdict.REVERSED, id=count + number, hub=hub, about=about, sent_at=draw(hours))
        )
    return found


@given(histories(), st.data())
def test_any_order_and_number_of_deliveries_gives_the_same_ledger_which_only_grows(
    history: list[Decision], data: st.DataObject
) -> None:
    whole = ledger_of(history)
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=5))
    arrivals = data.draw(st.permutations([*history, *repeated]))
    appended: dict[UUID, Entry] = {}
    for known in range(1, len(arrivals) + 1):
        for row in ledger_of(arrivals[:known]):
            assert appended.setdefault(row.id, row) == row
    assert set(appended.values()) == whole
    for target in history:  # a decision counts once or, where rightfully reversed, not at all
        rows = [row for row in whole if row.report in {i.report for i in target.items}]
        assert all(sum(row.items for row in rows if row.report == i.report) in (0, 1) for i in target.items)


def test_the_explanation_can_be_checked_by_hand() -> None:
    merged = decision([item(1, "0.4"), item(2, "0.6")], Verdict.MERGED)
    back = decision([item(1)], Verdict.REVERSED, id=2, about=1)
    twice = decision([item(1)], Verdict.REVERSED, id=3, about=1)
    rows = [row for row in ledger_of([merged, back, twice]) if row.report == UUID(int=1)]
    texts = {(row.items, row.reverses is None): explain(row, RULES) for row in rows}
    assert "3 × 0.4 = 1.2 分" in texts[1, True][0]
    assert "3 × 0.4 = 1.2 points (rule example 1 points.province.daily)" in texts[1, True][1]
    assert texts[-1, False][1].startswith("takes back ")
    assert "does not count" in texts[1, False][1]
    assert "1.2 分" in explain(rows[0], None)[0]
