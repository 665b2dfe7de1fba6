"""The ledger: which entries follow from what is known (积分台账).

The ledger is a pure function of the *set* of facts and rules known, and it only grows with that set: whatever order they
come in, and however often, the same rows result, and no row ever has to be changed. Hence:

1. An entry is gross. What it counts in the end is the settlement's to say (``settlement.py``).
2. What follows from two facts together is written when the second arrives, and dated by the event that earns.
3. Where several rules fit one event (a solicited item, the series of what an instruction is on), each has its entry; the
   settlement counts one of them.
4. A reversal (冲正) takes back every entry of its decision with negative points, in the reversal's own month. What an
   adjustment did it takes back in the month that the adjustment names, as a whole year that was withheld can only there.

In whose account: the hub's own for the units that it names. Besides, what the province makes of an item counts in its
city's account, by the city's rules: for a county that reported it directly (直报), and, through the city's decision
*selected*, for the counties whose items the city's report carried up (转报).
"""

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from itertools import chain
from uuid import UUID

from msgspec import Struct

from proto.messages import Adjustment, Decision, Instruction, Level, PublicationRef, Verdict
from services.kit.calendar import day_of, month_of
from services.scoring.domain.claims import Account, Claim, claims_on
from services.scoring.domain.entry import Entry, Kind, entry_id, taken_back
from services.scoring.domain.known import CREDITED, Books, Event, Fact, Known
from services.scoring.domain.points import ZERO, rounded
from services.scoring.domain.rules import ANY, APPEAL, SOLICITED, Effect, Merged, RuleSet, Table, Worth

__all__ = ["Books", "Entry", "Event", "Fact", "Kind", "Known", "entries_of", "ledger_of"]


def ledger_of(known: Known) -> list[Entry]:
    """Return all entries that follow from what is known."""
    return list(chain.from_iterable(_entries_of(fact, known) for fact in known.facts.values()))


def entries_of(fact: Fact, known: Known) -> list[Entry]:
    """Return the entries that may be new since this fact is known; it is among the known.

    For any set of facts the union over them, each with what was known by then, is ``ledger_of`` the whole.
    """
    concerned = {each.event.id: each for each in known.concerning(fact)}
    return list(chain.from_iterable(_entries_of(each, known) for each in concerned.values()))


def _entries_of(fact: Fact, known: Known) -> list[Entry]:
    earned = [each for hub in _accounts(fact, known) for each in _earned(fact, known, hub)]
    lines = []
    for each in earned:
        rests_on = (each.entry.event, each.entry.via, each.appeared)
        lines += taken_back(each.entry, known.reversals_of(rests_on))
    return [each.entry for each in earned] + lines


class _Earned(Struct, frozen=True, kw_only=True):
    """An entry before reversals."""

    entry: Entry
    appeared: UUID | None = None  # the decision that put an instruction's item into the series that it goes by


def _accounts(fact: Fact, known: Known) -> dict[str, None]:
    """Return the hubs in whose accounts the event may count, each once."""
    event = fact.event
    if fact.level is None or fact.verdict is Verdict.REVERSED:
        return {}
    hubs = dict.fromkeys([event.origin])
    if isinstance(event, Decision | Instruction):
        hubs |= dict.fromkeys(fact.homes.values())
        hubs |= {item.origin: None for item in event.items if known.selections_of(item.report, item.origin)}
    return hubs


def _earned(fact: Fact, known: Known, hub: str) -> list[_Earned]:
    """Return what a hub's event earns in one account, before reversals."""
    event = fact.event
    day = day_of(event.sent_at)
    rules = known.books(hub).in_force(day)
    if rules is None or fact.level is None:
        return []
    account = Account(fact=fact, known=known, hub=hub, rules=rules, day=day)
    match event:
        case Decision() if event.verdict in CREDITED:
            return _adopted(account, event, event.level or fact.level)
        case Decision(verdict=Verdict.SELECTED, level=Level() as level):
            return _selected(account, event, level)
        case Instruction():
            return _instructed(account, event)
        case Adjustment():
            return _adjusted(rules, event, fact.level)
    return []


class _Rule(Struct, frozen=True, kw_only=True):
    """A rule that fits an event, and whose claims."""

    name: str
    worth: Decimal
    fits: Callable[[Claim], bool]
    place: PublicationRef | None = None
    lender: str = ""  # version of the higher hub's rules that the worth is of
    appeared: UUID | None = None  # see ``_Earned``


def _adopted(account: Account, decision: Decision, level: Level) -> list[_Earned]:
    place, rules, known = decision.publication, account.rules, account.known
    if place is None:
        return []
    table, lender = rules.points.get(level, {}), ""
    if rules.routes.worth is Worth.THEIRS and decision.origin != account.hub:
        theirs = known.books(decision.origin).in_force(account.day)
        table, lender = (theirs.points.get(level, {}), theirs.version) if theirs else ({}, "")
    key = _key(table, place.series)
    fixed = rules.merged_points.get(level) if rules.merged is Merged.FIXED else None
    listed = []
    if key is not None:
        listed += [_Rule(name=f"points.{level}.{key}", worth=table[key], place=place, lender=lender,
                         fits=lambda claim: fixed is None or not claim.joint)]  # fmt: skip
        if fixed is not None:
            listed += [_Rule(name=f"merged_points.{level}", worth=fixed, place=place,
                             fits=lambda claim: claim.joint)]  # fmt: skip
    if SOLICITED in table:
        listed += [_Rule(name=f"points.{level}.{SOLICITED}", worth=table[SOLICITED], place=place, lender=lender,
                         fits=lambda claim: known.is_solicited(claim.of.report)
                                            and (fixed is None or not claim.joint))]  # fmt: skip
    joint = decision.verdict is Verdict.MERGED and len(decision.items) > 1
    kind = Kind.MERGED if decision.verdict is Verdict.MERGED else Kind.ADOPTED
    return _entries(account, decision, level, kind, listed, joint=joint, scaled=True)


