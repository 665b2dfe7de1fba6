"""Searching over HTTP."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from proto.limits import YEARS
from proto.messages import Category, Importance, Stage, Urgency
from proto.messages.base import Code
from services.archive.domain.areas import subtree
from services.archive.domain.highlight import Highlighter, Piece
from services.archive.domain.query import QueryError, parse
from services.archive.store.search import Filters, Found, Searcher
from services.kit.calendar import CHINA
from services.kit.web.access import Access
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import ProblemError, invalid

MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000


class SearchParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Query parameters of a search."""

    reader: Code  # as which node; the token must stand for it
    q: str = ""  # words, "exact phrase", -excluded
    origin: Code | None = None  # a unit, or an area with all under it
    category: Category | None = None
    stage: Stage | None = None
    urgency: Urgency | None = None
    importance: Importance | None = None
    research: bool | None = None
    adopted: bool | None = None
    from_: date | None = None  # sent on this day or later, Chinese time
    to: date | None = None  # sent on this day or earlier
    order: Literal["relevance", "newest"] = "relevance"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 20
    offset: Annotated[int, Meta(ge=0, le=MAX_OFFSET)] = 0


class Hit(Struct, frozen=True, kw_only=True):
    """A report on a result page."""

    id: UUID
    origin: str
    title: list[Piece]
    snippet: list[Piece]
    category: Category
    sent_at: datetime
    adopted: bool  # an adoption stands
    same_as: tuple[UUID, ...]  # the same text from other units


class SearchAnswer(Struct, frozen=True, kw_only=True):
    """A result page."""

    total: int  # of all pages
    hits: list[Hit]


class SearchView:
    """GET /api/v1/search."""

    def __init__(self, searcher: Searcher, access: Access) -> None:
        self._searcher = searcher
        self._access = access

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of this view."""
        return [
            Endpoint(
                method="GET",
                path="/api/v1/search",
                handle=self.search,
                summary="检索政务信息 / Search reports",
                query=SearchParams,
                answer=SearchAnswer,
                errors=(400, 401, 403),
            )
        ]

    async def search(self, request: web.Request, _: None) -> SearchAnswer:
        """Return the reports that the reader may see and that match."""
        params: SearchParams = query_of(request, SearchParams)
        reader = self._access.reader(request, params.reader)
        try:
            query = parse(params.q)
        except QueryError as error:
            raise ProblemError(400, error.code, error.zh, error.en) from error
        total, found = await self._searcher.find(
            reader,
            tsquery=query.tsquery(),
            phrases=query.phrases,
            banned=query.banned,
            filters=filters_of(params),
            by_relevance=params.order == "relevance",
            limit=params.limit,
            offset=params.offset,
        )
        marks = Highlighter(query.markers())
        hits = await asyncio.to_thread(lambda: [_hit(marks, each) for each in found])
        return SearchAnswer(total=total, hits=hits)


def filters_of(params: SearchParams) -> Filters:
    """Return the filters that the parameters ask for."""
    origin, whole = subtree(params.origin) if params.origin else (None, False)
    return Filters(
        origin=origin,
        subtree=whole,
        category=_value(params.category),
        stage=_value(params.stage),
        urgency=_value(params.urgency),
        importance=_value(params.importance),
        research=params.research,
        adopted=params.adopted,
        sent_from=_midnight(params.from_, "from") if params.from_ else None,
        sent_before=_midnight(params.to, "to") + timedelta(days=1) if params.to else None,
    )


def _value(choice: Category | Stage | Urgency | Importance | None) -> str | None:
    return None if choice is None else choice.value


def _midnight(day: date, name: str) -> datetime:
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise invalid(f"{name}: year outside {YEARS[0]} to {YEARS[1]}")
    return datetime.combine(day, time(), CHINA)


def _hit(marks: Highlighter, found: Found) -> Hit:
    return Hit(
        id=found.id,
        origin=found.origin,
        title=marks.mark(found.title),
        snippet=marks.snippet(found.body),
        category=Category(found.category),
        sent_at=found.sent_at,
        adopted=found.adopted,
        same_as=found.same_as,
    )
