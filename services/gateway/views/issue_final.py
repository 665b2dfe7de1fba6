"""定版: an issue is made final, which tells readers and origins in one transaction; what the network refused is told anew."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from proto.errors import Reason, RefusedError
from proto.messages import Decision, Publication
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
from services.gateway.domain.reports import Sealed, outgoing
from services.gateway.views.hub import LEADS, Digest, hub_member
from services.gateway.views.issues import IssueView, issue_view, items_of, texts_of, the_draft, the_issue
from services.gateway.views.items import item_id
from services.kit.secrecy import is_marked
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError


class FinalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """定版."""

    digest: Digest  # of the issue that the lead looked at, as it was shown


async def make_final(request: web.Request, read: Read[FinalRequest]) -> IssueView:
    """Make an issue final (定版): the publication goes to its readers, a decision on each item to its origins."""
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    desk.outbox.check_room()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue = await the_draft(desk, connection, who, item_id(request))
        items = await items_of(desk, connection, issue)
        if not items:
            raise ProblemError(422, "issue.empty", "该期没有信息，不能定版", "The issue holds nothing")
        await _check_undecided(desk, connection, issue, items)
        _check_readers(desk, issue)
        texts = await texts_of(desk, connection, issue, items)
        if digest_of_issue(issue, items, texts) != body.digest:
            raise ProblemError(409, "issue.changed", "该期已被修改，请刷新后重试", "The issue has changed, look again")
        publication = _publication(desk, issue, items, texts)
        messages, decisions = await _tell(desk, connection, issue, items, publication)
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


async def tell_anew(request: web.Request, _: None) -> IssueView:
    """Say again, under new ids, what the network refused of a final issue (补发).

    What was decided otherwise meanwhile is not told again.
    """
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    desk.outbox.check_room()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue = await the_issue(desk, connection, who, item_id(request), lock=True)
        items = await items_of(desk, connection, issue)
        refused = await desk.issues.refused(connection, issue, items)
        if not refused:
            raise ProblemError(
                409, "issue.nothing_refused", "该期没有被拒收的报文，无须补发", "Nothing of this issue was refused"
            )
        untold = [item for item in items if item.decision in refused]
        await _check_undecided(desk, connection, issue, untold)
        publication = None
        if issue.publication in refused:
            publication = _publication(desk, issue, items, await texts_of(desk, connection, issue, items))
        messages, decisions = await _tell(desk, connection, issue, untold, publication)
        await desk.issues.told_anew(
            connection,
            issue,
            decisions=[(item.n, each.id) for item, each in zip(untold, decisions, strict=True)],
            publication=publication.id if publication else issue.publication,
        )
        view = await issue_view(desk, connection, await the_issue(desk, connection, who, issue.id))
    desk.outbox.added(messages)
    return view


async def _check_undecided(desk: Desk, connection: Any, issue: Issue, items: Sequence[IssueItem]) -> None:
    reports = [part.report for item in items for part in item.reports]
    decided = await desk.inbox.decided(connection, issue.hub, reports)
    if decided:
        raise ProblemError(
            409, "issue.item_decided", "有信息已另有采编结果，请先取出", "A report has been decided meanwhile: take it out first",
            ", ".join(map(str, sorted(decided))),
        )  # fmt: skip


def _check_readers(desk: Desk, issue: Issue) -> None:
    gone = [code for code in issue.readers if desk.state.node(code) is None]
    if gone:
        raise ProblemError(
            422, "series.unknown_reader", "读者不在名录中，或为本单位", "A reader is not in the directory, or this unit",
            ", ".join(gone),
        )  # fmt: skip


def _publication(desk: Desk, issue: Issue, items: Sequence[IssueItem], texts: Sequence[Text]) -> Publication | None:
    """Return what goes to the readers, where there are any."""
    if any(is_marked(part) for text in texts for part in (text.title, text.body)):
        raise RefusedError(Reason.REPORT_CLASSIFIED)
    if not issue.readers:
        return None
    articles = [article_of(item, text) for item, text in zip(items, texts, strict=True)]
    return publication_of(issue, articles, id=desk.new_id(), at=desk.clock())


async def _tell(
    desk: Desk, connection: Any, issue: Issue, items: Sequence[IssueItem], publication: Publication | None
) -> tuple[list[Sealed], list[Decision]]:
    """Store what goes to the origins of these items, and to the readers; return it sealed, and the decisions."""
    decisions = decisions_of(issue, items, new_id=desk.new_id, at=desk.clock())
    said = (*decisions, *([publication] if publication else []))
    messages = [outgoing(desk.state, desk.keys[issue.hub], each, now=each.sent_at) for each in said]
    await desk.outbox.add(connection, messages)
    for item, decision in zip(items, decisions, strict=True):
        reports = [part.report for part in item.reports]
        await desk.inbox.decide(connection, issue.hub, decision.id, item.verdict, reports)
    return messages, decisions


_ISSUE: Final = "/api/v1/nodes/{code}/issues/{id}"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=f"{_ISSUE}/final", handle=make_final,
        summary="定版：刊物送读者，采编结果告各单位 / Make final, which tells readers and origins", body=FinalRequest,
        answer=IssueView, errors=(400, 401, 403, 404, 409, 422),
    ),
    Endpoint(
        method="POST", path=f"{_ISSUE}/tell", handle=tell_anew,
        summary="补发：定版后被拒收的报文 / Say again what the network refused of a final issue",
        answer=IssueView, errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
