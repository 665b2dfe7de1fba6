"""A hub's publications (刊物): name, numbering, readers; and the opening of their issues."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.addresses import CODE_PATTERN
from proto.limits import MAX_NAME_CHARS, MAX_RECIPIENTS, YEARS
from proto.messages import NodeKind
from services.gateway.desk import DESK, Desk
from services.gateway.domain.issues import Issue, Series, next_numbers
from services.gateway.views.hub import hub_member
from services.gateway.views.issues import IssueView, issue_view
from services.gateway.views.items import checked_words
from services.kit.calendar import day_of
from services.kit.web.api import Endpoint, Read, reply
from services.kit.web.problem import ProblemError, invalid, not_found

_MOST: Final = 1_000_000

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS, pattern=r"^[^\u0000-\u001f]*$")]
Number = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
ShortName = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[\w.-]+$(?!\n)")]
Codes = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=CODE_PATTERN)], ...], msgspec.Meta(max_length=MAX_RECIPIENTS)
]


class Readers(msgspec.Struct, forbid_unknown_fields=True):
    """To whom issues go (报、发、送), by their codes."""

    up: Codes = ()
    down: Codes = ()
    across: Codes = ()


class SeriesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A publication; its first numbers count where it has no issue yet."""

    name: Named  # as it stands in the red head
    organ: Named  # 编发单位
    readers: Readers = msgspec.field(default_factory=Readers)
    first_number: Number = 1
    first_total: Number = 1


class SeriesView(msgspec.Struct):
    """A publication."""

    series: str
    name: str
    organ: str
    readers: Readers
    first_number: int
    first_total: int


class IssueRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An issue to open: the next, or one with given numbers."""

    number: Number | None = None
    total: Number | None = None
    day: date | None = None  # of issue, today where not given; its year is the issue's
    id: UUID | None = None  # the client's own, so that trying again opens one


async def put_series(request: web.Request, read: Read[SeriesRequest]) -> SeriesView:
    """Set up a series, or change it: drafts and later issues follow, final ones stay."""
    who = await hub_member(request)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, _short_name(request), body.name, body.organ)
    if not (body.name.strip() and body.organ.strip()):
        raise ProblemError(
            422, "series.no_name", "刊物须有名称和编发单位", "A publication needs a name and a unit that edits it"
        )
    readers = body.readers
    listed = (*readers.up, *readers.down, *readers.across)
    if len(set(listed)) > MAX_RECIPIENTS:
        raise invalid("readers")
    for code in listed:
        if not can_read(desk, who.node, code):
            raise ProblemError(
                422,
                "series.unknown_reader",
                "读者不在名录中，或为本单位",
                "A reader is not in the directory, or this unit",
                code,
            )
    series = Series(
        series=_short_name(request),
        name=body.name.strip(),
        organ=body.organ.strip(),
        up=tuple(dict.fromkeys(readers.up)),
        down=tuple(dict.fromkeys(readers.down)),
        across=tuple(dict.fromkeys(readers.across)),
        first_number=body.first_number,
        first_total=body.first_total,
    )
    await desk.issues.put_series(who.node, series)
    return _view(series)


async def list_series(request: web.Request, _: None) -> list[SeriesView]:
    """List a hub's series."""
    who = await hub_member(request)
    desk = request.app[DESK]
    async with desk.db.connection() as connection:
        return [_view(series) for series in await desk.issues.all_series(connection, who.node)]


async def one_series(request: web.Request, _: None) -> SeriesView:
    """Show one series."""
    who = await hub_member(request)
    desk = request.app[DESK]
    async with desk.db.connection() as connection:
        found = await desk.issues.one_series(connection, who.node, _short_name(request))
        if found is None:
            raise await _unknown(desk, connection, who.node)
    return _view(found)


async def drop_series(request: web.Request, _: None) -> None:
    """Remove a series that has no issue, not even a draft."""
    who = await hub_member(request)
    desk = request.app[DESK]
    name = _short_name(request)
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # nobody opens an issue meanwhile
        if await desk.issues.drop_series(connection, who.node, name):
            return
        if await desk.issues.one_series(connection, who.node, name) is None:
            raise await _unknown(desk, connection, who.node)
    raise ProblemError(409, "series.has_issues", "该刊物已有各期，不能撤销", "The series has issues and stays")


