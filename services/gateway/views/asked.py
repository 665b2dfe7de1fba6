"""What hubs asked about a report and what its unit answered, as either of them sees it (核实)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import unpack
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
    async with desk.db.connection() as connection:
        asked = await (said_about if at_hub else received_about)(desk, connection, node, "solicitation", [report])
        questions = {one.id: one for one in asked if isinstance(one, Solicitation)}
        given = await (received_about if at_hub else said_about)(desk, connection, node, "progress", list(questions))
    views = {one.id: _view(one, report) for one in questions.values()}
    for one in given:
        if isinstance(one, Progress) and one.about in questions and one.origin in questions[one.about].to:
            views[one.about].answers.append(AnswerView(one.id, one.person, one.text, one.answer, one.sent_at))
    return list(views.values())


async def said_about(desk: Desk, connection: Any, node: str, kind: str, abouts: list[UUID]) -> list[Any]:
    """Return the messages of a kind that a node sent about others, unless the network refused them."""
    rows = desk.db.queries.sent_about(connection, node=node, kind=kind, abouts=abouts, router=ROUTER_CODE)
    return [codec.decode(unpack(row["body"])) async for row in rows]


async def received_about(desk: Desk, connection: Any, node: str, kind: str, abouts: list[UUID]) -> list[Any]:
    """Return the messages of a kind that a node received about others."""
    rows = desk.db.queries.received_about(connection, node=node, kind=kind, abouts=abouts)
    return [codec.decode(unpack(row["body"])) async for row in rows]


def _view(one: Solicitation, report: UUID) -> QueryView:
    return QueryView(
        id=one.id, report=report, hub=one.origin, unit=one.to[0], number=one.number, text=one.body,
        deadline=one.deadline, asked_at=one.sent_at,
    )  # fmt: skip
