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
from services.kit.calendar import day_of, month_of
from services.kit.db import Database
from services.scoring.domain.bulletin import Head, Issued
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import Said, Spoken, check_bulletin, check_rules
from services.scoring.domain.weighing import Ignored, UnfitError
from services.scoring.domain.whys import Why
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
                if isinstance(each.message, Report) or await self._is_known(connection, each.message, each.digest):
                    continue
                match each.message, each.content:
                    case Rules() as message, RuleSet() as content:
                        if not await self._rules(connection, message, content, each.digest):
                            continue
                        rules.append(content)
                    case Bulletin() as message, BulletinContent() as content:
                        await self._bulletin(connection, message, content, each)
                    case Designation() as message, DesignationContent() as content:
                        await self._designation(connection, message, content, each.digest)
                    case Appeal() as message, _:
                        await self._appeal(connection, message, each.digest)
                new += 1
            except UnfitError as error:
                wrong.append(Ignored.because(error.why, error.detail, each.message, each.digest))
        return rules, new, wrong

    async def _is_known(self, connection: Any, message: Spoken, digest: str) -> bool:
        """Tell whether a message was recorded before; raise ``UnfitError`` where its id belongs to another."""
        row = await self._queries.statement(connection, kind=message.kind(), id=message.id)
        if row is not None and row["digest"] not in (None, digest):
            raise UnfitError(Why.ID_REUSED)
        return row is not None

    async def _rules(self, connection: Any, message: Rules, content: RuleSet, digest: str) -> bool:
        """Record a version; return False where it was there."""
        await self._books.refresh_on(connection)
        book = self._books(message.origin)
        if check_rules(book, content, day_of(message.sent_at)) is book:
            await self._queries.record_rules_again(connection, message=message.id, hub=message.origin, digest=digest)
            return False
        await self._queries.record_rules(
            connection,
            message=message.id,
            hub=message.origin,
            version=content.version,
            effective_from=content.effective_from,
            content=message.content,
            sent_at=message.sent_at,
            digest=digest,
        )
        return True

    async def _bulletin(self, connection: Any, message: Bulletin, content: BulletinContent, said: Said) -> None:
        issued = await heads_by(self._queries, connection, message.origin, content.period[:4])
        check_bulletin(message, content, issued, said.every)
        await self._queries.record_bulletin(
            connection,
            id=message.id,
            hub=message.origin,
            type=content.type.value,
            period=content.period,
            content=message.content,
            sent_at=message.sent_at,
            digest=said.digest,
        )

    async def _designation(
        self, connection: Any, message: Designation, content: DesignationContent, digest: str
    ) -> None:
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
            digest=digest,
        )

    async def _appeal(self, connection: Any, message: Appeal, digest: str) -> None:
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
            digest=digest,
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
