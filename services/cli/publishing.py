"""Handing sealed registry messages and accounts to the gateway, as the operator."""

from collections.abc import Sequence
from typing import Any

import msgspec

from proto import codec
from proto.envelope import Envelope, from_json
from proto.messages import Directory, Roster
from services.cli import client, credentials
from services.cli.failures import usage
from services.cli.place import Place


def send(place: Place, gateway: str, documents: Sequence[bytes]) -> list[str]:
    """Publish in this order; return what each was. Refuse all where one is nothing that can be published."""
    token = credentials.reading_token(place)
    steps = [_step(document) for document in documents]

    async def run() -> list[str]:
        async with client.api(gateway or place.url("gateway"), token) as api:
            for method, path, body, _ in steps:
                await api.call(method, path, body=body)
        return [what for *_, what in steps]

    done: list[str] = client.run(run)
    return done


def _step(document: bytes) -> tuple[str, str, bytes, str]:
    """Return (method, path, body, description)."""
    text = document.strip()
    if text.startswith(b"["):
        return "PUT", "/api/v1/accounts", text, f"accounts {_accounts(text)}"
    envelope: Envelope = from_json(text)
    message = codec.decode(envelope)
    if not isinstance(message, Directory | Roster):
        raise usage("publish.kind", "只发布名录和名册", "Only directories and rosters are published", message.kind())
    return "POST", "/api/v1/envelopes", text, f"{message.kind()} {message.origin} {message.version}"


def _accounts(text: bytes) -> int:
    try:
        return len(msgspec.json.decode(text, type=list[dict[str, Any]]))
    except msgspec.MsgspecError as error:
        raise usage("publish.accounts", "账号文件有误", "Not an accounts file", type(error).__name__) from error
