"""How what a unit says leaves: once, however often the client tries; and a lead's signature under a text."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import Envelope, digest_of
from proto.messages import Action, Message
from services.gateway.desk import DESK, Desk
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.reports import outgoing
from services.gateway.store.messages import Attempt
from services.gateway.views.auth import Principal
from services.gateway.views.hub import LEADS, refusal_of
from services.kit.crypto import PrivateKey
from services.kit.errors import KeyUnusableError
from services.kit.trust.enrol import sign_off
from services.kit.web.api import reply
from services.kit.web.problem import ProblemError

Make = Callable[[Any, UUID, datetime], Awaitable[Message]]
"""(connection, id, now) → the message, with its rows written on the connection; raises where it may not be said."""


class Said(msgspec.Struct):
    """The message that was stored and will be sent."""

    message: UUID


async def say(
    request: web.Request, who: Principal, asked: msgspec.Struct, attempt: UUID | None, make: Make
) -> Said | web.Response:
    """Store one message of the unit with its outbox row, or find it stored under the client's own id.

    ``asked`` is the request's body: the same id for another body, or another address, is refused.
    """
    desk = request.app[DESK]
    desk.outbox.check_room()
    digest = digest_of(f"{request.method} {request.path}\n".encode() + codec.encode(asked))
    try:
        async with desk.db.transaction() as connection:
            await desk.outbox.lock(connection)
            if attempt is not None:
                known = await desk.messages.attempt(connection, who.node, attempt)
                if known is not None and known.digest != digest:
                    raise ProblemError(
                        409, "request.id_used", "该编号已用于另一请求", "This id was used for another request"
                    )
                if known is not None:
                    return reply(Said(known.message), 200)
            now = desk.clock()
            message = await make(connection, desk.new_id(), now)
            messages = [outgoing(desk.state, desk.keys[who.node], message, now=now)]
            await desk.outbox.add(connection, messages)
            if attempt is not None:
                await desk.messages.add_attempt(
                    connection, who.node, attempt, Attempt(digest=digest, message=message.id)
                )
    except DecisionError as error:
        raise refusal_of(error) from error
    desk.outbox.added(messages)
    return Said(message.id)


async def unlocked_key(desk: Desk, who: Principal, passphrase: str) -> PrivateKey:
    """Return a person's own signing key; refuse where there is none, or the passphrase is wrong."""
    account = await desk.accounts.one(who.node, who.person)
    if account is None or account.key_pem is None:
        raise ProblemError(422, "sign.no_key", "您在本网关没有签名密钥", "You have no signing key at this gateway")
    try:
        return await desk.passwords.unlock(account.key_pem, passphrase)
    except KeyUnusableError as error:
        raise ProblemError(403, "sign.wrong_passphrase", "签名口令有误", "Wrong passphrase") from error


async def approval(desk: Desk, who: Principal, content: str, passphrase: str) -> Envelope:
    """Return a lead's approval of a text, sealed with the lead's own key."""
    key = await unlocked_key(desk, who, passphrase)
    role = next(role for role in LEADS if role in who.roles)
    return sign_off(
        content, node=who.node, person=who.person, role=role, action=Action.APPROVED, at=desk.clock(), key=key
    )
