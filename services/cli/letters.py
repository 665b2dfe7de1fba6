"""Dead letters: looking at ``yz.dead`` without consuming it, and settling chosen letters.

Letters are fetched unacknowledged on one channel and put back when the channel's work is done; should we die in the
middle, the broker puts them back itself. A replayed letter is acknowledged only after the broker has confirmed its copy, so
a crash between the two leaves both: consumers are idempotent by message id.

A letter's headers are as good as whoever wrote them. The broker vouches for one property alone, ``user_id``: only what a
service of ours put there is believed about where it failed. What a gateway wrote may be replayed into ``yz.submit`` under
its own key, where the router judges it like anything else, and nowhere else.
"""

from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError
from msgspec import Struct

from proto.topology import ARCHIVE_QUEUE, DEAD_LETTERS, DEAD_QUEUE, ROUTER_QUEUE, SUBMIT
from services.cli import broker
from services.cli.failures import not_so, unreachable
from services.cli.heads import head_of

_TIMEOUT: Final = 30.0  # seconds for any one broker call
_FINGERPRINT: Final = 12  # hex characters
_BY_EXCHANGE: Final = frozenset({ROUTER_QUEUE, ARCHIVE_QUEUE})
"""Queues whose consumers read the exchange or the routing key, so that a replay must take the same way. To the others a
letter returns directly: under its old key it might reach another inbox of the same message, or all of them again."""
_HEAD: Final = ("kind", "origin", "id")  # of a letter's signed bytes, which nobody has verified here
_TRACES: Final = ("x-death", "x-first-death-", "x-last-death-", "x-yz-", "x-delivery-count", "CC")


