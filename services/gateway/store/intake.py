"""What lies before a hub's editors: lists, assignment, opinions, edited texts."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from proto import codec
from proto.envelope import unpack
from proto.errors import RefusedError
from proto.messages import Report, ReportContent
from services.gateway.domain.effects import Arrived, read_arrival
from services.gateway.domain.intake import IntakeState, likeness, sketch_of
from services.gateway.domain.issues import Text, label_of
from services.kit.db import Database

_CANDIDATES: Final = 100  # of a likely likeness, compared in full


class IntakeRow(Struct, frozen=True, kw_only=True):
    """One report as a list shows it."""

    report: UUID
    origin: str
    title: str
    about: UUID | None
    stage: str
    category: str
    urgency: str
    importance: str
    research: bool
    sent_at: datetime
    received_at: datetime
    state: IntakeState
    selected: bool
    assigned: str | None


class Link(Struct, frozen=True, kw_only=True):
    """A report of the same chain."""

    report: UUID
    origin: str
    about: UUID | None
    stage: str
    title: str
    received_at: datetime
    state: IntakeState


class Opinion(Struct, frozen=True, kw_only=True):
    """What an editor said about a report; it stays in the hub."""

    id: UUID
    person: str
    at: datetime
    text: str


class TextVersion(Struct, frozen=True, kw_only=True):
    """A report's text as edited at the hub."""

    version: int
    person: str
    at: datetime
    title: str
    body: str


class Standing(Struct, frozen=True, kw_only=True):
    """What the hub has done with a report."""

    decision: UUID | None
    verdict: str | None
    issue: UUID | None  # the draft that holds it
    n: int | None


class Filters(Struct, frozen=True, kw_only=True):
    """Which reports."""

    origin: str | None = None  # SQL pattern
    category: str | None = None
    urgency: str | None = None
    research: bool | None = None
    direct: bool | None = None  # of a direct-report point, or of another unit
    points: list[str] = []  # who are direct-report points now
    assigned: str | None = None
    unassigned: bool = False


