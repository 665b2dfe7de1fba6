"""Who is asking: staff by token (sessions and API tokens), tools and operators by the access file."""

import math
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from aiohttp import web

from proto.envelope import digest_of
from proto.messages import Role
from services.gateway.desk import DESK, Desk
from services.kit.trust.state import in_office
from services.kit.web.access import token_digest
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError, forbidden, not_found, unauthorized

_DUMMY_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Checked where there is no such account, so that a wrong name takes as long as a wrong password."""


_SIGN_IN_BYTES: Final = 20_000  # a stranger's body: unit, name and password, each character escaped

SESSION: Final = "session"
"""The label of tokens that a password opened."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member who is signed in."""

    node: str
    person: str
    roles: frozenset[Role]  # held now, by the roster
    session: bool  # signed in with the password, not by a program's token


Typed = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\u0000]*$")]
"""What somebody types as unit or name: it may be wrong, but the database can be asked for it."""


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """登录."""

    node: Typed
    person: Typed
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class Token(msgspec.Struct):
    """A bearer token; shown once."""

    token: str
    expires_at: datetime


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A token for a program that acts for the person."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 90


class Me(msgspec.Struct):
    """Who I am here."""

    node: str
    node_name: str
    person: str
    name: str
    roles: list[Role]


async def principal(request: web.Request) -> Principal:
    """Return who is signed in; refuse where nobody is, or the person has left office since."""
    desk = request.app[DESK]
    token = token_digest(request)
    found = await desk.accounts.holder(token, desk.clock()) if token else None
    if found is None:
        raise unauthorized()
    node, person, label = found
    return Principal(node=node, person=person, roles=roles_of(desk, node, person), session=label == SESSION)


async def member(request: web.Request, *roles: Role) -> Principal:
    """Return the signed-in member of the node in the path who holds one of ``roles`` (any where none is named)."""
    who = await principal(request)
    if who.node != request.match_info["code"]:
        raise forbidden("auth.not_this_node", "您不是该单位的工作人员", "You are not on this unit's staff")
    if not who.roles or (roles and not who.roles & set(roles)):
        raise forbidden("auth.role", "您的职责不包括此项操作", "Your role does not include this")
    return who


def operator(request: web.Request) -> None:
    """Refuse anybody but the operator."""
    request.app[DESK].access.operator(request)


def roles_of(desk: Desk, node: str, person: str) -> frozenset[Role]:
    """Return the roles that a person holds now, by the roster."""
    staff = desk.state.staff(node, person)
    return frozenset(staff.roles) if staff and in_office(staff, desk.clock()) else frozenset()


async def sign_in(request: web.Request, read: Read[SignIn]) -> Token:
    """Check the password and open a session; failures slow down (``domain/throttle.py``)."""
    desk = request.app[DESK]
    body = await read()
    who = (body.node, body.person)
    address = desk.proxies.client(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", ())))
    known = await desk.accounts.signed_in_from(*who, address)
    wait = desk.doorkeeper.knock(who, address, known=known, now=desk.clock().timestamp())
    if wait:
        desk.metrics.slowed()
        raise _slow_down(wait)
    account = await desk.accounts.one(body.node, body.person)
    good = await desk.passwords.check(account.password_hash if account else _DUMMY_HASH, body.password)
    if account is None or not good or not roles_of(desk, body.node, body.person):
        raise ProblemError(
            401,
            "auth.wrong",
            "单位、姓名或口令有误，或已不在岗",
            "Wrong unit, name or password, or no longer in office",
        )
    desk.doorkeeper.welcome(who, address, known=known)
    await desk.accounts.add_sign_in(*who, address, desk.clock())
    return await _issue(desk, body.node, body.person, SESSION, timedelta(hours=desk.settings.session_hours))


def _slow_down(seconds: float) -> ProblemError:
    """429 with Retry-After (RFC 6585): the same for accounts that there are and for others."""
    return ProblemError(
        429,
        "auth.slow_down",
        "登录失败次数过多，请稍后再试",
        "Too many failed sign-ins, please try again later",
        headers={"Retry-After": str(math.ceil(seconds))},
    )


async def make_token(request: web.Request, read: Read[TokenRequest]) -> Token:
    """Issue a token for a program; a program's token cannot renew itself."""
    who = await principal(request)
    body = await read()
    if not who.session or body.label == SESSION:
        raise forbidden("auth.session_needed", "请用口令登录后签发令牌", "Sign in with your password to issue a token")
    return await _issue(request.app[DESK], who.node, who.person, body.label, timedelta(days=body.days))


async def sign_out(request: web.Request, _: None) -> None:
    """End the token in use."""
    await principal(request)
    await request.app[DESK].accounts.drop_token(token_digest(request) or "")


async def me(request: web.Request, _: None) -> Me:
    """Tell who is signed in."""
    desk = request.app[DESK]
    who = await principal(request)
    node, staff = desk.state.node(who.node), desk.state.staff(who.node, who.person)
    if node is None or staff is None:
        raise not_found()
    return Me(who.node, node.name, who.person, staff.name, sorted(who.roles))


async def _issue(desk: Desk, node: str, person: str, label: str, lasts: timedelta) -> Token:
    now = desk.clock()
    await desk.accounts.drop_old_tokens(now)
    token = secrets.token_urlsafe(32)
    await desk.accounts.add_token(digest_of(token.encode()), node, person, label, now + lasts)
    return Token(token, now + lasts)


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path="/api/v1/sessions", handle=sign_in, summary="登录 / Sign in", body=SignIn,
        body_limit=_SIGN_IN_BYTES, answer=Token, status=201, errors=(400, 401, 413, 429), public=True,
    ),
    Endpoint(method="DELETE", path="/api/v1/sessions/current", handle=sign_out, summary="退出 / Sign out", status=204),
    Endpoint(
        method="POST", path="/api/v1/tokens", handle=make_token, summary="签发程序令牌 / Issue a token for a program",
        body=TokenRequest, answer=Token, status=201,
    ),
    Endpoint(method="GET", path="/api/v1/me", handle=me, summary="当前用户 / Who is signed in", answer=Me),
)  # fmt: skip
