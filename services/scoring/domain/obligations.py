"""Who owes what in a month, and how far it is met (应报、已报、认可、缺报): Arts. 5(4), 10, 15.

What is owed is configuration, the ``obligations`` of a rule set. A report counts for the month in which it was sent; an
adoption of it, whenever it comes, is what fills a quota of research. A declined item fills none (Art. 10). Joint research
(联合调研) counts as a report of each unit that owes research here; points follow the shares of decisions and know nothing of it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from proto.messages import ResearchClass, UnitClass

RESEARCH: Final = "research"  # research items adopted (调研信息)
ADOPTED: Final = "adopted"  # items adopted
POINTS: Final = "points"  # points
STAFF: Final = "staff"  # full-time staff (专职人员)
CODES: Final = (RESEARCH, ADOPTED, POINTS, STAFF)

Terms = Mapping[str, Mapping[str, int]]
"""Code → class of unit (research: or class of research) → how much a month."""


class State(StrEnum):
    """How far an obligation is met."""

    DUE = "due"  # 应报: the month is not over
    SENT = "sent"  # 已报: enough was sent, the hub has not decided on all of it
    MET = "met"  # 认可
    NOT_ACCEPTED = "not_accepted"  # 未认可: enough was sent, too little was adopted
    MISSED = "missed"  # 缺报


class Handed(Struct, frozen=True, kw_only=True):
    """A research report that a unit sent to the hub in the month."""

    unit: str
    joint: tuple[str, ...] = ()  # units that did it together with this one
    adopted: bool = False  # at the hub; what was taken back is not
    declined: bool = False


class Owing(Struct, frozen=True, kw_only=True):
    """A unit with all that its obligations are judged by."""

    unit: str
    unit_class: UnitClass
    research_class: ResearchClass | None = None
    adopted: int = 0  # items adopted in the month
    points: Decimal = Decimal(0)  # of the month
    staff: int = 0  # full-time, in office at the end of the month; counted where it is asked for


class Obligation(Struct, frozen=True, kw_only=True):
    """One line of the calendar: each unit stands once under each code."""

    unit: str
    unit_class: UnitClass
    code: str
    owed: int
    sent: int | None  # research reports sent; None where the obligation is not one of sending
    done: Decimal  # what counts towards it
    state: State


def calendar(units: Iterable[Owing], handed: Iterable[Handed], terms: Terms, *, over: bool) -> list[Obligation]:
    """Return what each unit owes for a month; ``over`` tells whether the month has ended."""
    by_unit: dict[str, list[Handed]] = {}
    for each in handed:
        for code in {each.unit, *each.joint}:
            by_unit.setdefault(code, []).append(each)
    lines = []
    for unit in units:
        for code in CODES:
            owed = _owed(unit, code, terms)
            if owed:
                lines.append(_line(unit, code, owed, by_unit.get(unit.unit, ()), over=over))
    return lines


def missed(lines: Iterable[Obligation]) -> dict[str, tuple[str, ...]]:
    """Return by unit the codes of what was not met in a month that is over."""
    found: dict[str, list[str]] = {}
    for each in lines:
        if each.state in {State.MISSED, State.NOT_ACCEPTED}:
            found.setdefault(each.unit, []).append(each.code)
    return {unit: tuple(codes) for unit, codes in found.items()}


def _owed(unit: Owing, code: str, terms: Terms) -> int:
    table = terms.get(code, {})
    if code == RESEARCH and unit.research_class is not None and unit.research_class.value in table:
        return table[unit.research_class.value]
    return table.get(unit.unit_class.value, 0)


def _line(unit: Owing, code: str, owed: int, handed: Iterable[Handed], *, over: bool) -> Obligation:
    sent: int | None = None
    pending = 0
    match code:
        case "research":
            listed = list(handed)
            sent = len(listed)
            done = Decimal(sum(each.adopted for each in listed))
            pending = sum(not each.adopted and not each.declined for each in listed)
        case "adopted":
            done = Decimal(unit.adopted)
        case "points":
            done = unit.points
        case _:
            done = Decimal(unit.staff)
    if done >= owed:
        state = State.MET
    elif done + pending >= owed:
        state = State.SENT
    elif not over:
        state = State.DUE
    else:
        state = State.NOT_ACCEPTED if sent is not None and sent >= owed else State.MISSED
    return Obligation(
        unit=unit.unit, unit_class=unit.unit_class, code=code, owed=owed, sent=sent, done=done, state=state
    )
