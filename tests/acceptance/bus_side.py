"""What acceptance tests do on the bus itself: as a rogue gateway, and as the operator who reads along."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from proto.addresses import routing_key
from proto.envelope import Envelope, digest_of
from proto.messages import Message, Node, Report, Staff
from proto.topology import FEED, SUBMIT
from services.kit.bus import Incoming, open_session
from services.kit.crypto import PrivateKey
from services.kit.ids import new_id
from services.kit.trust.enrol import next_directory, roster, seal_message
from tests.acceptance.acts import content
from tests.network import Network
from tests.waiting import DEADLINE, eventually


async def rogue_report(network: Network, node: str, text: str = "", *, key: PrivateKey | None = None, **fields: Any) -> Envelope:  # fmt: skip
    """Return a report sealed past every check of a gateway: signed off and rightly addressed where nothing else is said."""
    text = text or content()
    whole: dict[str, Any] = {
        "id": new_id(), "origin": node, "to": network.state.hubs_of(node), "sent_at": datetime.now(UTC), "content": text,
        **fields,
    }  # fmt: skip
    if "sign_offs" not in whole:
        whole["sign_offs"] = await network.sign(node, text)
    return seal(network, Report(**whole), key=key)


def seal(network: Network, message: Message, *, key: PrivateKey | None = None) -> Envelope:
    """Seal a message with its origin's key, or another."""
    return seal_message(message, message.kind(), key or network.node_key(message.origin))


async def publish(network: Network, *messages: tuple[str, str, Envelope], user: str = "gateway") -> None:
    """Put (sender, kind, envelope) on the bus in order, as a broker user."""
    async with open_session(network.amqp_url(user), "rogue") as session:
        for sender, kind, envelope in messages:
            await session.publish(
                SUBMIT, routing_key(sender, kind), envelope.packed(), message_id=str(uuid4()), kind=kind
            )


async def receipt_entry(network: Network, node: str, digest: str, seconds: float = DEADLINE) -> dict[str, Any]:
    """Wait for the router's word on some bytes, in the inbox of the unit whose they are."""
    path = f"/api/v1/nodes/{node}/inbox"
    read: set[str] = set()

    async def look() -> dict[str, Any] | None:
        heads = await network.people.call(node, "officer", "GET", f"{path}?kind=receipt&limit=20")
        for head in heads:
            if head["id"] in read:
                continue
            read.add(head["id"])
            receipt = (await network.people.call(node, "officer", "GET", f"{path}/{head['id']}"))["message"]
            assert receipt["to"] == [node]
            entries: list[dict[str, Any]] = receipt["entries"]
            for entry in entries:
                if entry["digest"] == digest and entry["outcome"] in {"accepted", "refused"}:
                    return entry
        return None

    entry: dict[str, Any] = await eventually(look, f"receipt for {node}", seconds)
    return entry


async def evidence(network: Network, digest: str) -> dict[str, Any]:
    """Wait until the archive shows refused bytes with the reason."""

    async def look() -> dict[str, Any] | None:
        refused = (await network.people.operator("archive", "GET", "/api/v1/refused"))["refused"]
        return next((r for r in refused if r["digest"] == digest and r["reason"]), None)

    kept: dict[str, Any] = await eventually(look, "refused bytes in the archive")
    return kept


async def told(
    network: Network, sender: str, kind: str, envelope: Envelope, *, user: str = "gateway"
) -> dict[str, Any]:
    """Publish as a rogue gateway; return the entry of the receipt that the named sender is shown.

    The gateway itself never sent these bytes: where the receipt happens to answer other units too, nobody is shown the
    entry, since it could be anybody's. Then the rogue tries once more.
    """
    digest = digest_of(envelope.packed())
    await publish(network, (sender, kind, envelope), user=user)
    try:
        return await receipt_entry(network, sender, digest, DEADLINE / 6)
    except AssertionError:
        await publish(network, (sender, kind, envelope), user=user)
        return await receipt_entry(network, sender, digest)


async def router_refuses(network: Network, sender: str, envelope: Envelope, *, user: str = "gateway") -> str:
    """Publish a report as a rogue gateway; return the reason that both the named sender and the archive are told."""
    entry = await told(network, sender, "report", envelope, user=user)
    assert entry["outcome"] == "refused", entry
    kept = await evidence(network, digest_of(envelope.packed()))
    assert (kept["reason"], kept["claimed_origin"]) == (entry["reason"], sender)
    return str(entry["reason"])


async def feed(network: Network, until: UUID) -> list[bytes]:
    """Return what the feed holds from its beginning up to a message."""
    bodies: list[bytes] = []
    seen = asyncio.Event()
    wanted = str(until).encode()

    async def on_message(message: Incoming) -> None:
        bodies.append(message.body)
        if wanted in message.body:
            seen.set()

    async with open_session(network.amqp_url("operator"), "reading-along") as session:
        await session.read_stream(FEED, on_message, "first")
        await asyncio.wait_for(seen.wait(), DEADLINE)
    return bodies


async def publish_staff(network: Network, code: str, *changed: Staff) -> None:
    """Publish the next version of a unit's roster with people added or changed; return once the router has taken it."""
    staff = {one.person: one for one in network.state.staff_of(code)} | {one.person: one for one in changed}
    version = network.state.roster_version(code) + 1
    listed = roster(code, list(staff.values()), version=version, id=new_id(), at=datetime.now(UTC))
    await _publish_registry(network, seal(network, listed), code)


async def publish_nodes(network: Network, *changed: Node) -> None:
    """Publish the next version of the directory with nodes added or changed; return once the router has taken it."""
    now, current = datetime.now(UTC), network.state.directory
    directory = next_directory(
        current, changed, current.roots, id=new_id(), origin=current.origin, issued=now, expires=current.expires
    )
    await _publish_registry(network, seal(network, directory, key=network.root_key()), directory.origin)


async def _publish_registry(network: Network, envelope: Envelope, origin: str) -> None:
    network.state.apply(envelope)
    await network.people.operator("gateway", "POST", "/api/v1/envelopes", envelope.json())
    entry = await receipt_entry(network, origin, digest_of(envelope.packed()))
    assert entry["outcome"] == "accepted", entry
