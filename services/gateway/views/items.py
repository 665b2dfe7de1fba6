"""Writing: draft, review, approve, send, with history (Art. 12); and reports handed in whole by a unit's own system."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import Envelope, from_json
from proto.errors import Reason, RefusedError
from proto.messages import ReportContent, Role
from services.gateway.desk import DESK, Desk
from services.gateway.domain.items import RULES, Rule, State, Step, StepError, rule_for, signing_role
from services.gateway.domain.reports import Sealed, compose, read_content
from services.gateway.handlers.submit import ItemTakenError, Submission
from services.gateway.store.items import Fate, HubVerdict, Item, ItemEvent
from services.gateway.views.auth import Principal, member
from services.kit.errors import KeyUnusableError
from services.kit.trust.enrol import sign_off
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import ProblemError, forbidden, invalid, not_found

_OFFICER: Final = Role.INFORMATION_OFFICER


class DraftRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A draft (草稿)."""

    content: ReportContent
    about: UUID | None = None  # the report that this one continues or corrects
    id: UUID | None = None  # the client's own id, so that trying again does not make a second item


class StepRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A step on an item; review and approve need the signer's passphrase."""

    step: Step
    passphrase: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


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


class ItemQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which items."""

    state: State | None = None
    before: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def add_draft(request: web.Request, body: DraftRequest) -> Submitted:
    """Store a draft; classified content is stopped here, and only the event remains."""
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
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
        known = await desk.items.known(connection, [item.id])
        if not known:
            await desk.items.add(connection, [item], Step.EDIT)
        elif known[item.id] != (who.node, None):
            raise taken()
    return Submitted(item.id, None, State.DRAFT)


async def edit(request: web.Request, body: DraftRequest) -> Submitted:
    """Change a draft or a returned item; its sign-offs lapse."""
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
    content = codec.encode(body.content).decode()
    await checked(desk, who, content)
    async with desk.db.transaction() as connection:
        item = await desk.items.for_update(connection, who.node, item_id(request))
        if item is None:
            raise not_found("item.unknown")
        rule = legal(item.state, Step.EDIT)
        changed = msgspec.structs.replace(item, state=rule.to, title=body.content.title, content=content)
        await desk.items.unsign(connection, item.id)
        await desk.items.step(connection, changed, at=desk.clock(), person=who.person, step=Step.EDIT, note="")
    return Submitted(item.id, None, rule.to)


async def take_step(request: web.Request, body: StepRequest) -> Submitted:
    """Submit, review, approve, return or send an item."""
    who = await member(request)
    desk = request.app[DESK]
    item = await desk.items.one(who.node, item_id(request))
    if item is None:
        raise not_found("item.unknown")
    rule = legal(item.state, body.step)
    if body.step is Step.EDIT:
        raise invalid("step", "item.edit_by_put")
    if body.step is Step.RETURN and not body.note.strip():
        raise ProblemError(422, "item.return_needs_note", "退回须写明意见", "Returning needs an opinion")
    role = signing_role(who.roles, rule, codec.decode_content(item.content).importance)
    if role is None:
        raise forbidden("auth.role", "您的职责不包括此项操作", "Your role does not include this")
    signed = await _signed(desk, who, item, rule, role, body.passphrase)
    if body.step is Step.SEND:
        desk.outbox.check_room()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        current = await desk.items.for_update(connection, who.node, item.id)
        if current is None or current.content != item.content:
            raise ProblemError(
                409, "item.changed", "内容已被修改，请刷新后重试", "The item has changed, please look again"
            )
        legal(current.state, body.step)
        message: UUID | None = None
        sealed: tuple[Sealed, ...] = ()
        if signed is not None and rule.signs is not None:
            await desk.items.sign(connection, item.id, rule.signs, signed)
        if body.step is Step.SEND:
            sent, _ = compose(
                desk.state,
                desk.keys[who.node],
                node=who.node,
                content=item.content,
                sign_offs=await desk.items.sign_offs(connection, item.id),
                about=item.about,
                to=None,
                id=desk.new_id(),
                now=desk.clock(),
            )
            sealed, message = (sent,), sent.id
            await desk.outbox.add(connection, sealed)
        changed = msgspec.structs.replace(current, state=rule.to, message=message)
        await desk.items.step(connection, changed, at=desk.clock(), person=who.person, step=body.step, note=body.note)
    desk.outbox.added(sealed)
    return Submitted(item.id, message, rule.to)


async def _signed(desk: Desk, who: Principal, item: Item, rule: Rule, role: Role, passphrase: str) -> Envelope | None:
    if rule.signs is None:
        return None
    account = await desk.accounts.one(who.node, who.person)
    if account is None or account.key_pem is None:
        raise ProblemError(422, "sign.no_key", "您在本网关没有签名密钥", "You have no signing key at this gateway")
    try:
        key = await desk.passwords.unlock(account.key_pem, passphrase)
    except KeyUnusableError as error:
        raise ProblemError(403, "sign.wrong_passphrase", "签名口令有误", "Wrong passphrase") from error
    return sign_off(item.content, person=who.person, role=role, action=rule.signs, at=desk.clock(), key=key)


async def submit(request: web.Request, body: SubmitRequest) -> Submitted:
    """Take a report that is signed off already; 2xx means stored with its outbox row (promise 1)."""
    who = await member(request, _OFFICER)
    desk = request.app[DESK]
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
    view.steps = [step for (state, step) in RULES if state is item.state]
    return view


async def checked(desk: Desk, who: Principal, content: str, attempt: UUID | None = None) -> ReportContent:
    """Read content; where it is classified leave the contentless event and refuse (Art. 2).

    ``attempt`` is the client's id of the item, so that trying again leaves one event.
    """
    try:
        return read_content(content)
    except RefusedError as error:
        if error.reason is Reason.REPORT_CLASSIFIED:
            await desk.items.add_event(attempt or desk.new_id(), desk.clock(), who.node, who.person, error.reason.value)
        raise


def legal(state: State, step: Step) -> Rule:
    """Return the rule of a step; 409 with the allowed steps where it is illegal."""
    try:
        return rule_for(state, step)
    except StepError as error:
        allowed = ", ".join(error.allowed) or "-"
        raise ProblemError(
            409, "item.illegal_step", "当前状态不允许此操作", "This step is not allowed now", f"{state}: {allowed}"
        ) from error


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
        answer=Submitted, status=201, errors=(400, 401, 403, 409, 422),
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
        method="POST", path=f"{_NODE}/items/{{id}}/steps", handle=take_step,
        summary="送审、审核、签发、退回、报送 / Submit, review, approve, return, send", body=StepRequest, answer=Submitted,
        errors=(400, 401, 403, 404, 409, 422),
    ),
    Endpoint(
        method="POST", path=f"{_NODE}/reports", handle=submit,
        summary="整件报送（已在本单位签发）/ Hand in a signed-off report", body=SubmitRequest, answer=Submitted, status=201,
        errors=(400, 401, 403, 409, 422),
    ),
)  # fmt: skip