async def open_issue(request: web.Request, read: Read[IssueRequest]) -> IssueView | web.Response:
    """Open a draft issue with the next numbers; the first issue of all may have any."""
    who = await hub_member(request)
    desk = request.app[DESK]
    body = await read()
    name = _short_name(request)
    now = desk.clock()
    day = body.day or day_of(now)
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise invalid("day")
    new = body.id or desk.new_id()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # two editors at once get two numbers
        series = await desk.issues.one_series(connection, who.node, name)
        if series is None:
            raise await _unknown(desk, connection, who.node)
        owner = await desk.issues.owner(connection, new)
        if owner is None:
            last = await desk.issues.last_numbers(connection, who.node, name, day.year)
            following, total = next_numbers(series, *last)
            number, total = body.number or following, body.total or total
            if await desk.issues.numbered(connection, who.node, name, year=day.year, number=number, total=total):
                raise ProblemError(
                    409,
                    "issue.number_taken",
                    "期号或总期号已被使用",
                    "An issue has this number already",
                    f"{number}, {total}",
                )
            begun = last[1] is not None
            if begun and number != following:  # a series begins with any number and goes on with the next
                raise ProblemError(
                    409,
                    "issue.number_not_next",
                    f"期号须接续：{day.year} 年下一期为第 {following} 期",
                    f"Numbers follow one another: the next in {day.year} is {following}",
                    str(number),
                )
            await desk.issues.open(
                connection, who.node, name, id=new, day=day, number=number, total=total, person=who.person, at=now
            )
        issue = await desk.issues.one(connection, who.node, new)
        if issue is None or not _same(issue, name, body):
            raise ProblemError(409, "issue.id_taken", "该编号已被使用", "This id is taken")
        view = await issue_view(desk, connection, issue)
    return view if owner is None else reply(view, 200)


def can_read(desk: Desk, hub: str, code: str) -> bool:
    """Tell whether a hub's issues can be sent to a unit."""
    node = desk.state.node(code)
    return node is not None and node.type is not NodeKind.SERVICE and code != hub


def _same(issue: Issue, series: str, asked: IssueRequest) -> bool:
    return (
        issue.series == series
        and asked.number in (None, issue.number)
        and asked.total in (None, issue.total)
        and asked.day in (None, issue.day)
    )


def _short_name(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["series"], ShortName)
    except msgspec.ValidationError as error:
        raise invalid("series") from error


async def _unknown(desk: Desk, connection: Any, hub: str) -> ProblemError:
    """404, with the names that there are."""
    there = ", ".join([series.series for series in await desk.issues.all_series(connection, hub)])
    zh, en = f"没有这个刊物；现有：{there or '无'}", f"There is no such series; there are: {there or 'none'}"
    return not_found("series.unknown", zh, en)


def _view(series: Series) -> SeriesView:
    readers = Readers(series.up, series.down, series.across)
    return SeriesView(series.series, series.name, series.organ, readers, series.first_number, series.first_total)


_NODE: Final = "/api/v1/nodes/{code}"
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path=f"{_NODE}/series", handle=list_series, summary="刊物 / Publications", answer=list[SeriesView]
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/series/{{series}}", handle=one_series, summary="一种刊物 / One publication",
        answer=SeriesView,
    ),
    Endpoint(
        method="PUT", path=f"{_NODE}/series/{{series}}", handle=put_series, summary="设立或修改刊物 / Set up or change a publication",
        body=SeriesRequest, answer=SeriesView, errors=(400, 401, 403, 422),
    ),
    Endpoint(
        method="DELETE", path=f"{_NODE}/series/{{series}}", handle=drop_series,
        summary="撤销没有各期的刊物 / Remove a publication without issues", status=204, errors=(400, 401, 403, 404, 409),
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/series/{{series}}/issues", handle=open_issue, summary="开一期 / Open an issue",
        body=IssueRequest, answer=IssueView, status=201, again=200, errors=(400, 401, 403, 404, 409),
    ),
)  # fmt: skip
