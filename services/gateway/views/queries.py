"""核实: a hub asks a report's unit about a doubtful fact, and the unit answers."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.limits import MAX_BODY_CHARS, MAX_NOTE_CHARS, MAX_TITLE_CHARS, YEARS
from proto.messages import Message, Progress, Report, Role, Solicitation, Step
from proto.messages.base import Time
from services.gateway.desk import DESK
from services.gateway.views.asked import QueryView, asked_about
from services.gateway.views.auth import member
from services.gateway.views.hub import hub_member
from services.gateway.views.items import checked_words, item_id
from services.gateway.views.saying import Said, say
from services.kit.calendar import CHINA
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError, not_found

FORM: Final = "verification"
"""核实: what tells such a solicitation from others."""


class QueryRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A question about a report."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_BODY_CHARS)]
    deadline: Time
    id: UUID | None = None  # the client's own id, so that trying again does not ask twice


class AnswerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A unit's answer to what a hub asked."""

    about: UUID  # the solicitation
    text: Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]
    answer: UUID | None = None  # the unit's own report that answers, such as a correction
    id: UUID | None = None


async def ask(request: web.Request, read: Read[QueryRequest]) -> Said | web.Response:
    """Ask the unit that sent a report."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.text)
    if not body.text.strip():
        raise ProblemError(422, "query.no_text", "须写明核实事项", "The question is missing")
    report = item_id(request)

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        if body.deadline <= now or body.deadline.year > YEARS[1]:
            raise ProblemError(422, "query.deadline", "办理时限须在今后", "The deadline must lie ahead")
        doubted = await desk.messages.received(connection, who.node, report, Report)
        if doubted is None:
            raise not_found("message.unknown")
        title = codec.decode_content(doubted.content).title
        day = now.astimezone(CHINA)
        since = day.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        before = await desk.messages.questions_since(connection, who.node, since)
        return Solicitation(
            id=id, origin=who.node, to=(doubted.origin,), sent_at=now, about=report, number=f"{day.year}-{before + 1}",
            title=f"核实：{title}"[:MAX_TITLE_CHARS], body=body.text, form=FORM, deadline=body.deadline,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


async def asked(request: web.Request, _: None) -> list[QueryView]:
    """List what the hub asked about a report, with the answers."""
    who = await hub_member(request)
    return await asked_about(request.app[DESK], who.node, item_id(request), at_hub=True)


async def answer(request: web.Request, read: Read[AnswerRequest]) -> Said | web.Response:
    """Answer what a hub asked, in words or with a report of the unit."""
    who = await member(request, Role.INFORMATION_OFFICER)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.text)
    if not body.text.strip() and body.answer is None:
        raise ProblemError(422, "answer.empty", "须写明答复", "The answer is missing")

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        question = await desk.messages.received(connection, who.node, body.about, Solicitation)
        if question is None:
            raise ProblemError(422, "answer.unknown", "没有收到此项约稿或核实", "No such request came to this unit")
        if body.answer is not None and await desk.messages.sent(connection, who.node, body.answer, Report) is None:
            raise ProblemError(
                422, "answer.no_report", "所附信息不是本单位报送的", "The answering report was not sent by this unit"
            )
        return Progress(
            id=id, origin=who.node, to=(question.origin,), sent_at=now, about=question.id, step=Step.FED_BACK,
            person=who.person, text=body.text, answer=body.answer,
        )  # fmt: skip

    return await say(request, who, body, body.id, make)


_NODE: Final = "/api/v1/nodes/{code}"
_ERRORS: Final = (400, 401, 403, 404, 409, 422)
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=f"{_NODE}/intake/{{id}}/queries", handle=ask, summary="请来源单位核实 / Ask a report's unit",
        body=QueryRequest, answer=Said, status=201, again=200, errors=_ERRORS,
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/intake/{{id}}/queries", handle=asked,
        summary="该信息的核实情况 / What was asked about a report", answer=list[QueryView],
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/answers", handle=answer, summary="答复约稿或核实 / Answer what a hub asked",
        body=AnswerRequest, answer=Said, status=201, again=200, errors=_ERRORS,
    ),
)  # fmt: skip
