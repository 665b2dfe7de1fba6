"""Writing what is said beside the ledger: rules, bulletins, designations, appeals, and reports as facts."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from proto.messages import (
    Appeal,
    Bulletin,
    BulletinContent,
    BulletinType,
    Designation,
    DesignationContent,
    Report,
    ReportContent,
    Rules,
)
from proto.topology import is_scored
from services.kit.db import Database
from services.scoring.domain.bulletin import Head, Issued
from services.scoring.domain.calendar import day_of, month_of
from services.scoring.domain.judging import Ignored
from services.scoring.domain.refusals import WrongError
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import Said, check_bulletin, check_rules, unfit
from services.scoring.store.rulebooks import Rulebooks

_BULLETIN: Final = msgspec.json.Decoder(BulletinContent)


class Statements:
    """Writes them within the transaction of their batch, in which nobody else writes."""

    def __init__(self, database: Database, books: Rulebooks) -> None:
        self._queries = database.queries
        self._books = books

    async def record(self, connection: Any, said: Sequence[Said]) -> tuple[list[RuleSet], int, list[Ignored]]:
        """Return the rules that are new, how many statements are new, and those that what stands before forbids."""
        rules: list[RuleSet] = []
        new = 0
        wrong = []
        await self._reports(connection, [each for each in said if isinstance(each.message, Report)])
        for each in said:
            try:
                match each.message, each.content:
                    case Rules() as message, RuleSet() as content:
                        if await self._rules(connection, message, content):
                            rules.append(content)
                            new += 1
                    case Bulletin() as message, BulletinContent() as content:
                        new += await self._bulletin(connection, message, content, every=each.every)
                    case Designation() as message, DesignationContent() as content:
                        await self._designation(connection, message, content)
                    case Appeal() as message, _:
                        await self._appeal(connection, message)
            except WrongError as error:
                wrong.append(unfit(each.digest, error.refusal.value, error.detail, each.message))
        return rules, new, wrong

    async def _rules(self, connection: Any, message: Rules, content: RuleSet) -> bool:
        await self._books.refresh_on(connection)
        book = self._books(message.origin)
        if check_rules(book, content, day_of(message.sent_at)) is book:
            return False
        await self._queries.record_rules(
            connection,
            message=message.id,
            hub=message.origin,
            version=content.version,
            effective_from=content.effective_from,
            content=message.content,
            sent_at=message.sent_at,
        )
        return True

    async def _bulletin(
        self, connection: Any, message: Bulletin, content: BulletinContent, *, every: int | None
    ) -> int:
        issued = await heads_by(self._queries, connection, message.origin, content.period[:4])
        if any(each.id == message.id for each in issued):
            return 0
        check_bulletin(message, content, issued, every)
        await self._queries.record_bulletin(
            connection,
            id=message.id,
            hub=message.origin,
            type=content.type.value,
            period=content.period,
            content=message.content,
            sent_at=message.sent_at,
        )
        return 1

    async def _designation(self, connection: Any, message: Designation, content: DesignationContent) -> None:
        await self._queries.record_designation(
            connection,
            id=message.id,
            hub=message.origin,
            unit=content.unit,
            standing=content.standing.value,
            replaces=content.replaces,
            effective_from=date.fromisoformat(content.effective_from),
            content=message.content,
            sent_at=message.sent_at,
        )

    async def _appeal(self, connection: Any, message: Appeal) -> None:
        await self._queries.record_appeal(
            connection,
            id=message.id,
            unit=message.origin,
            hubs=list(message.to),
            month=message.month,
            about=message.about,
            person=message.person,
            text=message.text,
            sent_at=message.sent_at,
        )

    async def _reports(self, connection: Any, said: Sequence[Said]) -> None:
        listed = [
            (each.message, each.content, each.digest)
            for each in said
            if isinstance(each.message, Report)
            and isinstance(each.content, ReportContent)
            and is_scored(each.message, each.content)
        ]
        if not listed:
            return
        await self._queries.record_reports(
            connection,
            ids=[message.id for message, _, _ in listed],
            units=[message.origin for message, _, _ in listed],
            hubs=[",".join(message.to) for message, _, _ in listed],
            months=[month_of(message.sent_at) for message, _, _ in listed],
            abouts=[message.about for message, _, _ in listed],
            researchs=[content.research for _, content, _ in listed],
            joints=[",".join(content.joint) for _, content, _ in listed],
            digests=[digest for _, _, digest in listed],
        )


async def issued_by(queries: Any, connection: Any, hub: str, year: str) -> list[Issued]:
    """Return a hub's bulletins on a year, the oldest first."""
    rows = queries.issued_bulletins(connection, hub=hub, year=year)
    return [
        Issued(id=row["id"], hub=row["hub"], sent_at=row["sent_at"], content=_BULLETIN.decode(row["content"]))
        async for row in rows
    ]


async def heads_by(queries: Any, connection: Any, hub: str, year: str) -> list[Head]:
    """Return which bulletins on a year a hub has issued, and which commendations of all years."""
    rows = queries.issued_heads(connection, hub=hub, year=year)
    return [Head(id=row["id"], type=BulletinType(row["type"]), period=row["period"]) async for row in rows]
