"""转报: a city's item that carries its counties' reports up, unchanged; it goes the way of any item of the city."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import Envelope
from proto.errors import Reason, RefusedError
from proto.messages import DecidedItem, Decision, Level, NodeKind, Report, ReportContent, Role, Verdict
from services.gateway.desk import DESK, Desk
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.forwarding import chained_to, check_forward, fits
from services.gateway.domain.items import State, Step
from services.gateway.domain.reports import Sealed, outgoing
from services.gateway.store.items import Item
from services.gateway.store.selections import Forward, Original
from services.gateway.views.auth import Principal
from services.gateway.views.hub import ItemShare, hub_member, refusal_of
from services.gateway.views.items import Submitted, checked, differs, same, taken
from services.kit.secrecy import check_open
from services.kit.trust.verify import verify_forwarded
from services.kit.web.api import Endpoint, Read, reply
from services.kit.web.problem import ProblemError


class ForwardRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent on to the hub above."""

    reports: Annotated[list[ItemShare], msgspec.Meta(max_length=100)]  # originals; shares of the credit, together 1
    content: ReportContent | None = None  # of a merged text; None: the single original's as it is
    about: UUID | None = None  # of a follow-up: the city's own report; None: as which the first report went on
    id: UUID | None = None  # the client's own id, so that trying again does not make a second item


async def forward(request: web.Request, read: Read[ForwardRequest]) -> Submitted | web.Response:
    """Make a draft that remembers what it sends on; the originals are taken from the inbox when it is sent."""
    who = await hub_member(request, Role.EDITOR, Role.INFORMATION_OFFICER)
    desk = request.app[DESK]
    body = await read()
    shares = [(one.report, one.share) for one in body.reports]
    originals = await desk.selections.originals(who.node, [report for report, _ in shares])
    content = _content(body, originals)
    decoded = await checked(desk, who, content, body.id, as_it_came=body.content is None)
    try:
        async with desk.db.transaction() as connection:
            await desk.outbox.lock(connection)  # or the same id, handed in at the same time, breaks the key
            known = (await desk.items.by_id(connection, [body.id])).get(body.id) if body.id else None
            about = body.about
            if known is None:
                await _check(desk, connection, who, shares, originals)
                about = await _about(desk, connection, who, body, decoded, originals)
            now = desk.clock()
            item = Item(
                id=body.id or desk.new_id(), node=who.node, state=State.DRAFT, title=decoded.title, content=content,
                about=known.about if known else about, author=who.person, created_at=now, updated_at=now, message=None,
            )  # fmt: skip
            if known is not None:
                return await _again(desk, connection, known, item, shares)
            _check_whole(desk, item, [originals[report] for report, _ in shares])
            await desk.items.add(connection, [item], Step.EDIT)
            await desk.selections.add_forwards(connection, item.id, shares)
    except DecisionError as error:
        raise refusal_of(error) from error
    return Submitted(item.id, None, State.DRAFT)


async def sent_on(desk: Desk, connection: Any, item: Item) -> tuple[list[Forward], tuple[Envelope, ...]]:
    """Return what an item sends on, with the originals as they came; refuse where one is on its way already."""
    forwards = await desk.selections.forwards(item.id, connection)
    if not forwards:
        return [], ()
    reports = [one.report for one in forwards]
    if await desk.selections.selected(connection, item.node, Level.PROVINCE, reports):
        raise ProblemError(409, "selection.already", "该信息已选送", "A report has been sent on already")
    originals = await desk.selections.originals(item.node, reports, connection)
    return forwards, tuple(originals[report].envelope for report in reports)


async def selected(desk: Desk, connection: Any, item: Item, forwards: list[Forward], message: UUID) -> list[Sealed]:
    """Note that an item's originals went on as ``message``; return the decision that tells their origins."""
    if not forwards:
        return []
    decision = Decision(
        id=desk.new_id(),
        origin=item.node,
        to=tuple(dict.fromkeys(one.origin for one in forwards)),
        sent_at=desk.clock(),
        verdict=Verdict.SELECTED,
        items=tuple(DecidedItem(report=one.report, origin=one.origin, share=one.share) for one in forwards),
        level=Level.PROVINCE,
        forwarded_as=message,
        editor=item.author,
    )
    await desk.selections.select(
        connection, item.node, Level.PROVINCE, decision.id, [one.report for one in forwards], message
    )
    return [outgoing(desk.state, desk.keys[item.node], decision, now=decision.sent_at)]


