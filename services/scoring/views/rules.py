"""The rules of each hub, and the dry run of a draft (Arts. 1, 19)."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from proto.limits import MAX_ENVELOPE_BYTES
from services.kit.calendar import first_day, last_day, months_until, span
from services.kit.trust.units import listed_under
from services.kit.web.api import Endpoint, Read, query_of
from services.scoring.domain.known import Fact
from services.scoring.domain.points import total
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import check_rules, parse_rules
from services.scoring.domain.trial import Change, dry_run, unknown_series
from services.scoring.domain.weighing import UnfitError
from services.scoring.views.ledger import AnyCode
from services.scoring.views.room import Room, problem_of


class RuleVersion(Struct, frozen=True, kw_only=True):
    """A version of a hub's rules."""

    hub: str
    message: UUID  # that brought it
    rules: RuleSet
    in_force: bool  # today


class Rules(Struct, frozen=True, kw_only=True):
    """The rule versions by which this service scores."""

    versions: list[RuleVersion]


class RulesQuery(Struct, frozen=True, kw_only=True):
    """Query of the rules; '' stands for any hub."""

    hub: AnyCode = ""


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft of rules to be tried."""

    content: Annotated[str, Meta(min_length=1)]  # a rule file, TOML
    months: Annotated[int, Meta(ge=1, le=24)] = 12  # that are over, as many as are tried


class Trial(Struct, frozen=True, kw_only=True):
    """What the draft would have made of these months (试算)."""

    version: str
    months: list[str]
    changes: list[Change]  # the largest difference first
    now: Decimal
    then: Decimal
    forbidden: str  # code of what forbids to issue this draft today; "" where nothing does
    forbidden_detail: str
    unknown_series: list[str] = []  # in which the hub published in these years and that the draft gives nothing for


class RuleViews:
    """The handlers of these endpoints."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def endpoints(self) -> list[Endpoint]:
        """Return the table of operations."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/rules",
                handle=self.rules,
                summary="计分规则 / The rules by which hubs score, for whoever has a token",
                query=RulesQuery,
                answer=Rules,
            ),
            Endpoint(
                method="POST",
                path="/api/v1/hubs/{hub}/rules/dry-run",
                handle=self.dry_run,
                summary="规则试算 / What a draft of rules would have made of the past months, for that hub",
                body=Draft,
                body_limit=MAX_ENVELOPE_BYTES,
                answer=Trial,
                errors=(400, 401, 403, 404, 409, 413),
            ),
        ]

    async def rules(self, request: web.Request, _: None) -> Rules:
        """Return the rules: whoever has a token may know how points are given."""
        self._room.access.nodes(request)
        query: RulesQuery = query_of(request, RulesQuery)
        await self._room.books.refresh()
        today = self._room.today()
        return Rules(
            versions=[
                RuleVersion(
                    hub=each.hub,
                    message=each.message,
                    rules=each.rules,
                    in_force=each.rules is self._room.books(each.hub).in_force(today),
                )
                for each in self._room.books.versions(query.hub)
            ]
        )

    async def dry_run(self, request: web.Request, read: Read[Draft]) -> Trial:
        """Try a draft on the months that are over; nothing is stored."""
        hub = self._room.hub_of(request)
        draft = await read()
        book = await self._room.book(hub.code)
        today = self._room.today()
        forbidden = None
        try:
            rules = parse_rules(draft.content, "draft")
        except UnfitError as error:
            raise problem_of(error) from error
        try:
            check_rules(book, rules, today)
        except UnfitError as error:
            forbidden = error
        last = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
        months = months_until(last, draft.months)
        since, until = span(first_day(f"{months[0][:4]}-01"), last_day(last))
        facts: list[Fact] = []
        concerned = [hub.code, *([hub.parent] if hub.parent else [])]  # what its superior makes of items counts too
        async for page in self._room.store.facts(concerned, since, until):
            facts += page
        units = listed_under(hub.code, self._room.state)
        changes = await asyncio.to_thread(dry_run, hub.code, facts, self._room.books, rules, months, units)
        return Trial(
            version=rules.version,
            months=months,
            changes=changes,
            now=total(each.now for each in changes),
            then=total(each.then for each in changes),
            forbidden=forbidden.why.value if forbidden else "",
            forbidden_detail=forbidden.detail if forbidden else "",
            unknown_series=unknown_series(hub.code, facts, rules),
        )
