"""A small network to test with: a province, two cities, three counties, two departments, a liaison office, the router.

Everything is made in memory from one moment, ``now``. With ``seed`` the keys and ids are the same in every run, which is
what the committed vectors are made of; without it they are fresh.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import Envelope, Signer, digest_of
from proto.messages import (
    Action,
    Category,
    DecidedItem,
    Decision,
    Directory,
    Key,
    Message,
    Node,
    NodeKind,
    Outcome,
    PublicationRef,
    Receipt,
    ReceiptEntry,
    Report,
    ReportContent,
    Role,
    Roster,
    Staff,
    Verdict,
)
from services.kit.crypto import PrivateKey
from services.kit.ids import new_id
from services.kit.trust import enrol
from services.kit.trust.state import TrustState
from tests.places import (
    BEIJING,
    EDITOR,
    FARMING,
    FIXED_NOW,
    HEAD_SIGNS,
    HUBS,
    JIANGYIN,
    KUNSHAN,
    LEAD_SIGNS,
    PEOPLE,
    PLACES,
    PROVINCE,
    REFORM,
    SUZHOU,
    WUXI,
    ZHANGJIAGANG,
)


class World:
    """The network with all its private keys; ``state`` is what an honest process believes about it."""

    def __init__(self, now: datetime, seed: str | None) -> None:
        self.now = now
        self._seed = seed
        self._ids = 0
        self.begun = now - timedelta(days=30)  # since when keys are valid and staff in office
        self.root = self.new_key("root")
        self.pinned: tuple[Key, ...] = (enrol.key_record(self.root.public, since=self.begun),)
        self.node_keys: dict[str, PrivateKey] = {}
        self.staff_keys: dict[tuple[str, str], PrivateKey] = {}
        self.state = TrustState(self.pinned)
        self._registry: list[Envelope] = []

    @classmethod
    def make(
        cls,
        now: datetime,
        gateway: str = "gw-test",
        *,
        gateways: Mapping[str, str] | None = None,
        seed: str | None = None,
    ) -> Self:
        """Return the network as of ``now``: units speak through ``gateway``, or through theirs in ``gateways``."""
        world = cls(now, seed)
        through = {ROUTER_CODE: "router", **(gateways or {})}
        nodes = []
        for code, name, kind, parent, direct, research in PLACES:
            key = world.node_keys[code] = world.new_key(code)
            nodes.append(
                Node(
                    code=code,
                    name=name,
                    type=kind,
                    parent=parent,
                    gateway=through.get(code, gateway),
                    research_class=research,
                    direct_report=direct,
                    keys=(enrol.key_record(key.public, since=world.begun),),
                )
            )
        world.publish_directory(nodes)
        for code in world.units:
            world.publish_roster(code, [world._hire(code, *who) for who in world._people(code)])
        return world

    @property
    def codes(self) -> list[str]:
        """All nodes of the directory, the network's own service included."""
        return [node.code for node in self.state.nodes()]

    @property
    def units(self) -> list[str]:
        """The nodes that have staff and an inbox: all but the network's own service."""
        return [node.code for node in self.state.nodes() if node.type is not NodeKind.SERVICE]

    def registry(self) -> list[Envelope]:
        """Directory and rosters in the order in which they were published."""
        return list(self._registry)

    def new_key(self, name: str) -> PrivateKey:
        """Return a key: that of ``name`` where the world has a seed, else a fresh one."""
        if self._seed is None:
            return PrivateKey.generate()
        return PrivateKey(Ed25519PrivateKey.from_private_bytes(sha256(f"{self._seed}/{name}".encode()).digest()))

    def new_id(self) -> UUID:
        """Return a UUIDv7; where the world has a seed, the next of a fixed row."""
        if self._seed is None:
            return new_id()
        self._ids += 1
        moment = int(self.now.timestamp() * 1000)
        return UUID(int=moment << 80 | 0x7 << 76 | 0b10 << 62 | self._ids)

    def publish_directory(
        self, nodes: Iterable[Node] = (), *, roots: Sequence[Key] | None = None, **changes: Any
    ) -> Envelope:
        """Sign the next directory with the root key, apply it and return its envelope."""
        current = self.state.directory if self.state.ready else None
        directory = enrol.next_directory(
            current,
            nodes,
            roots if roots is not None else (current.roots if current else self.pinned),
            id=self.new_id(),
            origin=PROVINCE,
            issued=self.now - timedelta(days=1),
            expires=self.now + timedelta(days=365),
        )
        return self._publish(replace(directory, **changes) if changes else directory, self.root)

    def publish_roster(self, code: str, staff: Sequence[Staff], **changes: Any) -> Envelope:
        """Sign a node's next roster with its key, apply it and return its envelope."""
        version = self.state.roster_version(code) + 1
        roster = enrol.roster(code, staff, version=version, id=self.new_id(), at=self.now - timedelta(days=1))
        return self._publish(replace(roster, **changes) if changes else roster, self.node_keys[code])

    def change_staff(self, code: str, person: str, **changes: Any) -> Envelope:
        """Publish a roster on which one person's entry is changed."""
        staff = [replace(s, **changes) if s.person == person else s for s in self.state.staff_of(code)]
        return self.publish_roster(code, staff)

    def change_node(self, code: str, **changes: Any) -> Envelope:
        """Publish a directory in which one node's entry is changed."""
        node = self.state.node(code)
        assert node is not None
        return self.publish_directory([replace(node, **changes)])

    def content(self, **changes: Any) -> str:
        """Return the JSON of a plausible report's content."""
        fields: dict[str, Any] = {
            "title": "【样例】昆山市推行企业开办“一日办结”",
            "body": "【样例】今年以来，昆山市推行企业开办“一日办结”，全流程压缩至一个工作日，新登记市场主体同比增长一成。",
            "category": Category.EXPERIENCE,
            "sources": ("【样例】市行政审批局统计",),
            "event_at": self.now - timedelta(hours=6),
            "known_at": self.now - timedelta(hours=5),
        }
        return codec.encode(ReportContent(**(fields | changes))).decode()

    def sign_off(
        self,
        code: str,
        content: str,
        person: str,
        role: Role,
        action: Action,
        *,
        at: datetime | None = None,
        key: Signer | None = None,
        about: UUID | None = None,
    ) -> Envelope:
        """Return a staff member's statement over a content."""
        signer = key or self.staff_keys[code, person]
        return enrol.sign_off(
            content, node=code, about=about, person=person, role=role, action=action, at=at or self.now, key=signer
        )

    def report(
        self,
        origin: str,
        *,
        to: Sequence[str] | None = None,
        about: UUID | None = None,
        content: str | None = None,
        sign: Iterable[tuple[str, Role, Action]] = LEAD_SIGNS,
        sent_at: datetime | None = None,
        key: Signer | None = None,
        **content_changes: Any,
    ) -> tuple[Report, Envelope]:
        """Return a report signed off by ``sign`` and sealed with the origin's key (or ``key``); to its hubs by default."""
        text = content if content is not None else self.content(**content_changes)
        at = sent_at or self.now
        message = Report(
            id=self.new_id(),
            origin=origin,
            to=tuple(to) if to is not None else self.state.hubs_of(origin),
            sent_at=at,
            about=about,
            content=text,
            sign_offs=tuple(self.sign_off(origin, text, *who, at=at, about=about) for who in sign),
        )
        return message, self.seal(message, origin, key=key)

    def decision(
        self,
        hub: str,
        items: Sequence[Report | DecidedItem],
        *,
        verdict: Verdict,
        publication: tuple[str, str] | None = ("daily", "1"),
        about: UUID | None = None,
        reason: str = "",
        sent_at: datetime | None = None,
    ) -> tuple[Decision, Envelope]:
        """Return a hub's decision, the credit shared evenly where the items do not say; no issue where not adopted."""
        appears = publication if verdict in (Verdict.ADOPTED, Verdict.MERGED) else None
        shares = _even(len(items))
        decided = tuple(
            item if isinstance(item, DecidedItem) else DecidedItem(report=item.id, origin=item.origin, share=share)
            for item, share in zip(items, shares, strict=True)
        )
        message = Decision(
            id=self.new_id(),
            origin=hub,
            to=tuple(dict.fromkeys(item.origin for item in decided)),
            sent_at=sent_at or self.now,
            about=about,
            verdict=verdict,
            items=decided,
            publication=PublicationRef(series=appears[0], issue=appears[1]) if appears else None,
            editor="editor",
            reason=reason,
        )
        return message, self.seal(message, hub)

    def approval(self, hub: str, content: str, person: str = "lead", role: Role = Role.OFFICE_LEAD) -> Envelope:
        """Return a lead's approval of rules, a bulletin or a designation."""
        return self.sign_off(hub, content, person, role, Action.APPROVED)

    def receipt(self, origin: str, to: Sequence[str], entries: Sequence[ReceiptEntry]) -> tuple[Receipt, Envelope]:
        """Return a receipt for messages of ``to``."""
        message = Receipt(id=self.new_id(), origin=origin, to=tuple(to), sent_at=self.now, entries=tuple(entries))
        return message, self.seal(message, origin)

    def entry(self, message: Message, envelope: Envelope, outcome: Outcome, reason: str = "") -> ReceiptEntry:
        """Return what a receipt says of one message."""
        digest = digest_of(envelope.payload)
        return ReceiptEntry(message=message.id, digest=digest, outcome=outcome, at=self.now, reason=reason)

    def seal(self, message: Message, code: str, *, key: Signer | None = None) -> Envelope:
        """Encode a message once and sign it with the key of ``code`` (or ``key``)."""
        return enrol.seal_message(message, message.kind(), key or self.node_keys[code])

    def _publish(self, message: Directory | Roster, key: Signer) -> Envelope:
        envelope = enrol.seal_message(message, message.kind(), key)
        self.state.apply(envelope)
        self._registry.append(envelope)
        return envelope

    def _people(self, code: str) -> tuple[tuple[str, str, Role], ...]:
        return (*PEOPLE, EDITOR) if code in HUBS else PEOPLE

    def _hire(self, code: str, person: str, name: str, role: Role) -> Staff:
        key = self.staff_keys[code, person] = self.new_key(f"{code}/{person}")
        record = enrol.key_record(key.public, since=self.begun)
        return Staff(person=person, name=name, roles=(role,), full_time=True, since=self.begun, keys=(record,))


def fixed_world(seed: str = "yizhan-vectors-1") -> World:
    """Return the network of the committed vectors, the same in every run."""
    return World.make(FIXED_NOW, seed=seed)


def _even(count: int) -> list[Decimal]:
    each = (Decimal(1) / count).quantize(Decimal("0.0001")) if count else Decimal(0)
    return [*[each] * (count - 1), (1 - each * (count - 1)).normalize()]


__all__ = [
    "BEIJING", "FARMING", "FIXED_NOW", "HEAD_SIGNS", "HUBS", "JIANGYIN", "KUNSHAN", "LEAD_SIGNS", "PROVINCE", "REFORM",
    "SUZHOU", "WUXI", "ZHANGJIAGANG", "World", "fixed_world",
]  # fmt: skip
