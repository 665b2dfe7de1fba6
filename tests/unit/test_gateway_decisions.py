"""What a hub may decide (Art. 13)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.messages import PublicationRef, Verdict
from services.gateway.domain.decisions import DecisionError, check_decision
from services.kit.ids import new_id
from tests.places import KUNSHAN, REFORM

ISSUE = PublicationRef(series="daily", issue="1")
A, B, STRANGER = new_id(), new_id(), new_id()
ORIGINS = {A: KUNSHAN, B: REFORM}
ONE, HALF = Decimal(1), Decimal("0.5")


def check(verdict: Verdict, *shares: Any, **changes: Any) -> Any:
    fields: dict[str, Any] = {"origins": ORIGINS, "decided": frozenset(), "publication": None, "reason": ""}
    return check_decision(verdict, shares, **(fields | changes))


def test_adopted() -> None:
    (item,) = check(Verdict.ADOPTED, (A, ONE), publication=ISSUE)
    assert (item.report, item.origin, item.share) == (A, KUNSHAN, ONE)


def test_merged() -> None:
    items = check(Verdict.MERGED, (A, Decimal("0.3")), (B, Decimal("0.7")), publication=ISSUE)
    assert [(i.origin, i.share) for i in items] == [(KUNSHAN, Decimal("0.3")), (REFORM, Decimal("0.7"))]


@pytest.mark.parametrize("verdict", [Verdict.RETURNED, Verdict.DECLINED])
def test_returned_and_declined_need_a_reason_and_no_issue(verdict: Verdict) -> None:
    assert len(check(verdict, (A, ONE), reason="内容过时")) == 1
    for code, changes in (
        ("decision.no_reason", {}),
        ("decision.no_reason", {"reason": " \n"}),
        ("decision.publication", {"reason": "x", "publication": ISSUE}),
    ):
        with pytest.raises(DecisionError) as wrong:
            check(verdict, (A, ONE), **changes)
        assert wrong.value.code == code


@pytest.mark.parametrize(
    ("code", "verdict", "shares", "changes"),
    [
        ("item_twice", Verdict.MERGED, [(A, HALF), (A, HALF)], {"publication": ISSUE}),
        ("unknown_item", Verdict.ADOPTED, [(STRANGER, ONE)], {"publication": ISSUE}),
        ("already_decided", Verdict.ADOPTED, [(A, ONE)], {"publication": ISSUE, "decided": frozenset({A})}),
        ("in_issue", Verdict.ADOPTED, [(A, ONE)], {"publication": ISSUE, "held": {A: "daily 2026-012"}}),
        ("in_issue", Verdict.DECLINED, [(A, ONE)], {"reason": "x", "held": {A: "daily 2026-012"}}),
        ("reversal", Verdict.REVERSED, [(A, ONE)], {"reason": "x"}),
        ("no_publication", Verdict.ADOPTED, [(A, ONE)], {}),
        ("no_publication", Verdict.ADOPTED, [(A, ONE)], {"publication": PublicationRef(series="daily", issue="")}),
        ("no_publication", Verdict.ADOPTED, [(A, ONE)], {"publication": PublicationRef(series="", issue="1")}),
        ("one_item", Verdict.ADOPTED, [(A, HALF)], {"publication": ISSUE}),
        ("one_item", Verdict.ADOPTED, [(A, HALF), (B, HALF)], {"publication": ISSUE}),
        ("two_items", Verdict.MERGED, [(A, ONE)], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, HALF), (B, Decimal("0.4"))], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, Decimal(0)), (B, ONE)], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, Decimal(2)), (B, Decimal(-1))], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, Decimal("NaN")), (B, ONE)], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, Decimal("sNaN")), (B, ONE)], {"publication": ISSUE}),
        ("shares", Verdict.MERGED, [(A, Decimal("Infinity")), (B, ONE)], {"publication": ISSUE}),
        ("shares", Verdict.ADOPTED, [(A, Decimal("sNaN"))], {"publication": ISSUE}),
        ("no_items", Verdict.ADOPTED, [], {"publication": ISSUE}),
        ("shares", Verdict.DECLINED, [(A, Decimal(5))], {"reason": "x"}),
        ("shares", Verdict.DECLINED, [(A, Decimal("NaN"))], {"reason": "x"}),
        ("shares", Verdict.MERGED, [(A, Decimal("0.1") ** 20), (B, 1 - Decimal("0.1") ** 20)], {"publication": ISSUE}),
        ("no_items", Verdict.DECLINED, [], {"reason": "x"}),
        ("no_items", Verdict.RETURNED, [], {"reason": "x"}),
    ],
)
def test_refused(code: str, verdict: Verdict, shares: list[Any], changes: dict[str, Any]) -> None:
    with pytest.raises(DecisionError) as wrong:
        check(verdict, *shares, **changes)
    assert wrong.value.code == f"decision.{code}"
    assert wrong.value.zh
    assert wrong.value.en


@given(
    st.sampled_from(Verdict),
    st.lists(st.tuples(st.sampled_from([A, B, STRANGER]), st.decimals()), max_size=4),
    st.sampled_from([None, ISSUE]),
    st.sampled_from(["", "x"]),
)
def test_either_items_whose_credit_is_whole_or_a_named_error(
    verdict: Verdict, shares: list[Any], publication: PublicationRef | None, reason: str
) -> None:
    try:
        items = check(verdict, *shares, publication=publication, reason=reason)
    except DecisionError:
        return
    assert items
    assert all(0 <= item.share <= 1 for item in items)
    if verdict in {Verdict.ADOPTED, Verdict.MERGED}:
        assert sum(item.share for item in items) == 1
