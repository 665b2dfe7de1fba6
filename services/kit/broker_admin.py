"""Setting up the broker: the topology and the least-privilege users, as RabbitMQ definitions or declared over AMQP."""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

import aio_pika
import aiohttp
from msgspec import Struct

from proto.topology import EXCHANGES, Grant, bindings, queues
from services.kit.errors import SettingsError, TransientError

_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)


class BrokerUser(Struct, frozen=True, kw_only=True):
    """A broker user with what it may do."""

    name: str
    password: str
    grant: Grant


def definitions(vhost: str, codes: Sequence[str], users: Iterable[BrokerUser]) -> dict[str, Any]:
    """Return a RabbitMQ definitions document: what ``rabbitmqctl import_definitions`` and the management API take."""
    listed = list(users)
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {"name": u.name, "password_hash": _hash(u.password), "hashing_algorithm": _HASHING, "tags": []}
            for u in listed
        ],
        "permissions": [
            {"user": u.name, "vhost": vhost, "configure": u.grant.configure, "write": u.grant.write, "read": u.grant.read}
            for u in listed
        ],
        "topic_permissions": [
            {"user": u.name, "vhost": vhost, "exchange": u.grant.topic_exchange, "write": u.grant.topic_write, "read": ".*"}
            for u in listed
            if u.grant.topic_exchange
        ],
        "exchanges": [
            {
                "name": e.name, "vhost": vhost, "type": e.type, "durable": True, "auto_delete": False, "internal": False,
                "arguments": e.arguments,
            }
            for e in EXCHANGES
        ],
        "queues": [
            {"name": q.name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": q.arguments}
            for q in queues(codes)
        ],
        "bindings": [
            {
                "source": b.source, "vhost": vhost, "destination": b.queue, "destination_type": "queue",
                "routing_key": b.key, "arguments": {},
            }
            for b in bindings(codes)
        ],
    }  # fmt: skip


async def apply_definitions(admin_url: str, document: dict[str, Any]) -> None:
    """Import definitions over the management API (``http://user:password@host:port``); repeating it is harmless."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as http,
            http.post(f"{admin_url}/api/definitions", json=document) as answer,
        ):
            if not answer.ok:
                raise SettingsError(
                    f"the broker refused its definitions: {answer.status} {(await answer.text())[:200]}"
                )
    except aiohttp.ClientError as error:
        raise TransientError(f"broker management: {type(error).__name__}") from error


async def declare(amqp_url: str, codes: Sequence[str]) -> None:
    """Declare the topology over AMQP, for a broker whose users are kept by somebody else."""
    connection = await aio_pika.connect(amqp_url, timeout=30)
    async with connection, connection.channel() as channel:
        for e in EXCHANGES:
            await channel.declare_exchange(e.name, e.type, durable=True, arguments=e.arguments)
        for q in queues(codes):
            await channel.declare_queue(q.name, durable=True, arguments=q.arguments)
        for b in bindings(codes):
            target = await channel.get_queue(b.queue, ensure=False)
            await target.bind(b.source, b.key)


_HASHING: Final = "rabbit_password_hashing_sha256"


def _hash(password: str) -> str:
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