async def taken_back(desk: Desk, connection: Any, item: Item, person: str) -> list[Sealed]:
    """Take back the selection of the originals that a refused report carried; return what tells their origins so."""
    chosen = await desk.selections.sent_as(connection, item.node, item.message) if item.message else None
    original = await desk.messages.sent(connection, item.node, chosen, Decision) if chosen else None
    if original is None:  # it carried none, or they were taken back, or that decision was refused too
        return []
    desk.outbox.check_room()
    decision = Decision(
        id=desk.new_id(),
        origin=item.node,
        to=original.to,
        sent_at=desk.clock(),
        about=original.id,
        verdict=Verdict.REVERSED,
        items=original.items,
        editor=person,
        reason="转报件被拒收，选送撤回",
    )
    await desk.selections.take_back(connection, item.node, original.id, decision.id)
    return [outgoing(desk.state, desk.keys[item.node], decision, now=decision.sent_at)]


def _content(body: ForwardRequest, originals: dict[UUID, Original]) -> str:
    """Return the item's content: as given, or the single original's own text, byte for byte."""
    if body.content is not None:
        return codec.encode(body.content).decode()
    if len(body.reports) != 1:
        raise ProblemError(
            422, "forward.no_content", "多条综合转报须写明正文", "Several originals need a text that merges them"
        )
    original = originals.get(body.reports[0].report)
    if original is None:
        raise ProblemError(422, "decision.unknown_item", "该信息未报送本单位", "A report did not come to this hub")
    return _report_in(original).content


async def _check(
    desk: Desk, connection: Any, who: Principal, shares: list[Any], originals: dict[UUID, Original]
) -> None:
    node = desk.state.node(who.node)
    check_forward(
        shares,
        origins={report: original.origin for report, original in originals.items()},
        forwarded=await desk.selections.selected(connection, who.node, Level.PROVINCE, [r for r, _ in shares]),
        top=node is not None and node.type is NodeKind.PROVINCE,
    )


async def _about(
    desk: Desk,
    connection: Any,
    who: Principal,
    body: ForwardRequest,
    content: ReportContent,
    originals: dict[UUID, Original],
) -> UUID | None:
    continued = {about for one in originals.values() if (about := _report_in(one).about) is not None}
    went_on = await desk.selections.selected(connection, who.node, Level.PROVINCE, list(continued))
    about = chained_to(content, body.about, continued, went_on)
    codec.check_chain(content, about)
    return about


async def _again(desk: Desk, connection: Any, known: Item, item: Item, shares: list[Any]) -> web.Response:
    """Answer for an id that is there: the same draft is answered with where it stands."""
    if known.node != item.node:
        raise taken()
    forwards = await desk.selections.forwards(known.id, connection)
    if not same(known, item) or [(one.report, one.share) for one in forwards] != shares:
        raise differs(known.state)
    return reply(Submitted(known.id, known.message, known.state), 200)


def _check_whole(desk: Desk, item: Item, originals: list[Original]) -> None:
    """Refuse now what the network would refuse once it is signed: an original that does not verify, or too much."""
    envelopes = tuple(original.envelope for original in originals)
    if not fits(item.content, [envelope.json() for envelope in envelopes]):
        raise RefusedError(Reason.ENVELOPE_TOO_LARGE, "forwarded")
    report = Report(
        id=item.id, origin=item.node, to=desk.state.hubs_of(item.node), sent_at=desk.clock(), about=item.about,
        content=item.content, sign_offs=(), forwarded=envelopes,
    )  # fmt: skip
    for _, content in verify_forwarded(desk.state, report):
        check_open(content)


def _report_in(original: Original) -> Report:
    message = codec.decode(original.envelope)
    if not isinstance(message, Report):
        raise TypeError(message.kind())  # the store asked for reports
    return message


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path="/api/v1/nodes/{code}/forwards", handle=forward,
        summary="转报下级信息（起草）/ Draft a report that sends originals on", body=ForwardRequest, answer=Submitted,
        status=201, again=200, errors=(400, 401, 403, 409, 422),
    ),
)  # fmt: skip
