"""文稿: rules, bulletins and designations of a hub, drafted by an editor and approved by a lead, who did not write them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.envelope import digest_of
from proto.messages import Role
from services.gateway.desk import DESK, Desk
from services.gateway.domain.papers import (
    Draft,
    PaperError,
    PaperKind,
    PaperState,
    check_paper,
    message_of,
    read_paper,
    read_text,
    recipients,
)
from services.gateway.domain.reports import outgoing
from services.gateway.store.items import Fate
from services.gateway.store.papers import Paper
from services.gateway.views.auth import Principal
from services.gateway.views.hub import LEADS, Digest, hub_member
from services.gateway.views.items import checked_words, item_id
from services.gateway.views.saying import approval
from services.kit.calendar import day_of
from services.kit.trust.verify import verify_approved
from services.kit.web.api import Endpoint, Read, query_of, reply
from services.kit.web.problem import ProblemError, forbidden, not_found

_WRITERS: Final = (Role.EDITOR, *LEADS)
_ON_ITS_WAY: Final = timedelta(minutes=10)
"""For so long a paper that was said may still be on its way to the score; what takes longer is looked for by people."""


class PaperRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A paper: ``content`` is TOML text for rules, an object for a bulletin or a designation."""

    kind: PaperKind
    content: msgspec.Raw
    id: UUID | None = None  # the client's own id, so that trying again does not make a second paper


class ApprovalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """签发: with the passphrase of the lead's own key."""

    passphrase: Annotated[str, msgspec.Meta(max_length=1024)]
    digest: Digest  # of the paper that the lead looked at, as it was shown


class PaperView(msgspec.Struct, kw_only=True):
    """A paper as its hub sees it."""

    id: UUID
    kind: PaperKind
    state: PaperState
    subject: str  # what there is one of: a version, monthly/2026-10, a county
    author: str
    created_at: datetime
    updated_at: datetime
    approver: str | None
    approved_at: datetime | None
    message: UUID | None
    content: msgspec.Raw | None = None  # not in lists
    digest: str = ""  # of the content; not in lists
    receipts: list[Fate] = []  # not in lists


class PaperQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which papers."""

    kind: PaperKind | None = None
    state: PaperState | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def add_paper(request: web.Request, read: Read[PaperRequest]) -> PaperView | web.Response:
    """Store a draft; the same draft under a known id is answered with where it stands."""
    who = await hub_member(request, *_WRITERS)
    desk = request.app[DESK]
    body = await read()
    draft = await _draft(desk, who, body)
    paper_id = body.id or desk.new_id()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # or the same id, handed in at the same time, breaks the key
        known = await desk.papers.known(connection, paper_id)
        if known is None:
            await _check(desk, connection, who, draft)
            await desk.papers.add(connection, paper_id, who.node, draft, author=who.person, at=desk.clock())
            known = await desk.papers.for_update(connection, who.node, paper_id)
            return _view(_there(known))
    if known.node != who.node:
        raise ProblemError(409, "paper.id_taken", "该编号已被使用", "This id is taken")
    if (known.kind, known.content) != (draft.kind, draft.content):
        raise ProblemError(409, "paper.differs", "该编号的文稿与此不同", "The paper of this id has other content")
    return reply(_view(known), 200)


async def change_paper(request: web.Request, read: Read[PaperRequest]) -> PaperView:
    """Change a draft; whoever changed it last counts as its author."""
    who = await hub_member(request, *_WRITERS)
    desk = request.app[DESK]
    body, paper_id = await read(), item_id(request)
    draft = await _draft(desk, who, body)
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        paper = _drafted(await desk.papers.for_update(connection, who.node, paper_id))
        if paper.kind is not draft.kind:
            raise ProblemError(409, "paper.kind", "文稿种类不能更改", "A paper does not change its kind")
        await _check(desk, connection, who, draft)
        if draft.content != paper.content:  # or the text would become another's without a word changed
            await desk.papers.change(connection, paper.id, draft, author=who.person, at=desk.clock())
        return _view(_there(await desk.papers.for_update(connection, who.node, paper.id)))


async def drop_paper(request: web.Request, _: None) -> None:
    """Throw a draft away."""
    who = await hub_member(request, *_WRITERS)
    desk = request.app[DESK]
    async with desk.db.transaction() as connection:
        paper = _drafted(await desk.papers.for_update(connection, who.node, item_id(request)))
        await desk.papers.drop(connection, paper.id)


async def approve(request: web.Request, read: Read[ApprovalRequest]) -> PaperView:
    """Sign a draft with the lead's own key and send it; from here on it stands.

    What the lead looked at is signed, or nothing: the request names the digest of what was shown.
    """
    who = await hub_member(request, *LEADS)
    desk = request.app[DESK]
    body = await read()
    found = _drafted(await desk.papers.one(who.node, item_id(request)))
    if found.author == who.person:
        raise forbidden("paper.own", "起草人不能签发自己的文稿", "Nobody approves a paper of their own")
    if digest_of(found.content.encode()) != body.digest:
        raise _changed()
    desk.outbox.check_room()
    draft = read_text(found.kind, found.content)
    async with desk.db.connection() as connection:
        before = await desk.papers.last_said(connection, who.node, desk.clock() - _ON_ITS_WAY)
    await desk.scores.check(who.node, draft, after=before)
    signed = await approval(desk, who, found.content, body.passphrase)
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        paper = _drafted(await desk.papers.for_update(connection, who.node, found.id))
        if (paper.content, paper.author) != (found.content, found.author):
            raise _changed()
        await _check(desk, connection, who, draft)
        if await desk.papers.last_said(connection, who.node, desk.clock() - _ON_ITS_WAY) not in (before, None):
            raise ProblemError(
                409, "paper.another", "另一份文稿刚刚签发，请重试", "Another paper was approved just now: try again"
            )  # the score has not looked at this one beside that one
        message = message_of(
            draft, id=desk.new_id(), hub=who.node, to=_recipients(desk, who, draft), at=desk.clock(), approval=signed
        )
        verify_approved(desk.state, message, now=message.sent_at)
        messages = [outgoing(desk.state, desk.keys[who.node], message, now=message.sent_at)]
        await desk.outbox.add(connection, messages)
        await desk.papers.approve(connection, paper.id, approver=who.person, at=message.sent_at, message=message.id)
        paper = _there(await desk.papers.for_update(connection, who.node, paper.id))
    desk.outbox.added(messages)
    return _view(paper)


async def list_papers(request: web.Request, _: None) -> list[PaperView]:
    """List a hub's papers."""
    who = await hub_member(request)
    query: PaperQuery = query_of(request, PaperQuery)
    papers = await request.app[DESK].papers.page(who.node, query.kind, query.state, query.before, query.limit)
    return [_head(paper) for paper in papers]


