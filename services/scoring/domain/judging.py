"""Does this message count, and what must be kept of it? Pure: the trust state and the rules are passed in.

``weighing`` takes the first steps (1) and (2); those that follow are numbered here and in the code: (3) well-formed: items,
shares, publication, level, lines and their months; (4) from a hub, where only hubs may say so; (5) every unit is under that
hub, however far: one that reported to it may do so no longer, and its points stay.

A message that passes is a fact for ever, whether or not the rules give it points: rules may come after it. What the hub's
own rules, as they are known now, lack is noted beside it (6).

Of what the router vouched for, (4) and the recipients in (5) are judged here: such a judgement ``may_turn``.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, get_args

from msgspec import Struct

from proto.messages import Adjustment, DecidedItem, Decision, Instruction, Level, Progress, Verdict
from services.kit.calendar import day_of
from services.kit.trust.state import TrustState
from services.kit.trust.units import level_of
from services.scoring.domain.known import CREDITED, Books, Event, Fact
from services.scoring.domain.rules import ANY, APPEAL, Effect, RuleSet
from services.scoring.domain.weighing import Ignored, UnfitError, check_month, weigh
from services.scoring.domain.whys import Why

_EVENTS: Final[tuple[type[Event], ...]] = get_args(Event)
_RANK: Final = {Level.CITY: 0, Level.PROVINCE: 1, Level.NATIONAL: 2}


class Scored(Struct, frozen=True, kw_only=True):
    """A message that counts."""

    fact: Fact
    digest: str  # SHA-256 of the signed bytes
    notes: tuple[Ignored, ...] = ()  # what of it the hub's own rules, as known now, give nothing for


def judge(body: bytes, state: TrustState, books: Books) -> Scored | Ignored:
    """Return what is to be kept of a delivered body, or why it does not count."""

    def own(event: Event, digest: str) -> Scored:
        fact = _fact(event, state)
        return Scored(fact=fact, digest=digest, notes=notes_on(fact, digest, books))  # (6)

    return weigh(body, state, _EVENTS, own)


def notes_on(fact: Fact, digest: str, books: Books) -> tuple[Ignored, ...]:
    """Return what of a fact the hub's own rules, as they are known now, give nothing for."""
    return tuple(Ignored.because(why, detail, fact.event, digest) for why, detail in _lacking(fact, books))


def check_now(event: Event, state: TrustState, books: Books) -> None:
    """Raise ``UnfitError`` where a message would not count if it were sent now, or part of it would give nothing."""
    for why, detail in _lacking(_fact(event, state), books):
        raise UnfitError(why, detail)


def check(event: Event) -> None:
    """Hold a message to the rules that need nothing else (3); raise ``UnfitError``."""
    match event:
        case Decision(verdict=Verdict.REVERSED):
            if event.about is None:
                raise UnfitError(Why.REVERSES_NOTHING)  # it takes back all, whatever items it repeats
        case Decision():
            _check_items(event.items)
            _check_decision(event)
        case Instruction():
            _check_items(event.items)
            _check_shares(event.items, joint=any(item.share != 1 for item in event.items))
        case Adjustment():
            _check_adjustment(event)


def wrong_reversal(reversal: Decision, target: Fact, digest: str) -> Ignored | None:
    """Return why a reversal does not count, now that what it names is known; None where it does."""
    if target.verdict is Verdict.REVERSED:
        return Ignored.because(Why.REVERSAL_TWICE, "", reversal, digest)
    if target.event.origin != reversal.origin:
        return Ignored.because(Why.REVERSAL_FOREIGN, "", reversal, digest)
    return None


def _check_items(items: tuple[DecidedItem, ...]) -> None:
    if len({item.report for item in items}) != len(items):
        raise UnfitError(Why.ITEM_TWICE)


def _check_shares(items: tuple[DecidedItem, ...], *, joint: bool) -> None:
    shares = [item.share for item in items]  # finite, at most 1 and of few places: proto's bounds
    if any(share <= 0 for share in shares):
        raise UnfitError(Why.SHARES, "each is above 0")
    if not joint and any(share != 1 for share in shares):
        raise UnfitError(Why.SHARES, "an item of its own counts in full")
    if joint and sum(shares, Decimal(0)) != 1:
        raise UnfitError(Why.SHARES, f"they add up to {sum(shares, Decimal(0))}")


