"""What hubs asked about a report and what its unit answered, as either of them sees it (核实)."""

from datetime import datetime
from uuid import UUID

import msgspec

from proto.messages import Progress, Solicitation
from services.gateway.desk import Desk


class AnswerView(msgspec.Struct):
    """A unit's answer."""

    id: UUID
    person: str
    text: str
    answer: UUID | None  # the report that answers
    at: datetime


class QueryView(msgspec.Struct, kw_only=True):
    """A hub's question about a report, with the answers."""

    id: UUID
    report: UUID
    hub: str
    unit: str
    number: str
    text: str
    deadline: datetime
    asked_at: datetime
    answers: list[AnswerView] = []


async def asked_about(desk: Desk, node: str, report: UUID, *, at_hub: bool) -> list[QueryView]:
    """Return the questions about a report, oldest first: those that the node asked, or that it was asked."""
    said, told = desk.messages.sent_about, desk.messages.received_about
    async with desk.db.connection() as connection:
        asked = await (said if at_hub else told)(connection, node, Solicitation, [report])
        questions = {one.id: one for one in asked}
        given = await (told if at_hub else said)(connection, node, Progress, list(questions))
    views = {one.id: _view(one, report) for one in asked}
    for one in given:
        if one.about in questions and one.origin in questions[one.about].to:
            views[one.about].answers.append(AnswerView(one.id, one.person, one.text, one.answer, one.sent_at))
    return list(views.values())


def _view(one: Solicitation, report: UUID) -> QueryView:
    return QueryView(
        id=one.id, report=report, hub=one.origin, unit=one.to[0], number=one.number, text=one.body,
        deadline=one.deadline, asked_at=one.sent_at,
    )  # fmt: skip
