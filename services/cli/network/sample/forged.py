"""The day's bad messages, as a broken or hostile gateway would put them on the bus, past every check of ours.

The bytes are written down before they are sent, so that a run that was killed sends the very same again.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from proto.addresses import routing_key
from proto.envelope import Envelope
from proto.messages import Report
from proto.topology import SUBMIT
from services.cli.network.sample.client import People
from services.cli.network.sample.day import DayReport
from services.cli.network.sample.signing import signed_off, unit_key
from services.cli.place import Place
from services.kit.bus import open_session
from services.kit.crypto import write_secret
from services.kit.ids import new_id
from services.kit.trust.enrol import seal_message
from services.kit.trust.state import TrustState

_OVERSIZE: Final = 1_200_000  # characters: above the network's limit, below the broker's


class Forged(msgspec.Struct, frozen=True, kw_only=True):
    """A bad message, ready to be put on the bus."""

    fault: str
    key: str  # routing key
    body: bytes
    id: str


async def put_on_bus(
    place: Place, people: People, state: TrustState, reports: list[DayReport], now: datetime, amqp_url: str
) -> None:
    """Publish the day's bad messages as the gateway's own broker user."""
    written = place.var / "sample" / "forged.json"
    if not written.exists():
        forged = [await _forge(place, people, state, report, now) for report in reports]
        write_secret(written, msgspec.json.encode(forged))
    forged = msgspec.json.decode(written.read_bytes(), type=list[Forged])
    async with open_session(amqp_url, "sample-forger") as session:
        for one in forged:
            await session.publish(SUBMIT, one.key, one.body, message_id=one.id, kind="report")


async def _forge(place: Place, people: People, state: TrustState, day: DayReport, now: datetime) -> Forged:
    content = _content(day)
    important = day.importance == "important" and day.fault != "office_lead_only"
    signers = await signed_off(people, day.node, content, important=important, at=now)
    report = Report(
        id=new_id(),
        origin=day.node,
        to=state.hubs_of(day.node),
        sent_at=now,
        content=content,
        sign_offs=() if day.fault == "no_signoff" else signers,
    )
    envelope = seal_message(
        report, report.kind(), unit_key(place, day.signed_by or day.node, revoked=day.fault == "revoked_key")
    )
    if day.fault == "byte_altered":
        envelope = _altered(envelope)
    return Forged(fault=day.fault, key=routing_key(day.node, report.kind()), body=envelope.packed(), id=str(report.id))


def _content(day: DayReport) -> str:
    fields: dict[str, Any] = msgspec.json.decode(day.content)
    if day.fault == "oversize":
        fields["body"] += "样" * (_OVERSIZE // 3)
    return msgspec.json.encode(fields).decode()


def _altered(envelope: Envelope) -> Envelope:
    """Change one byte of the text after signing: a digit of the body becomes another."""
    payload = bytearray(envelope.payload)
    body = payload.index("【样例】".encode())
    at = next(i for i in range(body, len(payload)) if payload[i] in b"0123456789")
    payload[at] = ord("9") if payload[at] != ord("9") else ord("8")
    return msgspec.structs.replace(envelope, payload=bytes(payload))
