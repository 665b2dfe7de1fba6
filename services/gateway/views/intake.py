"""Intake (待采编): what came to a hub, who looks after it, what editors say of it, and its text as edited."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.addresses import CODE_PATTERN
from proto.limits import MAX_COUNT, MAX_NOTE_CHARS
from proto.messages import Category, ReportContent, Role, Stage, Urgency
from services.gateway.desk import DESK, Desk
from services.gateway.domain.intake import IntakeState, origin_pattern
from services.gateway.domain.issues import Text
from services.gateway.store.intake import Filters, IntakeRow, Link, Opinion, Standing, TextVersion
from services.gateway.views.asked import QueryView, asked_about
from services.gateway.views.auth import roles_of
from services.gateway.views.hub import BodyText, TitleText, check_written, hub_member
from services.gateway.views.items import checked_words, item_id
from services.kit.web.api import Endpoint, Read, query_of
from services.kit.web.problem import ProblemError, not_found

_COMPARED: Final = timedelta(days=60)
_ALIKE: Final = 0.2  # below this two texts have no more in common than any two
_NOBODY: Final = "none"
_PERSON: Final = r"^[a-z0-9][a-z0-9._-]{0,39}$(?!\n)"

Unit = Annotated[str, msgspec.Meta(pattern=CODE_PATTERN)]
Person = Annotated[str, msgspec.Meta(pattern=_PERSON)]


class IntakeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which reports; ``similar_to`` lists the most alike first instead of the newest."""

    unit: Unit | None = None  # a unit, or an area with all that lies under it
    category: Category | None = None
    urgency: Urgency | None = None
    research: bool | None = None
    direct_report: bool | None = None  # from a direct-report point
    assigned: Person | None = None  # none: nobody's
    state: IntakeState | None = None
    similar_to: UUID | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Continuation(msgspec.Struct):
    """A report that continues or corrects another (续报、终报、更正)."""

    report: UUID
    stage: Stage


class IntakeView(msgspec.Struct, kw_only=True):
    """A report as the editors' list shows it."""

    id: UUID
    origin: str
    origin_name: str
    title: str
    about: UUID | None  # what it continues
    continued_by: list[Continuation]
    stage: Stage
    category: Category
    urgency: Urgency
    importance: str
    research: bool
    direct_report: bool
    sent_at: datetime
    received_at: datetime
    state: IntakeState
    selected: bool  # also sent on to a higher level, or on its way there
    assigned: str | None
    score: float | None = None  # how much its text has in common with ``similar_to``: 0 nothing, 1 all


class IntakeDetail(msgspec.Struct, kw_only=True):
    """All that the hub has of a report."""

    report: IntakeView
    content: ReportContent  # as it came
    text: Text  # as edited last, else as it came
    versions: list[TextVersion]  # oldest first; none where it was never edited
    opinions: list[Opinion]  # oldest first; they stay in the hub
    chain: list[Link]  # oldest first, this report included
    standing: Standing
    queries: list[QueryView]  # what the hub asked its unit (核实), with the answers


class Assignment(msgspec.Struct, forbid_unknown_fields=True):
    """责任编辑."""

    person: Person | None  # null: nobody


class OpinionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An internal opinion (采编意见)."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NOTE_CHARS, pattern=r"^[^\u0000]*$")]
    id: UUID | None = None  # the client's own, so that trying again says it once


class TextRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A text as edited."""

    title: TitleText
    body: BodyText
    after: Annotated[int, msgspec.Meta(ge=0, lt=MAX_COUNT)]  # the version that the editor changed; 0: the original


class TextStored(msgspec.Struct):
    """Which version it became."""

    version: int


async def list_intake(request: web.Request, _: None) -> list[IntakeView]:
    """List a hub's reports."""
    who = await hub_member(request)
    desk = request.app[DESK]
    query: IntakeQuery = query_of(request, IntakeQuery)
    points = [node.code for node in desk.state.nodes() if node.direct_report]
    filters = Filters(
        origin=origin_pattern(query.unit) if query.unit else None,
        category=query.category.value if query.category else None,
        urgency=query.urgency.value if query.urgency else None,
        research=query.research,
        direct=query.direct_report,
        points=points,
        assigned=None if query.assigned == _NOBODY else query.assigned,
        unassigned=query.assigned == _NOBODY,
    )
    if query.similar_to is None:
        rows = await desk.intake.page(who.node, query.state, filters, query.before, query.limit)
        scores: dict[UUID, float] = {}
    else:
        async with desk.db.connection() as connection:
            given = await desk.intake.one(connection, who.node, query.similar_to)
        if given is None:
            raise unknown_report()
        since = desk.clock() - _COMPARED
        alike = await desk.intake.like(who.node, given[0].report, given[1], since, query.state, filters)
        scores = {row.report: score for row, score in alike if score >= _ALIKE}
        rows = [row for row, _ in alike if row.report in scores][: query.limit]
    return await _views(desk, who.node, rows, scores)