class Target(Struct, frozen=True, kw_only=True):
    """Where a letter is replayed to."""

    exchange: str  # '' is the default exchange, whose key is a queue's name
    key: str


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter (死信), without its text."""

    number: int  # place in the list, the oldest 1
    fingerprint: str  # of the bytes and where they came from: the same in every listing
    kind: str
    origin: str  # as claimed
    id: UUID | None  # as claimed; None where it cannot be read
    user: str  # broker user that put it on the bus, as the broker vouches; '' where nobody said who
    queue: str  # whose consumer gave up; '' where it was never routed
    reason: str
    claimed: tuple[str, ...]  # which of these fields are only the sender's word
    size: int  # bytes
    routing_key: str
    target: Target | None  # None where nothing says where it belongs
    headers: dict[str, Any]

    @property
    def target_text(self) -> str:
        """Return the target as people read it."""
        return "" if self.target is None else f"{self.target.exchange or '(queue)'} {self.target.key}"


async def look(url: str, limit: int) -> list[Letter]:
    """Return the letters, at most ``limit``; all stay where they are."""
    believed = broker.SERVICE_USERS | {_user(url)}
    async with broker.connected(url, "yizhan-dead") as connection, _fetched(connection, limit, believed) as messages:
        return [letter async for letter, _ in messages]


async def settle(url: str, limit: int, which: Sequence[str], *, replay: bool) -> list[Letter]:
    """Replay or drop the chosen letters and return them; nothing is touched where one of them is not there."""
    chosen = choose(await look(url, limit), which)
    wanted = {letter.fingerprint for letter in chosen}
    if replay:
        for letter in chosen:
            if letter.target is None:
                raise not_so("dead.no_target", "不知应重投何处", "Nothing says where it belongs", f"#{letter.number}")
    done: list[Letter] = []
    async with broker.connected(url, "yizhan-dead") as connection:
        user = _user(url)
        publisher = await connection.channel(publisher_confirms=True, on_return_raises=True)
        async with _fetched(connection, limit, broker.SERVICE_USERS | {user}) as messages:
            async for letter, message in messages:
                if letter.fingerprint not in wanted:
                    continue
                if replay and letter.target is not None:
                    await _publish(publisher, letter.target, message, user)
                await message.ack()
                done.append(letter)
                wanted.remove(letter.fingerprint)
    if wanted:  # somebody else settled them meanwhile
        raise not_so("dead.gone", "有死信已不在", "Some letters are gone", " ".join(sorted(wanted)))
    return done


def choose(letters: Sequence[Letter], which: Sequence[str]) -> list[Letter]:
    """Return the letters that numbers or fingerprints name, each once."""
    by_name = {str(letter.number): letter for letter in letters} | {letter.fingerprint: letter for letter in letters}
    missing = [name for name in which if name not in by_name]
    if missing:
        raise not_so("dead.unknown", "没有这件死信", "There is no such letter", " ".join(missing))
    return list({by_name[name].fingerprint: by_name[name] for name in which}.values())


def letter_of(number: int, message: AbstractIncomingMessage, believed: Container[str]) -> Letter:
    """Return what may be said of a message; ``believed`` are the broker users whose headers tell where it failed."""
    head = head_of(message.body)
    trusted = message.user_id is not None and message.user_id in believed
    key, queue, reason, target = _history(message) if trusted else _strangers(message)
    mark = f"{message.exchange}\n{key}\n{message.message_id}\n{queue}\n".encode() + message.body
    return Letter(
        number=number,
        fingerprint=sha256(mark).hexdigest()[:_FINGERPRINT],
        kind=head.kind if head else key.rpartition(".")[2],
        origin=head.origin if head else "",
        id=head.id if head else None,
        user=message.user_id or "",
        queue=queue,
        reason=reason,
        claimed=(*_HEAD, *(() if trusted or not queue else ("queue", "reason"))),
        size=len(message.body),
        routing_key=key,
        target=target,
        headers={name: _plain(value) for name, value in message.headers.items()},
    )


def _history(message: AbstractIncomingMessage) -> tuple[str, str, str, Target | None]:
    """Return (routing key, queue that gave it up, reason, where it belongs), from the headers of a service of ours."""
    headers = message.headers
    key = message.routing_key or ""
    if "x-yz-exchange" in headers:  # parked by a consumer
        queue, exchange = str(headers.get("x-yz-consumer") or ""), str(headers["x-yz-exchange"] or "")
        return key, queue, str(headers.get("x-yz-reason") or ""), _target(queue, exchange, key)
    if death := _death(message):  # dead-lettered by the broker
        keys = death.get("routing-keys") or [key]
        key, queue = str(keys[0]), str(death.get("queue") or "")
        return key, queue, str(death.get("reason") or ""), _target(queue, str(death.get("exchange") or ""), key)
    return _strangers(message)


def _strangers(message: AbstractIncomingMessage) -> tuple[str, str, str, Target | None]:
    """Return the same for what anybody may have written: exchange and key are the broker's word, no header is.

    Nor is ``x-death``: where the sender wrote one that names the queue, the broker counts it up and keeps the rest.
    """
    key = message.routing_key or ""
    home = Target(exchange=SUBMIT, key=key)
    if message.exchange == SUBMIT:
        return key, "", "unrouted", home
    death = _death(message) if message.exchange == DEAD_LETTERS else {}
    queue = str(death.get("queue") or "")
    return key, queue, str(death.get("reason") or ""), home if queue == ROUTER_QUEUE else None


def _death(message: AbstractIncomingMessage) -> dict[str, Any]:
    deaths = message.headers.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}


def _target(queue: str, exchange: str, key: str) -> Target:
    if queue and queue not in _BY_EXCHANGE:
        return Target(exchange="", key=queue)
    return Target(exchange=exchange, key=key)


async def _publish(channel: AbstractChannel, target: Target, message: AbstractIncomingMessage, user: str) -> None:
    """Publish a copy and wait for the confirm. It carries our user id: that of the sender is not ours to claim."""
    copy = aio_pika.Message(
        message.body,
        headers={name: value for name, value in message.headers.items() if not name.startswith(_TRACES)},
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(uuid4()),
        user_id=user,
        content_type=message.content_type,
        type=message.type,
        timestamp=message.timestamp,
    )
    exchange = (
        await channel.get_exchange(target.exchange, ensure=False) if target.exchange else channel.default_exchange
    )
    try:
        await exchange.publish(copy, target.key, mandatory=True, timeout=_TIMEOUT)
    except DeliveryError as error:
        detail = f"{target.exchange} {target.key}"
        raise unreachable(
            "dead.not_taken", "总线未接受重投，死信仍在", "The broker did not take it; it stays", detail
        ) from error


@asynccontextmanager
async def _fetched(
    connection: AbstractConnection, limit: int, believed: Container[str]
) -> AsyncIterator[AsyncIterator[tuple[Letter, AbstractIncomingMessage]]]:
    """Yield an iterator over the queue's messages; those not acknowledged are put back when the block ends."""
    channel = await connection.channel(publisher_confirms=False)
    queue = await channel.get_queue(DEAD_QUEUE, ensure=False)
    last: list[int] = []

    async def walk() -> AsyncIterator[tuple[Letter, AbstractIncomingMessage]]:
        for number in range(1, limit + 1):
            message = await queue.get(no_ack=False, fail=False, timeout=_TIMEOUT)
            if message is None:
                return
            last[:] = [message.delivery_tag or 0]
            yield letter_of(number, message, believed), message

    try:
        yield walk()
    finally:
        if not channel.is_closed:
            if last:
                under = await channel.get_underlay_channel()
                await under.basic_nack(last[0], multiple=True, requeue=True)
            await channel.close()


def _user(url: str) -> str:
    """Return who we are at the broker. What we wrote ourselves is believed: we may write anywhere."""
    return unquote(urlsplit(url).username or "guest")


def _plain(value: Any) -> Any:
    """Return a header's value as JSON can hold it."""
    match value:
        case dict():
            return {str(name): _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case bytes():
            return value.hex()
        case _:
            return value