async def one_paper(request: web.Request, _: None) -> PaperView:
    """Show one paper with what became of it, by its own id or its message's."""
    who = await hub_member(request)
    desk = request.app[DESK]
    paper = _there(await desk.papers.one(who.node, item_id(request)))
    view = _view(paper)
    view.receipts = (await desk.items.outcomes([paper.message]))[0] if paper.message else []
    return view


async def _draft(desk: Desk, who: Principal, body: PaperRequest) -> Draft:
    try:
        draft = read_paper(body.kind, bytes(body.content))
    except PaperError as error:
        raise _problem(error) from error
    await checked_words(desk, who, *draft.words())
    return draft


async def _check(desk: Desk, connection: Any, who: Principal, draft: Draft) -> None:
    """Hold a draft to the directory, the day and what the hub has said already."""
    try:
        check_paper(desk.state, who.node, draft, today=day_of(desk.clock()))
    except PaperError as error:
        raise _problem(error) from error
    if draft.kind is PaperKind.DESIGNATION:  # what was designated may be warned and revoked later
        return
    if await desk.papers.standing(connection, who.node, draft.kind, draft.subject):
        if draft.kind is PaperKind.BULLETIN:
            raise ProblemError(
                409, "paper.issued", "该期间的通报已印发", "The bulletin of this period has been issued", draft.subject
            )
        raise ProblemError(
            409, "paper.version_used", "该版本的规则已发布", "The rules of this version are published", draft.subject
        )


def _recipients(desk: Desk, who: Principal, draft: Draft) -> tuple[str, ...]:
    to = recipients(desk.state, who.node, draft)
    if not to:
        raise ProblemError(422, "paper.nobody", "没有收文单位", "There is nobody to send it to")
    return to


def _drafted(paper: Paper | None) -> Paper:
    """Return a draft; refuse what is not there or approved."""
    if _there(paper).state is not PaperState.DRAFT:
        raise ProblemError(409, "paper.approved", "文稿已签发，不能更改", "The paper is approved and stands")
    return _there(paper)


def _there(paper: Paper | None) -> Paper:
    if paper is None:
        raise not_found("paper.unknown")
    return paper


def _changed() -> ProblemError:
    return ProblemError(409, "paper.changed", "文稿已被修改，请刷新后重试", "The paper has changed, look again")


def _problem(error: PaperError) -> ProblemError:
    return ProblemError(422, error.code, error.zh, error.en, error.detail)


def _head(paper: Paper) -> PaperView:
    return PaperView(
        id=paper.id, kind=paper.kind, state=paper.state, subject=paper.subject, author=paper.author,
        created_at=paper.created_at, updated_at=paper.updated_at, approver=paper.approver,
        approved_at=paper.approved_at, message=paper.message,
    )  # fmt: skip


def _view(paper: Paper) -> PaperView:
    view = _head(paper)
    text = msgspec.json.encode(paper.content) if paper.kind is PaperKind.RULES else paper.content.encode()
    view.content = msgspec.Raw(text)
    view.digest = digest_of(paper.content.encode())
    return view


_PAPERS: Final = "/api/v1/nodes/{code}/papers"
_ERRORS: Final = (400, 401, 403, 404, 409, 422)
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=_PAPERS, handle=add_paper, summary="起草文稿 / Draft a paper", body=PaperRequest,
        answer=PaperView, status=201, again=200, errors=_ERRORS,
    ),
    Endpoint(
        method="GET", path=_PAPERS, handle=list_papers, summary="文稿列表 / List papers", query=PaperQuery,
        answer=list[PaperView],
    ),
    Endpoint(method="GET", path=f"{_PAPERS}/{{id}}", handle=one_paper, summary="文稿详情 / One paper", answer=PaperView),
    Endpoint(
        method="PUT", path=f"{_PAPERS}/{{id}}", handle=change_paper, summary="修改文稿 / Change a draft",
        body=PaperRequest, answer=PaperView, errors=_ERRORS,
    ),
    Endpoint(
        method="DELETE", path=f"{_PAPERS}/{{id}}", handle=drop_paper, summary="删除草稿 / Throw a draft away", status=204,
        errors=(400, 401, 403, 404, 409),
    ),
    Endpoint(
        method="POST", path=f"{_PAPERS}/{{id}}/approve", handle=approve, summary="签发文稿 / Approve and send a paper",
        body=ApprovalRequest, answer=PaperView, errors=_ERRORS,
    ),
)  # fmt: skip
