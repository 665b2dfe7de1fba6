"""Writing: draft, review, approve, send, with history (Art. 12); and reports handed in whole by a unit's own system."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import from_json
from proto.errors import Reason, RefusedError
from proto.messages import Outcome, ReportContent, Role, Stage
from services.gateway.desk import DESK, Desk
from services.gateway.domain.items import RULES, Rule, State, Step, StepError, rule_for
from services.gateway.domain.reports import read_content
from services.gateway.handlers.submit import ItemDiffersError, ItemTakenError, Submission
from services.gateway.store.items import Fate, HubVerdict, Item, ItemEvent
from services.gateway.store.selections import Forward
from services.gateway.views.asked import QueryView, asked_about
from services.gateway.views.auth import Principal, member
from services.kit.secrecy import is_marked
from services.kit.trust.verify import check_joint
from services.kit.web.api import Endpoint, Read, query_of, reply
from services.kit.web.problem import ProblemError, invalid, not_found

_OFFICER: Final = Role.INFORMATION_OFFICER


class DraftRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A draft (草稿)."""

    content: ReportContent
    about: UUID | None = None  # the report that this one continues or corrects
    id: UUID | None = None  # the client's own id, so that trying again does not make a second item


class SubmitRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A report handed in whole, signed off outside: ``content`` is the exact JSON text that the sign-offs cover."""

    content: str
    sign_offs: tuple[msgspec.Raw, ...]  # DSSE JSON envelopes
    about: UUID | None = None
    to: tuple[str, ...] | None = None  # None: the unit's own hubs
    id: UUID | None = None


class Submitted(msgspec.Struct):
    """What was stored."""

    item: UUID
    message: UUID | None
    state: State


class ItemView(msgspec.Struct, kw_only=True):
    """An item as its unit sees it."""

    id: UUID
    node: str
    state: State
    title: str
    about: UUID | None
    author: str
    created_at: datetime
    updated_at: datetime
    message: UUID | None
    receipts: list[Fate]
    verdicts: list[HubVerdict]
    content: ReportContent | None = None  # not in lists
    history: list[ItemEvent] = []
    steps: list[Step] = []  # allowed from here
    forwards: list[Forward] = []  # the originals that it sends on (转报), not in lists
    queries: list[QueryView] = []  # what hubs asked about it (核实), not in lists


class ItemQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which items."""

    state: State | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def add_draft(request: web.Request, read: Read[DraftRequest]) -> Submitted | web.Response:
    """Store a draft; classified content is stopped here, and only the event remains.

    The same draft under a known id is answered with the state of the item that is there.
    """
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
    body = await read()
    content = codec.encode(body.content).decode()
    await checked(desk, who, content, body.id)
    now = desk.clock()
    item = Item(
        id=body.id or desk.new_id(),
        node=who.node,
        state=State.DRAFT,
        title=body.content.title,
        content=content,
        about=body.about,
        author=who.person,
        created_at=now,
        updated_at=now,
        message=None,
    )
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # or the same id, handed in at the same time, breaks the key
        known = (await desk.items.by_id(connection, [item.id])).get(item.id)
        if known is None:
            await desk.items.add(connection, [item], Step.EDIT)
    if known is None:
        return Submitted(item.id, None, State.DRAFT)
    if known.node != who.node:
        raise taken()
    if not same(known, item):
        raise differs(known.state)
    return reply(Submitted(known.id, known.message, known.state), 200)


async def edit(request: web.Request, read: Read[DraftRequest]) -> Submitted:
    """Change a draft or a returned item; its sign-offs lapse."""
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
    body = await read()
    content = codec.encode(body.content).decode()
    await checked(desk, who, content)
    async with desk.db.transaction() as connection:
        item = await desk.items.for_update(connection, who.node, item_id(request))
        if item is None:
            raise not_found("item.unknown")
        rule = legal(item.state, Step.EDIT)
        about = None if body.content.stage is Stage.FIRST else body.about or item.about
        changed = msgspec.structs.replace(item, state=rule.to, title=body.content.title, content=content, about=about)
        await desk.items.unsign(connection, item.id)
        await desk.items.step(connection, changed, at=desk.clock(), person=who.person, step=Step.EDIT, note="")
    return Submitted(item.id, None, rule.to)


async def submit(request: web.Request, read: Read[SubmitRequest]) -> Submitted:
    """Take a report that is signed off already; 2xx means stored with its outbox row (promise 1)."""
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
    body = await read()
    await checked(desk, who, body.content, body.id)
    submission = Submission(
        item=body.id or desk.new_id(),
        node=who.node,
        author=who.person,
        content=body.content,
        sign_offs=tuple(from_json(bytes(raw)) for raw in body.sign_offs),
        about=body.about,
        to=body.to,
    )
    try:
        message = await desk.submitter.submit(submission)
    except ItemTakenError as error:
        raise taken() from error
    except ItemDiffersError as error:
        raise differs(State.SENT) from error
    return Submitted(submission.item, message, State.SENT)


async def list_items(request: web.Request, _: None) -> list[ItemView]:
    """List a unit's items with what became of them."""
    who = await member(request)
    desk = request.app[DESK]
    query: ItemQuery = query_of(request, ItemQuery)
    items = await desk.items.page(who.node, query.state, query.before, query.limit)
    fates, verdicts = await desk.items.outcomes([i.message for i in items if i.message])
    return [_view(i, fates, verdicts) for i in items]


