"""A hub's desk to test with: reports that lie before it, a series, drafts of issues."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from proto import codec
from proto.envelope import unpack
from proto.messages import Message, Outcome
from tests.integration.gateway_service import DEADLINE, Answer, Gateway, entry
from tests.places import KUNSHAN, PROVINCE, SUZHOU, WUXI
from tests.waiting import eventually

DAILY = {"name": "【样例】江苏信息", "organ": "【样例】信息处", "readers": {"down": [SUZHOU], "across": [WUXI]}}


async def reported(gateway: Gateway, hub: str = PROVINCE, origin: str = KUNSHAN, **changes: Any) -> UUID:
    """Return a report that lies in a hub's inbox."""
    about = changes.pop("about", None)
    message, envelope = gateway.world.report(origin, to=(hub,), about=about, **changes)
    await gateway.deliver(hub, message, envelope)
    await gateway.received(hub, message.id)
    return message.id


async def good(call: Any, status: int = 200) -> Any:
    """Return the body of an answer that must be good."""
    answer: Answer = await call
    assert answer.status == status, answer
    return answer.body


async def opened(gateway: Gateway, hub: str = PROVINCE, series: str = "daily", **fields: Any) -> dict[str, Any]:
    """Return a new draft issue of a series, which is set up where there is none."""
    await good(
        gateway.call(
            hub,
            "editor",
            "PUT",
            f"/series/{series}",
            DAILY | {"readers": {"down": [KUNSHAN]}} if hub == SUZHOU else DAILY,
        )
    )
    issue: dict[str, Any] = await good(gateway.call(hub, "editor", "POST", f"/series/{series}/issues", fields), 201)
    return issue


async def add(
    gateway: Gateway, issue: str, *reports: UUID, shares: Sequence[str] = (), hub: str = PROVINCE, **fields: Any
) -> Answer:
    """Adopt or merge reports into an issue."""
    given = shares or (["1"] if len(reports) == 1 else ["0.5", "0.5"])
    body = {
        "verdict": "adopted" if len(reports) == 1 else "merged",
        "items": [{"report": report, "share": share} for report, share in zip(reports, given, strict=True)],
    }
    return await gateway.call(hub, "editor", "POST", f"/issues/{issue}/items", body | fields)


async def final(gateway: Gateway, issue: str, person: str = "lead", hub: str = PROVINCE) -> Answer:
    """Make an issue final as it stands now."""
    shown = await good(gateway.call(hub, "lead", "GET", f"/issues/{issue}"))
    return await gateway.call(hub, person, "POST", f"/issues/{issue}/final", {"digest": shown["digest"]})


async def state_of(gateway: Gateway, report: UUID, hub: str = PROVINCE) -> str:
    """Return what has become of a report at a hub."""
    found = await good(gateway.call(hub, "editor", "GET", f"/intake/{report}"))
    return str(found["report"]["state"])


async def said(gateway: Gateway, hub: str, kind: str) -> list[Message]:
    """Return what a hub has said of a kind, in order."""
    rows = await gateway.database.fetch("SELECT body FROM sent WHERE node = $1 AND kind = $2 ORDER BY id", hub, kind)
    return [codec.decode(unpack(row["body"])) for row in rows]


async def message_of(gateway: Gateway, answer: Answer) -> Message:
    """Return the message that an answer names."""
    assert answer.status == 201, answer
    return codec.decode(unpack(await _sent(gateway, UUID(answer.body["message"]))))


async def pass_on(gateway: Gateway, answer: Answer) -> Message:
    """Bring what a unit said to those whom it is for, as the router does."""
    message = await message_of(gateway, answer)
    envelope = unpack(await _sent(gateway, message.id))
    for code in message.to:
        await gateway.deliver(code, message, envelope)
        await gateway.received(code, message.id)
    return message


async def _sent(gateway: Gateway, message: UUID) -> bytes:
    body: bytes = await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", message)
    return body


async def bring(gateway: Gateway, hub: str, message: Message) -> None:
    """Bring a message that another unit's gateway sent."""
    await gateway.deliver(hub, message, gateway.world.seal(message, message.origin))
    await gateway.received(hub, message.id)


async def told_of_the_registry(gateway: Gateway) -> None:
    """Deliver what the registry holds by now, and wait until the gateway has all of it."""
    known = await gateway.database.fetchval("SELECT count(*) FROM registry")
    await gateway.publish_registry()
    await eventually(
        lambda: gateway.database.fetchval("SELECT count(*) FROM registry"),
        "the news",
        DEADLINE,
        wanted=lambda n: n > known,
    )


async def refuse(gateway: Gateway, *messages: UUID, hub: str = PROVINCE) -> None:
    """Deliver the router's refusal of messages that a hub sent."""
    digests = [await gateway.database.fetchval("SELECT digest FROM sent WHERE id = $1", one) for one in messages]
    entries = [
        entry(one, digest, Outcome.REFUSED, "registry.expired") for one, digest in zip(messages, digests, strict=True)
    ]
    receipt, envelope = gateway.world.receipt("320000-router", (hub,), entries)
    await gateway.deliver(hub, receipt, envelope)
    await gateway.received(hub, receipt.id)
