"""The steps of an item up to its sending: submit, review, approve, return, send (Art. 12)."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import Envelope
from proto.messages import Role
from services.gateway.desk import DESK, Desk
from services.gateway.domain.items import Rule, Step, signing_role
from services.gateway.domain.reports import Sealed, compose
from services.gateway.store.items import Item
from services.gateway.views.auth import Principal, member
from services.gateway.views.forwards import selected, sent_on, taken_back
from services.gateway.views.items import Submitted, checked_words, item_id, legal, was_refused
from services.gateway.views.saying import unlocked_key
from services.kit.trust.enrol import sign_off
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError, forbidden, invalid, not_found


class StepRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A step on an item; review and approve need the signer's passphrase."""

    step: Step
    passphrase: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


async def take_step(request: web.Request, read: Read[StepRequest]) -> Submitted:
    """Submit, review, approve, return or send an item."""
    who = await member(request)
    desk = request.app[DESK]
    body = await read()
    await checked_words(desk, who, body.note)
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
        if body.step is Step.REOPEN:
            await _require_refused(desk, current)
            sealed = tuple(await taken_back(desk, connection, current, who.person))
        if signed is not None and rule.signs is not None:
            await desk.items.sign(connection, item.id, rule.signs, signed)
        if body.step is Step.SEND:
            forwards, originals = await sent_on(desk, connection, current)
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
                forwarded=originals,
            )
            told = await selected(desk, connection, current, forwards, sent.id)
            sealed, message = (sent, *told), sent.id
        if sealed:
            await desk.outbox.add(connection, sealed)
        changed = msgspec.structs.replace(current, state=rule.to, message=message)
        await desk.items.step(connection, changed, at=desk.clock(), person=who.person, step=body.step, note=body.note)
    desk.outbox.added(sealed)
    return Submitted(item.id, message, rule.to)


async def _require_refused(desk: Desk, item: Item) -> None:
    """Let only what the router refused be written anew: all else has arrived, or still may."""
    fates, _ = await desk.items.outcomes([item.message] if item.message else [])
    if not was_refused(fates):
        raise ProblemError(
            409, "item.not_refused", "只有被拒收的信息可以重新起草", "Only what was refused can be written anew"
        )


async def _signed(desk: Desk, who: Principal, item: Item, rule: Rule, role: Role, passphrase: str) -> Envelope | None:
    if rule.signs is None:
        return None
    key = await unlocked_key(desk, who, passphrase)
    return sign_off(
        item.content, node=who.node, about=item.about, person=who.person, role=role, action=rule.signs, at=desk.clock(),
        key=key,
    )  # fmt: skip


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path="/api/v1/nodes/{code}/items/{id}/steps", handle=take_step,
        summary="送审、审核、签发、退回、报送 / Submit, review, approve, return, send", body=StepRequest, answer=Submitted,
        errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