async def one_item(request: web.Request, _: None) -> ItemView:
    """Show one item with its history; by its own id or its message's."""
    who = await member(request)
    desk = request.app[DESK]
    item = await desk.items.one(who.node, item_id(request))
    if item is None:
        raise not_found("item.unknown")
    fates, verdicts = await desk.items.outcomes([item.message] if item.message else [])
    view = _view(item, fates, verdicts)
    view.content = codec.decode_content(item.content)
    view.history = await desk.items.history(item.id)
    steps = (step for (state, step) in RULES if state is item.state)
    view.steps = [step for step in steps if step is not Step.REOPEN or was_refused(view.receipts)]
    view.forwards = await desk.selections.forwards(item.id)
    view.queries = await asked_about(desk, who.node, item.message, at_hub=False) if item.message else []
    return view


async def checked(
    desk: Desk, who: Principal, content: str, attempt: UUID | None = None, *, as_it_came: bool = False
) -> ReportContent:
    """Read content; where it is classified leave the contentless event and refuse (Art. 2).

    Joint units and the key point that it names are checked when they are written: the text may still be changed; not the
    key point of what a hub sends on ``as_it_came``. ``attempt`` is the client's id of the item: trying again leaves one event.
    """
    try:
        decoded = read_content(content)
    except RefusedError as error:
        if error.reason is Reason.REPORT_CLASSIFIED:
            await desk.items.add_event(attempt or desk.new_id(), desk.clock(), who.node, who.person, error.reason.value)
        raise
    check_joint(desk.state, decoded, who.node)
    if not as_it_came and await desk.messages.is_unknown_point(who.node, decoded.answers):
        zh, en = "本单位没有收到所注明的报送要点", "The key point that the report names did not come to this unit"
        raise ProblemError(422, "report.key_point_unknown", zh, en)
    return decoded


async def checked_words(desk: Desk, who: Principal, *words: str) -> None:
    """Refuse classified words about a report, such as an opinion or a reason, as content is refused (Art. 2)."""
    if any(map(is_marked, words)):
        reason = Reason.REPORT_CLASSIFIED
        await desk.items.add_event(desk.new_id(), desk.clock(), who.node, who.person, reason.value)
        raise RefusedError(reason)


def same(known: Item, new: Item) -> bool:
    """Tell whether an item that is there says the same as a new one."""
    return (known.content, known.about) == (new.content, new.about)


def legal(state: State, step: Step) -> Rule:
    """Return the rule of a step; 409 with the allowed steps where it is illegal."""
    try:
        return rule_for(state, step)
    except StepError as error:
        allowed = ", ".join(error.allowed) or "-"
        raise ProblemError(
            409, "item.illegal_step", "当前状态不允许此操作", "This step is not allowed now", f"{state}: {allowed}"
        ) from error


def was_refused(fates: Iterable[Fate]) -> bool:
    """Tell whether the router refused what these receipts are about."""
    return any(fate.giver == ROUTER_CODE and fate.outcome == Outcome.REFUSED for fate in fates)


def differs(state: State) -> ProblemError:
    """409: the id is this unit's, but was used for another content."""
    return ProblemError(409, "item.differs", "该编号的信息内容与此不同", "The item of this id has other content", state)


def taken() -> ProblemError:
    """409: the id is another item's."""
    return ProblemError(409, "item.id_taken", "该编号已被使用", "This id is taken")


def item_id(request: web.Request) -> UUID:
    """Return the id in the path."""
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise invalid("id") from error


def _view(item: Item, fates: list[Fate], verdicts: list[HubVerdict]) -> ItemView:
    return ItemView(
        id=item.id,
        node=item.node,
        state=item.state,
        title=item.title,
        about=item.about,
        author=item.author,
        created_at=item.created_at,
        updated_at=item.updated_at,
        message=item.message,
        receipts=[f for f in fates if f.message == item.message],
        verdicts=[v for v in verdicts if v.report == item.message],
    )


_NODE: Final = "/api/v1/nodes/{code}"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=f"{_NODE}/items", handle=add_draft, summary="新建草稿 / New draft", body=DraftRequest,
        answer=Submitted, status=201, again=200, errors=(400, 401, 403, 409, 422),
    ),
    Endpoint(
        method="GET", path=f"{_NODE}/items", handle=list_items, summary="信息列表 / List items", query=ItemQuery,
        answer=list[ItemView],
    ),
    Endpoint(method="GET", path=f"{_NODE}/items/{{id}}", handle=one_item, summary="信息详情 / One item", answer=ItemView),
    Endpoint(
        method="PUT", path=f"{_NODE}/items/{{id}}", handle=edit, summary="修改草稿 / Edit a draft", body=DraftRequest,
        answer=Submitted, errors=(400, 401, 403, 404, 409, 422),
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/reports", handle=submit,
        summary="整件报送（已在本单位签发）/ Hand in a signed-off report", body=SubmitRequest, answer=Submitted, status=201,
        errors=(400, 401, 403, 409, 422),
    ),
)  # fmt: skip