async def one_report(request: web.Request, _: None) -> IntakeDetail:
    """Show all that the hub has of a report."""
    who = await hub_member(request)
    desk = request.app[DESK]
    report = item_id(request)
    async with desk.db.connection() as connection:
        found = await desk.intake.one(connection, who.node, report)
        if found is None:
            raise unknown_report()
        row, content = found
        versions = await desk.intake.versions(connection, who.node, report)
        opinions = await desk.intake.opinions(connection, who.node, report)
        chain = await desk.intake.chain(connection, who.node, report)
        standing = await desk.intake.standing(connection, who.node, report)
    last = versions[-1] if versions else content
    (view,) = await _views(desk, who.node, [row], {})
    return IntakeDetail(
        report=view,
        content=content,
        text=Text(last.title, last.body),
        versions=versions,
        opinions=opinions,
        chain=chain,
        standing=standing,
        queries=await asked_about(desk, who.node, report, at_hub=True),
    )


async def assign(request: web.Request, read: Read[Assignment]) -> None:
    """Put an editor in charge of a report, or nobody."""
    who = await hub_member(request)
    desk = request.app[DESK]
    body = await read()
    report = item_id(request)
    if body.person is not None and Role.EDITOR not in roles_of(desk, who.node, body.person):
        raise ProblemError(
            422,
            "intake.not_an_editor",
            "该人员不是本单位在岗的采编人员",
            "That person is no editor in office here",
            body.person,
        )
    if not await desk.intake.assign(who.node, report, body.person):
        raise unknown_report()


async def add_opinion(request: web.Request, read: Read[OpinionRequest]) -> Opinion:
    """Say something about a report to the other editors."""
    who = await hub_member(request)
    desk = request.app[DESK]
    body = await read()
    check_written(body.text)
    await checked_words(desk, who, body.text)
    opinion = Opinion(id=body.id or desk.new_id(), person=who.person, at=desk.clock(), text=body.text)
    stored = await desk.intake.add_opinion(who.node, item_id(request), opinion)
    if stored is None:
        raise unknown_report()
    if (stored.person, stored.text) != (opinion.person, opinion.text):
        raise ProblemError(
            409, "opinion.differs", "该编号的意见内容与此不同", "The opinion of this id says something else"
        )
    return stored


async def edit_text(request: web.Request, read: Read[TextRequest]) -> TextStored:
    """Keep an edited text beside the original; a draft issue takes the newest. Trying again finds it kept."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    check_written(body.title, body.body)
    await checked_words(desk, who, body.title, body.body)
    text = Text(body.title, body.body)
    version = await desk.intake.edit(who.node, item_id(request), who.person, desk.clock(), text, after=body.after)
    if version is None:
        raise unknown_report()
    if not version:
        raise ProblemError(409, "intake.text_changed", "文本已被修改，请刷新后重试", "The text has changed, look again")
    return TextStored(version)


def unknown_report() -> ProblemError:
    """404: no such report came to the hub."""
    return not_found("report.unknown", "本单位没有收到该信息", "No such report came to this hub")


async def _views(desk: Desk, hub: str, rows: list[IntakeRow], scores: dict[UUID, float]) -> list[IntakeView]:
    continued: dict[UUID, list[Continuation]] = {}
    for report, about, stage in await desk.intake.continued(hub, [row.report for row in rows]) if rows else []:
        continued.setdefault(about, []).append(Continuation(report, Stage(stage)))
    return [_view(desk, row, continued.get(row.report, []), scores.get(row.report)) for row in rows]


def _view(desk: Desk, row: IntakeRow, continued_by: list[Continuation], score: float | None) -> IntakeView:
    node = desk.state.node(row.origin)
    return IntakeView(
        id=row.report,
        origin=row.origin,
        origin_name=node.name if node else row.origin,
        title=row.title,
        about=row.about,
        continued_by=continued_by,
        stage=Stage(row.stage),
        category=Category(row.category),
        urgency=Urgency(row.urgency),
        importance=row.importance,
        research=row.research,
        direct_report=node is not None and node.direct_report,
        sent_at=row.sent_at,
        received_at=row.received_at,
        state=row.state,
        selected=row.selected,
        assigned=row.assigned,
        score=None if score is None else round(score, 3),
    )


_INTAKE: Final = "/api/v1/nodes/{code}/intake"
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path=_INTAKE, handle=list_intake, summary="待采编信息 / Intake", query=IntakeQuery,
        answer=list[IntakeView],
    ),
    Endpoint(
        method="GET", path=f"{_INTAKE}/{{id}}", handle=one_report, summary="采编全貌 / All that the hub has of a report",
        answer=IntakeDetail,
    ),
    Endpoint(
        method="POST", path=f"{_INTAKE}/{{id}}/assign", handle=assign, summary="指定责任编辑 / Put an editor in charge",
        body=Assignment, status=204, errors=(400, 401, 403, 404, 422),
    ),
    Endpoint(
        method="POST", path=f"{_INTAKE}/{{id}}/opinions", handle=add_opinion,
        summary="内部意见（不出本单位）/ An internal opinion", body=OpinionRequest, answer=Opinion, status=201,
        errors=(400, 401, 403, 404, 409, 422),
    ),
    Endpoint(
        method="PUT", path=f"{_INTAKE}/{{id}}/text", handle=edit_text, summary="编辑文本，原文保留 / Edit the text, the original stays",
        body=TextRequest, answer=TextStored, errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
