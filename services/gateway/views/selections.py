"""上报国办: what the province selects for the national level, and what became of it there."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.messages import Decision, Level, Message, NodeKind, PublicationRef, Role, Verdict
from services.gateway.desk import DESK, Desk
from services.gateway.domain.forwarding import check_selection
from services.gateway.views.auth import Principal
from services.gateway.views.hub import ItemShare, hub_member
from services.gateway.views.items import checked_words, item_id
from services.gateway.views.saying import Said, say
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError

_Note = Annotated[str, msgspec.Meta(max_length=2000)]


class SelectionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Reports that are selected for the national level."""

    items: Annotated[list[ItemShare], msgspec.Meta(max_length=100)]
    level: Level
    reason: _Note = ""
    id: UUID | None = None  # the client's own id, so that trying again does not select twice


class OutcomeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the national level made of a selection."""

    publication: PublicationRef
    reason: _Note = ""
    id: UUID | None = None


async def select(request: web.Request, read: Read[SelectionRequest]) -> Said | web.Response:
    """Select reports for the national level; each once."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.reason)
    _only_the_province(desk, who)
    if body.level is not Level.NATIONAL:
        raise _refusal("selection.level", "只能选送至国家层面", "The province selects for the national level")
    shares = [(one.report, one.share) for one in body.items]
    reports = [report for report, _ in shares]

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        items = check_selection(
            shares,
            origins=await desk.inbox.origins(connection, who.node, reports),
            selected=await desk.selections.selected(connection, who.node, Level.NATIONAL, reports),
        )
        await desk.selections.select(connection, who.node, Level.NATIONAL, id, reports)
        return _decision(who, id, now, items, verdict=Verdict.SELECTED, reason=body.reason)

    return await say(request, who, body, body.id, make)


async def outcome(request: web.Request, read: Read[OutcomeRequest]) -> Said | web.Response:
    """Record that the national level adopted what was selected; once."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    appears = body.publication
    await checked_words(desk, who, body.reason, appears.series, appears.issue)
    about = item_id(request)
    _only_the_province(desk, who)
    if not appears.series or not appears.issue:
        raise _refusal("decision.no_publication", "采用须注明刊物和期号", "An adoption names its publication and issue")

    async def make(connection: Any, id: UUID, now: datetime) -> Message:
        known = await desk.selections.one(connection, who.node, about)
        selection = await desk.messages.sent(connection, who.node, about, Decision)
        if known is None or selection is None:
            raise _refusal("selection.unknown", "没有生效的该项选送", "There is no such selection in force")
        if known.outcome is not None:
            raise _refusal("selection.told", "该项选送已有结果", "This selection has its outcome already")
        await desk.selections.tell(connection, who.node, about, id)
        return _decision(
            who, id, now, selection.items, verdict=Verdict.ADOPTED, reason=body.reason, about=about, publication=appears
        )

    return await say(request, who, body, body.id, make)


def _decision(
    who: Principal,
    id: UUID,
    now: datetime,
    items: Any,
    *,
    verdict: Verdict,
    reason: str,
    about: UUID | None = None,
    publication: PublicationRef | None = None,
) -> Decision:
    return Decision(
        id=id, origin=who.node, to=tuple(dict.fromkeys(item.origin for item in items)), sent_at=now, about=about,
        verdict=verdict, items=items, level=Level.NATIONAL, publication=publication, editor=who.person, reason=reason,
    )  # fmt: skip


def _only_the_province(desk: Desk, who: Principal) -> None:
    node = desk.state.node(who.node)
    if node is None or node.type is not NodeKind.PROVINCE:
        raise _refusal(
            "selection.province_only", "上报国办由省级办公室办理", "The province alone selects for that level"
        )


def _refusal(code: str, zh: str, en: str) -> ProblemError:
    return ProblemError(422, code, zh, en)


_SELECTIONS: Final = "/api/v1/nodes/{code}/selections"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=_SELECTIONS, handle=select, summary="上报国办 / Select for the national level",
        body=SelectionRequest, answer=Said, status=201, again=200, errors=(400, 401, 403, 409, 422),
    ),
    Endpoint(
        method="POST", path=f"{_SELECTIONS}/{{id}}/outcome", handle=outcome,
        summary="登记国办采用 / Record the national outcome", body=OutcomeRequest, answer=Said, status=201, again=200,
        errors=(400, 401, 403, 409, 422),
    ),
)  # fmt: skip
