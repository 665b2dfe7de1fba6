"""Series and issues of a hub."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from proto.addresses import ROUTER_CODE
from proto.messages import DecidedItem, Verdict
from services.gateway.domain.issues import Issue, IssueItem, ReportShare, Series, Text
from services.kit.db import Database


class IssueStore:
    """Reads and writes series and issues; the caller brings the connection where several writes belong together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def put_series(self, hub: str, series: Series) -> None:
        """Set up or change a series."""
        async with self._db.connection() as connection:
            fields = {
                name: list(v) if isinstance(v, tuple) else v for name, v in msgspec.structs.asdict(series).items()
            }
            await self._q.put_series(connection, hub=hub, **fields)

    async def all_series(self, connection: Any, hub: str) -> list[Series]:
        """Return a hub's series."""
        return [_series(row) async for row in self._q.series(connection, hub=hub)]

    async def one_series(self, connection: Any, hub: str, series: str) -> Series | None:
        """Return one series."""
        row = await self._q.one_series(connection, hub=hub, series=series)
        return _series(row) if row else None

    async def drop_series(self, connection: Any, hub: str, series: str) -> bool:
        """Remove a series; False where there is none, or it has an issue."""
        return await self._q.drop_series(connection, hub=hub, series=series) is not None

    async def last_numbers(self, connection: Any, hub: str, series: str, year: int) -> tuple[int | None, int | None]:
        """Return the last number in a year and the last total number of a series, None where there is none."""
        row = await self._q.last_numbers(connection, hub=hub, series=series, year=year)
        return row["number"], row["total"]

    async def numbered(self, connection: Any, hub: str, series: str, *, year: int, number: int, total: int) -> bool:
        """Tell whether an issue has one of these numbers."""
        rows = self._q.numbered(connection, hub=hub, series=series, year=year, number=number, total=total)
        return bool([row async for row in rows])

    async def open(
        self, connection: Any, hub: str, series: str, *, id: UUID, day: date, number: int, total: int, person: str,
        at: datetime,
    ) -> None:  # fmt: skip
        """Open a draft."""
        await self._q.add_issue(
            connection, id=id, hub=hub, series=series, year=day.year, number=number, total=total, day=day, person=person,
            at=at,
        )  # fmt: skip

    async def drop(self, connection: Any, id: UUID) -> None:
        """Drop an empty draft."""
        await self._q.drop_issue(connection, id=id)

    async def page(
        self, hub: str, series: str | None, *, final: bool | None, before: UUID | None, count: int
    ) -> list[tuple[Issue, int]]:
        """Return a page of a hub's issues, newest first, each with the number of its items."""
        async with self._db.connection() as connection:
            rows = self._q.issues(connection, hub=hub, series=series, final=final, before=before, count=count)
            return [(_issue({k: v for k, v in row.items() if k != "items"}), row["items"]) async for row in rows]

    async def one(self, connection: Any, hub: str, id: UUID, *, lock: bool = False) -> Issue | None:
        """Return one issue, held until the transaction ends where asked."""
        if lock:
            await self._q.lock_issue(connection, hub=hub, id=id)
        row = await self._q.issue(connection, hub=hub, id=id)
        return _issue(row) if row else None

    async def owner(self, connection: Any, id: UUID) -> str | None:
        """Return whose issue this is, None where there is none."""
        hub: str | None = await self._q.issue_owner(connection, id=id)
        return hub

    async def items(self, connection: Any, issues: Sequence[UUID]) -> dict[UUID, list[IssueItem]]:
        """Return the items of issues in their order."""
        parts: dict[tuple[UUID, int], list[ReportShare]] = {}
        async for row in self._q.issue_reports(connection, issues=list(issues)):
            part = ReportShare(report=row["report"], origin=row["origin"], share=row["share"])
            parts.setdefault((row["issue"], row["n"]), []).append(part)
        found: dict[UUID, list[IssueItem]] = {}
        async for row in self._q.issue_items(connection, issues=list(issues)):
            fields = {name: row[name] for name in ("n", "id", "title", "body", "editor", "decision")}
            item = IssueItem(
                **fields, verdict=Verdict(row["verdict"]), reports=tuple(parts.get((row["issue"], row["n"]), ()))
            )
            found.setdefault(row["issue"], []).append(item)
        return found

    async def place_of(self, connection: Any, item: UUID) -> tuple[UUID, int] | None:
        """Return issue and number of an item by its id."""
        row = await self._q.issue_item_by_id(connection, id=item)
        return (row["issue"], row["n"]) if row else None

    async def add(
        self, connection: Any, issue: Issue, *, id: UUID, verdict: Verdict, title: str | None, body: str | None, editor: str,
        parts: Sequence[DecidedItem],
    ) -> int:  # fmt: skip
        """Add an item at the end of a draft; return its number."""
        n: int = await self._q.add_issue_item(
            connection, issue=issue.id, id=id, verdict=verdict.value, title=title, body=body, editor=editor
        )
        await self._q.add_issue_reports(
            connection,
            issue=issue.id,
            n=n,
            hub=issue.hub,
            reports=[p.report for p in parts],
            shares=[p.share for p in parts],
        )
        return n

    async def take_out(self, connection: Any, issue: UUID, n: int) -> list[UUID]:
        """Take an item out of a draft; return its reports, none where there is no such item."""
        return [row["report"] async for row in self._q.drop_issue_item(connection, issue=issue, n=n)]

    async def arrange(self, connection: Any, issue: UUID, order: Sequence[int]) -> None:
        """Put the items of a draft into an order."""
        await self._q.place_issue_items(connection, issue=issue, ns=list(order))

    async def refused(self, connection: Any, issue: Issue, items: Sequence[IssueItem]) -> set[UUID]:
        """Return those of a final issue's messages that the network refused."""
        told = [each for each in (issue.publication, *(item.decision for item in items)) if each is not None]
        return {row["message"] async for row in self._q.refused_among(connection, ids=told, router=ROUTER_CODE)}

    async def told_anew(
        self, connection: Any, issue: Issue, *, decisions: Sequence[tuple[int, UUID]], publication: UUID | None
    ) -> None:
        """Note under which ids items (by their numbers) and publication were told in place of what was refused."""
        await self._q.tell_issue_anew(
            connection,
            issue=issue.id,
            ns=[n for n, _ in decisions],
            decisions=[decision for _, decision in decisions],
            publication=publication,
        )

    async def finish(
        self, connection: Any, issue: Issue, *, items: Sequence[tuple[int, Text, UUID]], publication: UUID | None, person: str,
        at: datetime,
    ) -> None:  # fmt: skip
        """Make an issue final as it was sent: its name and readers, its items' texts, the decisions that tell of them."""
        await self._q.finish_issue_items(
            connection,
            issue=issue.id,
            ns=[n for n, _, _ in items],
            titles=[text.title for _, text, _ in items],
            bodies=[text.body for _, text, _ in items],
            decisions=[decision for _, _, decision in items],
        )
        await self._q.finish_issue(
            connection, issue=issue.id, publication=publication, person=person, at=at, name=issue.name, organ=issue.organ,
            up=list(issue.up), down=list(issue.down), across=list(issue.across),
        )  # fmt: skip


def _series(row: Any) -> Series:
    return Series(**_plain(row))


def _issue(row: Any) -> Issue:
    return Issue(**_plain(row))


def _plain(row: Any) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