def _selected(account: Account, decision: Decision, level: Level) -> list[_Earned]:
    known, table = account.known, account.rules.selected.get(level, {})
    place, listed = decision.publication, []
    if (key := _key(table, place.series if place else "")) is not None:
        listed += [_Rule(name=f"selected.{level}.{key}", worth=table[key], place=place, fits=lambda _: True)]
    if SOLICITED in table:
        asked = known.is_solicited(decision.forwarded_as)
        listed += [_Rule(name=f"selected.{level}.{SOLICITED}", worth=table[SOLICITED], place=place,
                         fits=lambda claim: asked or known.is_solicited(claim.of.report))]  # fmt: skip
    return _entries(account, decision, level, Kind.SELECTED, listed, joint=len(decision.items) > 1)


def _instructed(account: Account, instruction: Instruction) -> list[_Earned]:
    known, table = account.known, account.rules.instructions.get(instruction.level, {})

    name, listed = f"instructions.{instruction.level}", []
    if ANY in table:
        listed += [_Rule(name=f"{name}.{ANY}", worth=table[ANY], fits=lambda _: True)]
    named = table.keys() - {ANY, SOLICITED}
    for adoption in (
        known.adoptions_of((item.report for item in instruction.items), instruction.origin) if named else ()
    ):
        place = adoption.publication
        if place is not None and place.series in named:
            listed += [_Rule(name=f"{name}.{place.series}", worth=table[place.series], place=place,
                             fits=_among({item.report for item in adoption.items}),
                             appeared=adoption.id)]  # fmt: skip
    joint = len(instruction.items) > 1 and any(item.share != 1 for item in instruction.items)
    return _entries(account, instruction, instruction.level, Kind.INSTRUCTION, listed, joint=joint)


def _adjusted(rules: RuleSet, adjustment: Adjustment, level: Level) -> list[_Earned]:
    entries = []
    for number, line in enumerate(adjustment.lines):
        deduction = rules.deductions.get(line.rule)
        if line.rule == APPEAL:
            kind, rule, points = Kind.APPEAL, APPEAL, line.points or ZERO
        elif deduction is not None:
            fixed = deduction.points if deduction.effect is Effect.FIXED else None
            kind, rule, points = Kind.DEDUCTION, f"deductions.{line.rule}", -(fixed or ZERO)
        else:
            continue
        entry = Entry(
            id=entry_id(adjustment.id, number, rules.version, rule),
            event=adjustment.id,
            report=line.report,
            unit=rules.credited_to.get(
                line.unit, line.unit
            ),  # whose the points are, of which it takes or to which it adds
            hub=adjustment.origin,
            level=level,
            month=line.month,
            at=adjustment.sent_at,
            kind=kind,
            points=rounded(points),
            rule_version=rules.version,
            rule=rule,
        )
        entries.append(_Earned(entry=entry))
    return entries


def _entries(
    account: Account,
    event: Decision | Instruction,
    level: Level,
    kind: Kind,
    listed: Iterable[_Rule],
    *,
    joint: bool,
    scaled: bool = False,
) -> list[_Earned]:
    """Return the entries by each rule for those whose claims it fits; ``scaled``: the route's factor applies."""
    hub, rules = account.hub, account.rules
    entries = []
    for rule in listed:
        for claim in claims_on(account, event, rule.worth, joint=joint, scaled=scaled, level=level):
            if not rule.fits(claim):
                continue
            name = rule.name + (f"/{claim.route}" if claim.route else "") + (f"@{event.origin}" if rule.lender else "")
            via = claim.via.id if claim.via else None
            adopted = kind in (Kind.ADOPTED, Kind.MERGED)
            report = claim.report.report
            entry = Entry(
                id=entry_id(event.id, hub, claim.unit, report, rules.version, rule.lender, name, via, rule.appeared),
                event=event.id,
                report=report,
                unit=rules.credited_to.get(claim.unit, claim.unit),
                hub=hub,
                level=level,
                month=month_of(event.sent_at),
                at=event.sent_at,
                series=rule.place.series if rule.place else "",
                issue=rule.place.issue if rule.place else "",
                kind=Kind.MERGED if adopted and claim.joint else kind,
                share=claim.share,
                items=1 if adopted else 0,
                points=claim.points,
                rule_version=rules.version,
                rule=name,
                via=via,
            )
            entries.append(_Earned(entry=entry, appeared=rule.appeared))
    return entries


def _among(reports: Collection[UUID]) -> Callable[[Claim], bool]:
    return lambda claim: claim.of.report in reports


def _key(table: Table, series: str) -> str | None:
    """Return under which name a table has a series; None where it has not."""
    if series in table and series != SOLICITED:
        return series
    return ANY if ANY in table else None
