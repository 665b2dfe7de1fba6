"""Who may claim what part of an event's worth in one hub's account, and by which route it came."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from proto.messages import DecidedItem, Decision, Instruction, Level
from services.scoring.domain.known import Fact, Known
from services.scoring.domain.points import rounded, split
from services.scoring.domain.rules import Merged, RuleSet

_DIRECT, _THROUGH, _NATIONAL = "direct", "through", "national"


class Account(Struct, frozen=True, kw_only=True):
    """One event in one hub's account."""

    fact: Fact
    known: Known
    hub: str
    rules: RuleSet
    day: date


class Claim(Struct, frozen=True, kw_only=True):
    """What one unit may claim of an event's worth."""

    unit: str
    report: DecidedItem  # the unit's own
    of: DecidedItem  # as the event has it: the same, or the city's report that carries it
    share: Decimal
    points: Decimal
    joint: bool
    route: str = ""  # by which it came to the hub that decided; "" where that is the account's own
    via: Decision | None = None


def claims_on(
    account: Account, event: Decision | Instruction, worth: Decimal, *, joint: bool, scaled: bool, level: Level
) -> list[Claim]:
    """Return who may claim what of an event worth ``worth``; a route that is switched off claims nothing."""
    hub, rules = account.hub, account.rules
    claims = []
    parts = _parts(rules, worth, event.items, joint=joint)
    for item, part in zip(event.items, parts, strict=True):
        if hub == event.origin:
            claims.append(Claim(unit=item.origin, report=item, of=item, share=item.share, points=part, joint=joint))
            continue
        route = _DIRECT if account.fact.homes.get(item.origin) == hub else _THROUGH
        route, factor = _route(rules, route, level)
        if factor == 0:
            continue
        whole = rounded(part * factor) if scaled else part
        if account.fact.homes.get(item.origin) == hub:
            claims.append(
                Claim(unit=item.origin, report=item, of=item, share=item.share, points=whole, joint=joint, route=route)
            )
        elif item.origin == hub:
            for via in account.known.selections_of(item.report, hub):
                together = len(via.items) > 1
                for own, each in zip(via.items, _parts(rules, whole, via.items, joint=together), strict=True):
                    claims.append(
                        Claim(
                            unit=own.origin,
                            report=own,
                            of=item,
                            share=item.share * own.share,
                            points=each,
                            joint=joint or together,
                            route=route,
                            via=via,
                        )
                    )
    return claims


def _route(rules: RuleSet, route: str, level: Level) -> tuple[str, Decimal]:
    """Return the name of the factor that applies, and the factor."""
    routes = rules.routes
    if level is Level.NATIONAL and routes.national is not None:
        return _NATIONAL, routes.national
    return route, routes.direct if route == _DIRECT else routes.through


def _parts(rules: RuleSet, worth: Decimal, items: Sequence[DecidedItem], *, joint: bool) -> list[Decimal]:
    """Return each item's part; fixed points, like full ones, are each item's own."""
    shares = [item.share for item in items]
    if not joint or rules.merged in (Merged.FIXED, Merged.FULL):
        return [worth] * len(shares)
    return split(worth, shares if rules.merged is Merged.SPLIT else [Decimal(1)] * len(shares))