def _check_decision(decision: Decision) -> None:
    if decision.verdict is Verdict.SELECTED:
        if decision.level is None:
            raise UnfitError(Why.LEVEL, "whither?")
        _check_shares(decision.items, joint=any(item.share != 1 for item in decision.items))
    if decision.verdict in CREDITED:
        if decision.publication is None or not decision.publication.series or not decision.publication.issue:
            raise UnfitError(Why.NO_PUBLICATION)
        _check_shares(decision.items, joint=decision.verdict is Verdict.MERGED)


def _check_adjustment(adjustment: Adjustment) -> None:
    for line in adjustment.lines:
        check_month(line.month, adjustment.sent_at)
        if (line.rule == APPEAL) != (line.points is not None):
            raise UnfitError(Why.POINTS, line.rule)


def _fact(event: Event, state: TrustState) -> Fact:
    check(event)  # (3)
    if isinstance(event, Progress):
        return Fact(event=event)
    level = level_of(state.node(event.origin))
    if level is None:  # (4)
        raise UnfitError(Why.NOT_A_HUB, may_turn=True)
    _check_level(event, level)
    for unit in _units_of(event):  # (5)
        if event.origin not in state.above(unit):  # however far: one that reported to it may do so no longer
            vouched_for = unit in event.to  # the router looks at the recipients, not at the items
            raise UnfitError(Why.NOT_ITS_UNIT, unit, may_turn=vouched_for)
    return Fact(event=event, level=level, homes=_homes(event, state) if level is Level.PROVINCE else {})


def _check_level(event: Event, own: Level) -> None:
    """A hub adopts at its own level or states the outcome at the national one; it sends on above its own."""
    match event:
        case Decision(verdict=Verdict.SELECTED, level=Level() as level):
            fits = _RANK[level] > _RANK[own]
        case Decision(level=Level() as level) if event.verdict in CREDITED:
            fits = level in (own, Level.NATIONAL)
        case Instruction(level=level):
            fits = _RANK[level] >= _RANK[own]
        case _:
            return
    if not fits:
        raise UnfitError(Why.LEVEL, level)


def _units_of(event: Event) -> set[str]:
    match event:
        case Decision(verdict=Verdict.REVERSED):
            return set()
        case Decision() | Instruction():
            return {item.origin for item in event.items}
        case Adjustment():
            return {line.unit for line in event.lines}
    return set()


def _homes(event: Event, state: TrustState) -> dict[str, str]:
    """Return the city of each county among the units, by which what the province makes of it counts there too."""
    homes = {}
    for unit in sorted(_units_of(event)):
        node = state.node(unit)
        if node is not None and node.parent is not None and node.parent != event.origin:
            homes[unit] = node.parent
    return homes


def _lacking(fact: Fact, books: Books) -> Iterator[tuple[Why, str]]:
    """Yield what the hub's own rules, as they are known now, give nothing for (6)."""
    event = fact.event
    day = day_of(event.sent_at)
    if fact.level is None or not (fact.verdict in CREDITED or (isinstance(event, Adjustment) and event.lines)):
        return
    rules = books(event.origin).in_force(day)
    if rules is None:
        yield Why.NO_RULES, str(day)
    elif isinstance(event, Decision) and event.publication is not None:
        table = rules.points.get(event.level or fact.level, {})
        if event.publication.series not in table and ANY not in table:
            yield Why.NO_SUCH_SERIES, f"points.{event.level or fact.level}.{event.publication.series}"
    elif isinstance(event, Adjustment):
        yield from _lacking_deductions(event, rules)


def _lacking_deductions(adjustment: Adjustment, rules: RuleSet) -> Iterator[tuple[Why, str]]:
    for rule in sorted({line.rule for line in adjustment.lines if line.rule != APPEAL}):
        deduction = rules.deductions.get(rule)
        if deduction is None:
            yield Why.NO_SUCH_DEDUCTION, rule
        elif deduction.effect is Effect.PERCENT and any(
            line.rule == rule and line.report is None for line in adjustment.lines
        ):
            yield Why.NO_ITEM, rule
