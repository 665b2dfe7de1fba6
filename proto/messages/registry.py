"""The trust state as messages: the root-signed directory and the node-signed rosters (design §7)."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from proto.envelope import KeyId
from proto.limits import MAX_KEYS, MAX_NODES, MAX_STAFF
from proto.messages.base import (
    Code,
    Count,
    Label,
    Message,
    Name,
    Ordinal,
    PersonId,
    Time,
    Wire,
)
from proto.messages.report import Role


class Algorithm(StrEnum):
    """The signature algorithm is a property of the key, never of a message; SM2 can join."""

    ED25519 = "ed25519"


class Key(Wire, frozen=True, kw_only=True):
    """A public key with its validity."""

    keyid: KeyId
    algorithm: Algorithm
    public: Annotated[bytes, Meta(min_length=32, max_length=256)]  # raw public key
    valid_from: Time
    valid_to: Time | None = None  # exclusive; set by rotation or departure
    revoked_from: Time | None = None  # compromise: nothing that arrives from then on is accepted


class NodeKind(StrEnum):
    """单位类别. ``service`` is a part of the network itself, such as the router."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    DEPARTMENT = "department"
    LIAISON = "liaison"
    SERVICE = "service"

    @property
    def is_hub(self) -> bool:
        """Whether such a unit receives, edits and scores what others report (Art. 3)."""
        return self in (NodeKind.PROVINCE, NodeKind.CITY)


class ResearchClass(StrEnum):
    """Which monthly research quota a unit owes (Art. 10); an example configuration."""

    CITY = "city"
    ECONOMIC = "economic"
    FUNCTIONAL = "functional"
    OTHER = "other"


class Node(Wire, frozen=True, kw_only=True):
    """A unit in the directory (名录条目)."""

    code: Code
    name: Name
    type: NodeKind
    parent: Code | None  # the hub above; None for the province
    gateway: Label  # the broker user that may speak for it
    research_class: ResearchClass | None = None
    direct_report: bool = False  # 县级信息直报点
    suspended: bool = False
    keys: Annotated[tuple[Key, ...], Meta(max_length=MAX_KEYS)]


class Directory(Message, frozen=True, kw_only=True):
    """名录: root-signed list of nodes and keys. A version must be signed by the roots that its predecessor names."""

    version: Ordinal
    expires: Time
    roots: Annotated[tuple[Key, ...], Meta(min_length=1, max_length=MAX_KEYS)]  # who signs the next version
    nodes: Annotated[tuple[Node, ...], Meta(max_length=MAX_NODES)]


class Staff(Wire, frozen=True, kw_only=True):
    """A staff member on the roster. Never removed, only ended: past signatures must stay checkable."""

    person: PersonId
    name: Name
    roles: Annotated[tuple[Role, ...], Meta(max_length=8)]
    full_time: bool  # 专职 or 兼职 (Art. 5)
    since: Time
    until: Time | None = None  # exclusive; a leaver's key stops here
    keys: Annotated[tuple[Key, ...], Meta(max_length=MAX_KEYS)]


class Roster(Message, frozen=True, kw_only=True):
    """名册: node-signed list of its staff."""

    version: Ordinal
    staff: Annotated[tuple[Staff, ...], Meta(max_length=MAX_STAFF)]


class Heartbeat(Message, frozen=True, kw_only=True):
    """心跳: the node is there, with what still waits in its outbox."""

    waiting: Count
    software: Label


class KeyRequest(Wire, frozen=True, kw_only=True):
    """入网或换钥申请: sealed by the new key (possession) and, on rotation, by the old key too."""

    node: Code
    name: Name
    algorithm: Algorithm
    public: Annotated[bytes, Meta(min_length=32, max_length=256)]
    replaces: KeyId | None = None
    at: Time