class IntakeStore:
    """Reads and writes what editors go by; the caller brings the connection where several writes belong together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def take_in(self, connection: Any, arrived: Sequence[tuple[Arrived, datetime]]) -> None:
        """Store the facts of reports, each with the time of its arrival; known ones stay as they are."""
        rows = [(a, a.facts, at) for a, at in arrived if a.facts is not None]
        await self._q.add_intake(
            connection,
            hubs=[a.node for a, _, _ in rows],
            reports=[a.message.id for a, _, _ in rows],
            origins=[facts.origin for _, facts, _ in rows],
            abouts=[facts.about for _, facts, _ in rows],
            stages=[facts.stage.value for _, facts, _ in rows],
            categories=[facts.category.value for _, facts, _ in rows],
            urgencies=[facts.urgency.value for _, facts, _ in rows],
            importances=[facts.importance.value for _, facts, _ in rows],
            researches=[facts.research for _, facts, _ in rows],
            answers=[facts.answers for _, facts, _ in rows],
            received_ats=[at for _, _, at in rows],
            sketches=[",".join(map(str, facts.sketch)) for _, facts, _ in rows],
        )

    async def catch_up(
        self, nodes: Sequence[str], after: tuple[str, UUID] | None, count: int
    ) -> tuple[str, UUID] | None:
        """Take in reports that arrived before there was an intake; return where to go on, None at the end."""
        node, last = after or (None, None)
        async with self._db.transaction() as connection:
            rows = [
                row
                async for row in self._q.not_taken_in(connection, nodes=list(nodes), node=node, id=last, count=count)
            ]
            if not rows:
                return None
            read = [(_read(r["node"], r["body"]), r["received_at"]) for r in rows]
            await self.take_in(connection, [(arrived, at) for arrived, at in read if arrived is not None])
        return rows[-1]["node"], rows[-1]["id"]

    async def page(
        self, hub: str, state: IntakeState | None, filters: Filters, before: UUID | None, count: int
    ) -> list[IntakeRow]:
        """Return a page, newest first."""
        wanted = msgspec.structs.asdict(filters) | {"hub": hub, "before": before, "count": count}
        async with self._db.connection() as connection:
            found = (
                self._q.intake(connection, **wanted)
                if state is None
                else self._q.intake_in_state(connection, state=state.value, **wanted)
            )
            return [_row(row) async for row in found]

    async def like(
        self,
        hub: str,
        report: UUID,
        content: ReportContent,
        since: datetime,
        state: IntakeState | None,
        filters: Filters,
    ) -> list[tuple[IntakeRow, float]]:
        """Return the reports since a time that are like one, each with its likeness, the most alike first."""
        wanted = msgspec.structs.asdict(filters) | {"hub": hub, "report": report, "since": since}
        async with self._db.connection() as connection:
            rows = [
                row
                async for row in self._q.intake_like(
                    connection,
                    sketch=list(sketch_of(content.title, content.body)),
                    state=state.value if state else None,
                    count=_CANDIDATES,
                    **wanted,
                )
            ]
        return await asyncio.to_thread(_scored, rows, (content.title, content.body))

    async def one(self, connection: Any, hub: str, report: UUID) -> tuple[IntakeRow, ReportContent] | None:
        """Return a report with its content as it came."""
        row = await self._q.intake_one(connection, hub=hub, report=report)
        return (_row(row), _content(row["body"])) if row else None

    async def continued(self, hub: str, reports: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
        """Return (report, about, stage) of what continues or corrects these reports."""
        async with self._db.connection() as connection:
            rows = self._q.chains(connection, hub=hub, reports=list(reports))
            return [(row["report"], row["about"], row["stage"]) async for row in rows]

    async def chain(self, connection: Any, hub: str, report: UUID) -> list[Link]:
        """Return the chain of a report, itself included, oldest first."""
        rows = self._q.chain(connection, hub=hub, report=report)
        return [Link(**{**row, "state": IntakeState(row["state"])}) async for row in rows]

    async def assign(self, hub: str, report: UUID, person: str | None) -> bool:
        """Put an editor in charge; False where there is no such report."""
        async with self._db.connection() as connection:
            return await self._q.assign(connection, hub=hub, report=report, person=person) is not None

    async def add_opinion(self, hub: str, report: UUID, opinion: Opinion) -> Opinion | None:
        """Keep an opinion; return what now stands under its id, None where there is no such report."""
        async with self._db.transaction() as connection:
            if await self._q.lock_intake(connection, hub=hub, report=report) is None:
                return None
            await self._q.add_opinion(connection, hub=hub, report=report, **msgspec.structs.asdict(opinion))
            return next(o for o in await self.opinions(connection, hub, report) if o.id == opinion.id)

    async def opinions(self, connection: Any, hub: str, report: UUID) -> list[Opinion]:
        """Return the opinions on a report, oldest first."""
        return [Opinion(**row) async for row in self._q.opinions(connection, hub=hub, report=report)]

    async def edit(self, hub: str, report: UUID, person: str, at: datetime, text: Text, *, after: int) -> int | None:
        """Keep the version that follows ``after``, once; return its number, 0 where another follows it already.

        None where there is no such report.
        """
        async with self._db.transaction() as connection:
            if await self._q.lock_intake(connection, hub=hub, report=report) is None:
                return None
            version: int | None = await self._q.add_text(
                connection, hub=hub, report=report, person=person, at=at, title=text.title, body=text.body, after=after
            )
            return version or 0

    async def versions(self, connection: Any, hub: str, report: UUID) -> list[TextVersion]:
        """Return the versions of a text, oldest first."""
        return [TextVersion(**row) async for row in self._q.text_versions(connection, hub=hub, report=report)]

    async def texts(self, connection: Any, hub: str, reports: Sequence[UUID]) -> dict[UUID, Text]:
        """Return the texts of reports: the newest version, else the original."""
        found: dict[UUID, Text] = {}
        async for row in self._q.newest_texts(connection, hub=hub, reports=list(reports)):
            if row["envelope"] is None:
                found[row["report"]] = Text(row["title"], row["body"])
            else:
                content = _content(row["envelope"])
                found[row["report"]] = Text(content.title, content.body)
        return found

    async def standing(self, connection: Any, hub: str, report: UUID) -> Standing:
        """Return what the hub has done with a report that is there."""
        return Standing(**await self._q.standing(connection, hub=hub, report=report))

    async def answers(self, connection: Any, hub: str, points: Sequence[str]) -> dict[tuple[str, str], tuple[int, int]]:
        """Return by (key point, unit) how many reports name the point, and how many of those the hub adopted or merged."""
        rows = self._q.answers_received(connection, hub=hub, points=list(points))
        return {(row["answers"], row["origin"]): (row["reports"], row["adopted"]) async for row in rows}

    async def held(self, connection: Any, hub: str, reports: Sequence[UUID]) -> dict[UUID, str]:
        """Return those of ``reports`` that a draft issue holds, with words that name issue and item."""
        return {
            row["report"]: f"{row['series']} {label_of(row['year'], row['number'])}, issue {row['id']}, item {row['n']}"
            async for row in self._q.held(connection, hub=hub, reports=list(reports))
        }

    async def hold(self, connection: Any, hub: str, reports: Sequence[UUID]) -> None:
        """Note that reports are in a draft issue."""
        await self._q.note_held(connection, hub=hub, reports=list(reports))

    async def free(self, connection: Any, hub: str, reports: Sequence[UUID]) -> None:
        """Note that reports are in no draft issue any more."""
        await self._q.note_free(connection, hub=hub, reports=list(reports))


def _scored(rows: Sequence[Any], mine: tuple[str, str]) -> list[tuple[IntakeRow, float]]:
    """Return rows with the likeness of their texts to ``mine``, the most alike first."""
    texts = [_content(row["body"]) for row in rows]
    scored = [(_row(row), likeness(mine, (text.title, text.body))) for row, text in zip(rows, texts, strict=True)]
    return sorted(scored, key=lambda each: each[1], reverse=True)


def _read(node: str, body: bytes) -> Arrived | None:
    """Return an arrival of long ago; None where today's rules would refuse it: the inbox still shows it."""
    try:
        return read_arrival(node, body)
    except RefusedError:
        return None


def _row(row: Any) -> IntakeRow:
    return IntakeRow(
        **{name: row[name] for name in IntakeRow.__struct_fields__ if name != "state"}, state=IntakeState(row["state"])
    )


def _content(body: bytes) -> ReportContent:
    """Return the content of a report that the inbox holds."""
    message = codec.decode(unpack(body))
    if not isinstance(message, Report):
        raise TypeError("an intake row without a report")
    return codec.decode_content(message.content)
