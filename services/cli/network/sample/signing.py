"""Signing as a unit and its people, with the keys that the network was made with."""

from datetime import datetime
from uuid import UUID

from proto.envelope import Envelope
from proto.messages import Action, Role
from services.cli.network.sample.client import People
from services.cli.place import Place
from services.kit.crypto import PrivateKey
from services.kit.settings import secret
from services.kit.trust.enrol import sign_off


async def signed_off(
    people: People, node: str, content: str, *, important: bool, at: datetime, about: UUID | None = None
) -> tuple[Envelope, Envelope]:
    """Return a review by the office lead, and the approval: by the unit's lead where important (Art. 12)."""
    approver, approving = ("head", Role.UNIT_LEAD) if important else ("lead", Role.OFFICE_LEAD)
    reviewed, approved = [
        sign_off(
            content, node=node, about=about, person=person, role=role, action=action, at=at,
            key=await people.key(node, person),
        )
        for person, role, action in (
            ("lead", Role.OFFICE_LEAD, Action.REVIEWED), (approver, approving, Action.APPROVED),
        )
    ]  # fmt: skip
    return reviewed, approved


def unit_key(place: Place, unit: str, *, revoked: bool = False) -> PrivateKey:
    """Return a unit's own key, or the one of its that was revoked."""
    pem = (place.keys / ("revoked" if revoked else "nodes") / f"{unit}.pem").read_bytes()
    return PrivateKey.from_pem(pem, secret(str(place.secrets / "node-passphrase")))
