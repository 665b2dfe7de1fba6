"""Issues (期): listed and looked at."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.messages import Verdict
from services.gateway.desk import DESK, Desk
from services.gateway.domain.issues import Issue, IssueItem, Text, digest_of_issue
from services.gateway.views.auth import Principal
from services.gateway.views.hub import hub_member
from services.gateway.views.items import item_id
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import ProblemError, not_found


class IssueQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which issues."""

    series: Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\u0000]*$")] | None = None
    final: bool | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class IssueSummary(msgspec.Struct, kw_only=True):
    """An issue as a list shows it."""

    id: UUID
    series: str
    name: str
    organ: str
    issue: str  # as decisions cite it: 2026-012
    year: int
    number: int  # 期
    total: int  # 总期
    day: date
    final: bool
    opened_by: str
    opened_at: datetime
    final_by: str | None
    final_at: datetime | None
    publication: UUID | None  # the message to its readers; None in a draft, or where there are none
    count: int  # items


class PartView(msgspec.Struct):
    """A report under an item."""

    report: UUID
    origin: str
    origin_name: str
    share: Decimal


class IssueItemView(msgspec.Struct, kw_only=True):
    """One article."""

    n: int
    id: UUID
    verdict: Verdict
    title: str
    body: str
    editor: str
    decision: UUID | None  # once final
    reports: list[PartView]


class IssueView(IssueSummary, kw_only=True):
    """An issue with its articles in order."""

    up: list[str]
    down: list[str]
    across: list[str]
    names: dict[str, str]  # of the readers, by their codes
    items: list[IssueItemView]
    digest: str  # of all that goes out when it is made final
    refused: list[UUID] = []  # of the messages of a final issue, those that the network refused: they may be sent again


async def list_issues(request: web.Request, _: None) -> list[IssueSummary]:
    """List a hub's issues."""
    who = await hub_member(request)
    desk = request.app[DESK]
    query: IssueQuery = query_of(request, IssueQuery)
    page = await desk.issues.page(who.node, query.series, final=query.final, before=query.before, count=query.limit)
    return [IssueSummary(**_summary(issue, count)) for issue, count in page]


async def one_issue(request: web.Request, _: None) -> IssueView:
    """Show one issue; the items of a draft with their texts as edited last."""
    who = await hub_member(request)
    desk = request.app[DESK]
    async with desk.db.connection() as connection:
        return await issue_view(desk, connection, await the_issue(desk, connection, who, item_id(request)))


async def drop_issue(request: web.Request, _: None) -> None:
    """Drop a draft that holds nothing: its number is free again."""
    who = await hub_member(request)
    desk = request.app[DESK]
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue = await the_draft(desk, connection, who, item_id(request))
        if await desk.issues.items(connection, [issue.id]):
            raise ProblemError(409, "issue.not_empty", "该期尚有信息，请先取出", "The issue still holds items")
        await desk.issues.drop(connection, issue.id)


async def the_issue(desk: Desk, connection: Any, who: Principal, id: UUID, *, lock: bool = False) -> Issue:
    """Return an issue of the hub; 404 where there is none."""
    issue = await desk.issues.one(connection, who.node, id, lock=lock)
    if issue is None:
        raise not_found("issue.unknown", "没有这一期", "There is no such issue")
    return issue


async def the_draft(desk: Desk, connection: Any, who: Principal, id: UUID) -> Issue:
    """Return an issue that is no final one, held until the transaction ends."""
    issue = await the_issue(desk, connection, who, id, lock=True)
    if issue.final_at is not None:
        raise ProblemError(
            409, "issue.final", "该期已定版，不能再改", "The issue is final and does not change any more"
        )
    return issue


async def issue_view(desk: Desk, connection: Any, issue: Issue) -> IssueView:
    """Return an issue with its items."""
    items = await items_of(desk, connection, issue)
    texts = await texts_of(desk, connection, issue, items)
    refused = await desk.issues.refused(connection, issue, items)
    return IssueView(
        **_summary(issue, len(items)),
        up=list(issue.up),
        down=list(issue.down),
        across=list(issue.across),
        names={code: desk.state.name_of(code) for code in issue.readers},
        items=[_item_view(desk, item, text) for item, text in zip(items, texts, strict=True)],
        digest=digest_of_issue(issue, items, texts),
        refused=sorted(refused),
    )


async def items_of(desk: Desk, connection: Any, issue: Issue) -> list[IssueItem]:
    """Return an issue's items in order."""
    return (await desk.issues.items(connection, [issue.id])).get(issue.id, [])


async def texts_of(desk: Desk, connection: Any, issue: Issue, items: Sequence[IssueItem]) -> list[Text]:
    """Return the items' texts: their own, else their first report's as edited last."""
    needed = [item.reports[0].report for item in items if item.title is None or item.body is None]
    found = await desk.intake.texts(connection, issue.hub, needed) if needed else {}

    def text_of(item: IssueItem) -> Text:
        if item.title is not None and item.body is not None:
            return Text(item.title, item.body)
        given = found[item.reports[0].report]
        return Text(item.title or given.title, item.body or given.body)

    return [text_of(item) for item in items]


def _summary(issue: Issue, count: int) -> dict[str, Any]:
    same = (
        "id", "series", "name", "organ", "year", "number", "total", "day", "opened_by", "opened_at", "final_by", "final_at",
        "publication",
    )  # fmt: skip
    fields = {name: getattr(issue, name) for name in same}
    return fields | {"issue": issue.label, "final": issue.final_at is not None, "count": count}


def _item_view(desk: Desk, item: IssueItem, text: Text) -> IssueItemView:
    return IssueItemView(
        n=item.n,
        id=item.id,
        verdict=item.verdict,
        title=text.title,
        body=text.body,
        editor=item.editor,
        decision=item.decision,
        reports=[
            PartView(part.report, part.origin, desk.state.name_of(part.origin), part.share) for part in item.reports
        ],
    )


_ISSUES: Final = "/api/v1/nodes/{code}/issues"
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path=_ISSUES, handle=list_issues, summary="各期 / Issues", query=IssueQuery, answer=list[IssueSummary]
    ),
    Endpoint(method="GET", path=f"{_ISSUES}/{{id}}", handle=one_issue, summary="一期 / One issue", answer=IssueView),
    Endpoint(
        method="DELETE", path=f"{_ISSUES}/{{id}}", handle=drop_issue, summary="撤销空的草稿期 / Drop an empty draft", status=204,
        errors=(400, 401, 403, 404, 409),
    ),
)  # fmt: skip
