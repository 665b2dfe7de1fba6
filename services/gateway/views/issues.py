"""Issues (期): listed, looked at, and made final (定版), which tells readers and origins in one transaction."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.errors import Reason, RefusedError
from proto.messages import Decision, Publication, Verdict
from services.gateway.desk import DESK, Desk
from services.gateway.domain.issues import (
    Issue,
    IssueItem,
    Text,
    article_of,
    decisions_of,
    digest_of_issue,
    publication_of,
)
from services.gateway.domain.reports import outgoing
from services.gateway.views.auth import Principal
from services.gateway.views.hub import LEADS, Digest, hub_member
from services.gateway.views.items import item_id
from services.kit.secrecy import is_marked
from services.kit.web.api import Endpoint, Read, query_of
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
    items: list[IssueItemView]
    digest: str  # of all that goes out when it is made final


class FinalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """定版."""

    digest: Digest  # of the issue that the lead looked at, as it was shown


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


async def make_final(request: web.Request, read: Read[FinalRequest]) -> IssueView:
    """Make an issue final (定版): the publication goes to its readers, a decision on each item to its origins."""
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    desk.outbox.check_room()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue = await the_draft(desk, connection, who, item_id(request))
        items = (await desk.issues.items(connection, [issue.id])).get(issue.id, [])
        await _check_ready(desk, connection, issue, items)
        texts = await _texts(desk, connection, issue, items)
        if digest_of_issue(issue, items, texts) != body.digest:
            raise ProblemError(409, "issue.changed", "该期已被修改，请刷新后重试", "The issue has changed, look again")
        publication, decisions = _messages(desk, issue, items, texts)
        key = desk.keys[who.node]
        said = (*decisions, *([publication] if publication else []))
        messages = [outgoing(desk.state, key, each, now=each.sent_at) for each in said]
        await desk.outbox.add(connection, messages)
        for item, decision in zip(items, decisions, strict=True):
            reports = [part.report for part in item.reports]
            await desk.inbox.decide(connection, who.node, decision.id, item.verdict, reports)
        await desk.issues.finish(
            connection,
            issue,
            items=[(item.n, text, each.id) for item, text, each in zip(items, texts, decisions, strict=True)],
            publication=publication.id if publication else None,
            person=who.person,
            at=desk.clock(),
        )
        view = await issue_view(desk, connection, await the_issue(desk, connection, who, issue.id))
    desk.outbox.added(messages)
    return view


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
    items = (await desk.issues.items(connection, [issue.id])).get(issue.id, [])
    texts = await _texts(desk, connection, issue, items)
    return IssueView(
        **_summary(issue, len(items)),
        up=list(issue.up),
        down=list(issue.down),
        across=list(issue.across),
        items=[_item_view(desk, item, text) for item, text in zip(items, texts, strict=True)],
        digest=digest_of_issue(issue, items, texts),
    )


async def _check_ready(desk: Desk, connection: Any, issue: Issue, items: Sequence[IssueItem]) -> None:
    if not items:
        raise ProblemError(422, "issue.empty", "该期没有信息，不能定版", "The issue holds nothing")
    reports = [part.report for item in items for part in item.reports]
    decided = await desk.inbox.decided(connection, issue.hub, reports)
    if decided:
        raise ProblemError(
            409, "issue.item_decided", "有信息已另有采编结果，请先取出", "A report has been decided meanwhile: take it out first",
            ", ".join(map(str, sorted(decided))),
        )  # fmt: skip
    gone = [code for code in issue.readers if desk.state.node(code) is None]
    if gone:
        raise ProblemError(
            422, "series.unknown_reader", "读者不在名录中，或为本单位", "A reader is not in the directory, or this unit",
            ", ".join(gone),
        )  # fmt: skip


def _messages(
    desk: Desk, issue: Issue, items: Sequence[IssueItem], texts: Sequence[Text]
) -> tuple[Publication | None, list[Decision]]:
    """Return what goes to the readers, where there are any, and to the origins."""
    if any(is_marked(part) for text in texts for part in (text.title, text.body)):
        raise RefusedError(Reason.REPORT_CLASSIFIED)
    now = desk.clock()
    decisions = decisions_of(issue, items, new_id=desk.new_id, at=now)
    if not issue.readers:
        return None, decisions
    articles = [article_of(item, text) for item, text in zip(items, texts, strict=True)]
    return publication_of(issue, articles, id=desk.new_id(), at=now), decisions


async def _texts(desk: Desk, connection: Any, issue: Issue, items: Sequence[IssueItem]) -> list[Text]:
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
        reports=[PartView(part.report, part.origin, name_of(desk, part.origin), part.share) for part in item.reports],
    )


def name_of(desk: Desk, code: str) -> str:
    """Return a unit's name, its code where the directory does not know it."""
    node = desk.state.node(code)
    return node.name if node else code


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
    Endpoint(
        method="POST", path=f"{_ISSUES}/{{id}}/final", handle=make_final,
        summary="定版：刊物送读者，采编结果告各单位 / Make final, which tells readers and origins", body=FinalRequest,
        answer=IssueView,
        errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
