"""What of a message counts: who may say what, what is well-formed, and what is noted beside it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from proto.envelope import Envelope
from proto.messages import (
    Adjustment,
    AdjustmentLine,
    Closure,
    DecidedItem,
    Decision,
    Instruction,
    Level,
    Message,
    Notice,
    NoticeType,
    Progress,
    PublicationRef,
    Step,
    Verdict,
)
from services.scoring.domain.judging import Scored, judge, wrong_reversal
from services.scoring.domain.known import Fact
from services.scoring.domain.rules import RuleBook
from services.scoring.domain.weighing import Ignored, UnfitError, check_time
from services.scoring.domain.whys import Why
from tests.scoring_facts import rules
from tests.world import FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG, World, fixed_world

DEDUCTIONS = """
[deductions.late]
title = "逾期"
effect = "fixed"
points = 2
[deductions.untrue]
title = "失实"
effect = "percent"
percent = 50
"""
BOOK = RuleBook([rules(DEDUCTIONS, points="[points.city]\ndaily = 3\n[points.province]\ndaily = 3\n")])


@pytest.fixture(scope="module")
def world() -> World:
    return fixed_world()


def books(hub: str) -> RuleBook:
    return BOOK if hub in (PROVINCE, SUZHOU) else RuleBook()


def judged(world: World, message: Message, **seal: Any) -> Scored | Ignored:
    return judge(world.seal(message, message.origin, **seal).packed(), world.state, books)


def counted(world: World, message: Message) -> Scored:
    found = judged(world, message)
    assert isinstance(found, Scored), found
    return found


def ignored(world: World, message: Message) -> Ignored:
    found = judged(world, message)
    assert isinstance(found, Ignored), found
    return found


def decision(world: World, hub: str = SUZHOU, *units: str, **changes: Any) -> Decision:
    shares = [Decimal(1)] if len(units or [0]) == 1 else [Decimal(1) / 2] * 2
    items = tuple(
        DecidedItem(report=world.new_id(), origin=unit, share=share)
        for unit, share in zip(units or (KUNSHAN,), shares, strict=True)
    )
    fields: dict[str, Any] = {
        "id": world.new_id(), "origin": hub, "to": tuple(item.origin for item in items), "sent_at": world.now,
        "verdict": Verdict.ADOPTED if len(items) == 1 else Verdict.MERGED, "items": items, "editor": "editor",
        "publication": PublicationRef(series="daily", issue="7"),
    }  # fmt: skip
    return Decision(**(fields | changes))


def instruction(world: World, hub: str = SUZHOU, *, level: Level = Level.CITY, **changes: Any) -> Instruction:
    items = (DecidedItem(report=world.new_id(), origin=KUNSHAN, share=Decimal(1)),)
    fields: dict[str, Any] = {
        "id": world.new_id(), "origin": hub, "to": (KUNSHAN,), "sent_at": world.now, "level": level, "items": items,
        "leader": "【样例】", "rank": "【样例】", "text": "【样例】",
    }  # fmt: skip
    return Instruction(**(fields | changes))


def adjustment(world: World, *lines: AdjustmentLine, hub: str = SUZHOU) -> Adjustment:
    return Adjustment(
        id=world.new_id(), origin=hub, to=(KUNSHAN,), sent_at=world.now, lines=lines, person="lead", reason="【样例】"
    )


def line(rule: str = "late", **changes: Any) -> AdjustmentLine:
    fields: dict[str, Any] = {"unit": KUNSHAN, "month": "2026-11", "rule": rule}
    return AdjustmentLine(**(fields | changes))


def test_a_hubs_decision_is_a_fact_with_its_level(world: World) -> None:
    made = decision(world)
    found = counted(world, made)
    assert (found.fact, found.notes) == (Fact(event=made, level=Level.CITY), ())


def test_a_provinces_fact_knows_the_city_of_each_county(world: World) -> None:
    found = counted(world, decision(world, PROVINCE, KUNSHAN, REFORM))
    assert found.fact.level is Level.PROVINCE
    assert found.fact.homes == {KUNSHAN: SUZHOU}
    assert counted(world, instruction(world, PROVINCE, level=Level.NATIONAL)).fact.homes == {KUNSHAN: SUZHOU}


@pytest.mark.parametrize("verdict", [Verdict.RETURNED, Verdict.DECLINED])
def test_what_was_not_adopted_is_a_fact_too(world: World, verdict: Verdict) -> None:
    assert counted(world, decision(world, verdict=verdict, publication=None)).notes == ()


def test_answers_and_their_acceptance_are_facts(world: World) -> None:
    progress = Progress(
        id=world.new_id(), origin=KUNSHAN, to=(SUZHOU,), sent_at=world.now, step=Step.FED_BACK, person="officer"
    )
    closure = Closure(id=world.new_id(), origin=SUZHOU, to=(KUNSHAN,), sent_at=world.now, accepted=progress.id)
    assert counted(world, progress).fact == Fact(event=progress)
    assert counted(world, closure).fact == Fact(event=closure, level=Level.CITY)
    assert ignored(world, replace(closure, origin=KUNSHAN, to=(SUZHOU,))).reason == Why.NOT_A_HUB


def test_what_the_rules_lack_is_noted_and_the_fact_is_kept(world: World) -> None:
    notes = {
        "no rules": (decision(world, WUXI, JIANGYIN), Why.NO_RULES),
        "series": (decision(world, publication=PublicationRef(series="weekly", issue="1")), Why.NO_SUCH_SERIES),
        "level": (decision(world, level=Level.NATIONAL), Why.NO_SUCH_SERIES),
        "deduction": (adjustment(world, line("lost")), Why.NO_SUCH_DEDUCTION),
        "nothing to take of": (adjustment(world, line("untrue")), Why.NO_ITEM),
        "an appeal's answer": (adjustment(world, line("appeal", points=Decimal("1.5"))), None),
        "a reason alone": (adjustment(world), None),
        "of last year": (adjustment(world, line(month="2025-01")), None),
        "of an item": (adjustment(world, line("untrue", report=world.new_id())), None),
    }
    for name, (message, why) in notes.items():
        found = counted(world, message)
        assert [note.reason for note in found.notes] == ([why] if why else []), name
        assert all(note.message == message.id and note.hub == message.origin for note in found.notes)


WRONG: dict[str, tuple[Callable[[World], Message], Why]] = {
    "listed twice": (lambda w: _twice(decision(w)), Why.ITEM_TWICE),
    "adopted in part": (lambda w: _shares(decision(w), "0.5"), Why.SHARES),
    "merged to less": (lambda w: _shares(decision(w, SUZHOU, KUNSHAN, ZHANGJIAGANG), "0.5", "0.4"), Why.SHARES),
    "merged to more": (lambda w: _shares(decision(w, SUZHOU, KUNSHAN, ZHANGJIAGANG), "0.5", "0.6"), Why.SHARES),
    "no share at all": (lambda w: _shares(decision(w, SUZHOU, KUNSHAN, ZHANGJIAGANG), "0", "1"), Why.SHARES),
    "no publication": (lambda w: decision(w, publication=None), Why.NO_PUBLICATION),
    "no issue": (lambda w: decision(w, publication=PublicationRef(series="daily", issue="")), Why.NO_PUBLICATION),
    "no series": (lambda w: decision(w, publication=PublicationRef(series="", issue="1")), Why.NO_PUBLICATION),
    "reversal of nothing": (lambda w: decision(w, verdict=Verdict.REVERSED), Why.REVERSES_NOTHING),
    "sent on nowhere": (lambda w: decision(w, verdict=Verdict.SELECTED), Why.LEVEL),
    "sent on to itself": (lambda w: decision(w, verdict=Verdict.SELECTED, level=Level.CITY), Why.LEVEL),
    "sent on downwards": (
        lambda w: decision(w, PROVINCE, REFORM, verdict=Verdict.SELECTED, level=Level.PROVINCE), Why.LEVEL,
    ),
    "adopted for the province": (lambda w: decision(w, level=Level.PROVINCE), Why.LEVEL),
    "adopted for a city": (lambda w: decision(w, PROVINCE, REFORM, level=Level.CITY), Why.LEVEL),
    "a city leader at the province": (lambda w: instruction(w, PROVINCE, level=Level.CITY), Why.LEVEL),
    "an instruction on half": (lambda w: _shares(instruction(w), "0.5"), Why.SHARES),
    "another city's county": (lambda w: decision(w, SUZHOU, JIANGYIN), Why.NOT_ITS_UNIT),
    "the province's department": (lambda w: decision(w, SUZHOU, REFORM), Why.NOT_ITS_UNIT),
    "the hub itself": (lambda w: decision(w, SUZHOU, SUZHOU), Why.NOT_ITS_UNIT),
    "an instruction on a stranger": (lambda w: instruction(w, WUXI), Why.NOT_ITS_UNIT),
    "a deduction of a stranger": (lambda w: adjustment(w, line(unit=JIANGYIN)), Why.NOT_ITS_UNIT),
    "a department decides": (lambda w: decision(w, REFORM, FARMING), Why.NOT_A_HUB),
    "a month to come": (lambda w: adjustment(w, line(month="2026-12")), Why.MONTH),
    "the year before last": (lambda w: adjustment(w, line(), line(month="2024-12")), Why.MONTH_CLOSED),
    "an appeal without points": (lambda w: adjustment(w, line("appeal")), Why.POINTS),
    "a deduction with points": (lambda w: adjustment(w, line(points=Decimal(5))), Why.POINTS),
    "a notice": (
        lambda w: Notice(id=w.new_id(), origin=SUZHOU, to=(KUNSHAN,), sent_at=w.now, type=NoticeType.GENERAL,
                         title="【样例】", body="【样例】"), Why.NOT_SCORED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG))
def test_what_does_not_count_has_its_reason(world: World, name: str) -> None:
    make, why = WRONG[name]
    message = make(world)
    found = ignored(world, message)
    assert found.reason == why
    assert why.zh
    assert why.en
    if why is not Why.NOT_SCORED:
        assert (found.message, found.hub) == (message.id, message.origin)


def test_forged_and_unreadable_bytes_are_ignored(world: World) -> None:
    made = decision(world)
    by_another = judge(world.seal(made, made.origin, key=world.node_keys[WUXI]).packed(), world.state, books)
    assert isinstance(by_another, Ignored)
    assert by_another.reason == "key.not_of_origin"
    garbage = judge(b"\x00garbage", world.state, books)
    assert isinstance(garbage, Ignored)
    assert (garbage.reason, garbage.message, garbage.hub) == ("envelope.malformed", None, "")
    envelope = world.seal(made, made.origin)
    altered = Envelope(envelope.payload_type, envelope.payload.replace(b'"7"', b'"8"'), envelope.signatures)
    changed = judge(altered.packed(), world.state, books)
    assert isinstance(changed, Ignored)
    assert changed.reason == "signature.invalid"


@pytest.mark.parametrize(
    "when", [datetime(1950, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_an_implausible_time_does_not_count(world: World, when: datetime) -> None:
    with pytest.raises(UnfitError) as caught:
        check_time(decision(world, sent_at=when).sent_at)
    assert caught.value.why is Why.TIME


def test_where_our_directory_may_be_behind_a_judgement_is_not_final(world: World) -> None:
    made = decision(world, SUZHOU, JIANGYIN)
    assert ignored(world, made).may_turn, "the router saw the recipient"
    assert not ignored(world, replace(made, to=(KUNSHAN,))).may_turn, "the router does not look at the items"
    assert ignored(world, decision(world, REFORM, FARMING)).may_turn
    unknown = judge(world.seal(made, SUZHOU, key=world.new_key("new")).packed(), world.state, books)
    assert isinstance(unknown, Ignored)
    assert (unknown.reason, unknown.may_turn) == ("key.unknown", True)


def test_a_county_that_reports_to_the_province_no_more_keeps_its_points() -> None:
    """Art. 5(4): the same bytes count the same after its standing as a direct-report point was revoked."""
    world = fixed_world()
    made = decision(world, PROVINCE)
    before = judged(world, made)
    world.change_node(KUNSHAN, direct_report=False)
    assert judged(world, made) == before


def test_wrong_reversals_are_known_once_their_target_is(world: World) -> None:
    target = counted(world, decision(world)).fact
    right = decision(world, verdict=Verdict.REVERSED, about=target.event.id, sent_at=world.now + timedelta(minutes=1))
    foreign, again = replace(right, origin=WUXI), replace(right, about=right.id)
    assert wrong_reversal(right, target, "") is None
    assert (found := wrong_reversal(foreign, target, "")) is not None
    assert found.reason == Why.REVERSAL_FOREIGN
    assert (found := wrong_reversal(again, counted(world, right).fact, "")) is not None
    assert found.reason == Why.REVERSAL_TWICE


def _shares(message: Any, *shares: str) -> Any:
    items = (replace(item, share=Decimal(share)) for item, share in zip(message.items, shares, strict=True))
    return replace(message, items=tuple(items))


def _twice(made: Decision) -> Decision:
    half = replace(made.items[0], share=Decimal("0.5"))
    return replace(made, verdict=Verdict.MERGED, items=(half, half))
