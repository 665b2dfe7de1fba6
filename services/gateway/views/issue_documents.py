"""An issue as it is printed: preview and final alike."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from services.gateway.desk import DESK, Desk
from services.gateway.documents.model import Article, IssueDocument
from services.gateway.domain.issues import Issue
from services.gateway.domain.printing import short_name
from services.gateway.views.documents import FORMS, DocumentQuery, file_of
from services.gateway.views.hub import hub_member
from services.gateway.views.issues import IssueView, issue_view, the_issue
from services.gateway.views.items import item_id
from services.kit.web.api import Endpoint, query_of


async def document(request: web.Request, _: None) -> web.Response:
    """Return an issue as a document; that of a draft is a preview."""
    who = await hub_member(request)
    desk = request.app[DESK]
    query: DocumentQuery = query_of(request, DocumentQuery)
    async with desk.db.connection() as connection:
        issue = await the_issue(desk, connection, who, item_id(request))
        view = await issue_view(desk, connection, issue)
    return await file_of(_printable(desk, issue, view), query.form, f"{who.node}-{issue.series}-{issue.label}")


def _printable(desk: Desk, issue: Issue, view: IssueView) -> IssueDocument:
    def names(codes: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(short_name(desk.state, code) for code in codes))

    return IssueDocument(
        name=issue.name,
        organ=issue.organ,
        year=issue.year,
        issue=issue.number,
        total=issue.total,
        day=issue.day,
        articles=tuple(
            Article(title=item.title, body=item.body, units=names(part.origin for part in item.reports))
            for item in view.items
        ),
        up=names(issue.up),
        across=names(issue.across),
        down=names(issue.down),
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET", path="/api/v1/nodes/{code}/issues/{id}/document", handle=document,
        summary="一期的版式文件 / An issue as a document", query=DocumentQuery, files=FORMS, errors=(400, 401, 403, 404),
    ),
)  # fmt: skip
