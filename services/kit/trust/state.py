"""The trust state: directory and rosters, replayed in order from the registry stream. Pure: no clock, no I/O.

Ordering rules (after TUF's root and snapshot roles):

1. Nothing is known before the first directory; that one must be signed by a pinned root.
2. A later directory must have a higher version and be signed by a root that its predecessor names, so a new root is
   introduced by the old. The same bytes again change nothing; a lower or equal version with other bytes is refused.
3. Keys and people are never removed and their beginnings never moved, only ended or revoked: what was once verified
   can be verified for ever.
4. A roster must be signed by a key of its own node that is neither revoked nor ended, with a higher version.
5. An expired directory still verifies the past but authorises nothing new (``require_fresh``): no freeze.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from proto import codec
from proto.envelope import Envelope, digest_of
from proto.errors import Reason, RefusedError
from proto.messages import Directory, Key, Node, NodeKind, Role, Roster, Staff
from services.kit.crypto import Verifier, keyid_of, load_public
from services.kit.errors import KeyUnusableError


class KnownKey(Struct, frozen=True):
    """A key with its owner and its ready verifier."""

    key: Key
    verifier: Verifier
    node: str  # "" for a root
    person: str  # "" for a node's own key


class TrustState:
    """What this process believes about nodes, staff and keys. Grows only through ``apply``."""

    def __init__(self, pinned_roots: Iterable[Key]) -> None:
        self._roots: dict[str, KnownKey] = {k.keyid: _known(k, "", "") for k in pinned_roots}
        self._nodes: dict[str, Node] = {}
        self._node_keys: dict[str, KnownKey] = {}
        self._staff: dict[str, dict[str, Staff]] = {}  # by node, then by person
        self._staff_keys: dict[tuple[str, str], KnownKey] = {}
        self._roster_versions: dict[str, tuple[int, str]] = {}
        self._directory: tuple[Directory, str] | None = None
        self.generation = 0  # grows by one with each change: cheap "has anything changed?"

    @property
    def directory(self) -> Directory:
        """Return the directory in force; refuse where there is none yet."""
        if self._directory is None:
            raise RefusedError(Reason.NO_DIRECTORY)
        return self._directory[0]

    @property
    def ready(self) -> bool:
        """Tell whether a directory is known."""
        return self._directory is not None

    def apply(self, envelope: Envelope) -> Directory | Roster:
        """Verify and take in a directory or roster; return it. Refuse with the reason, changing nothing."""
        message = codec.decode(envelope)
        digest = digest_of(envelope.payload)
        match message:
            case Directory():
                if self._directory is None or self._directory[1] != digest:
                    self._apply_directory(envelope, message, digest)
            case Roster():
                if self._roster_versions.get(message.origin, (0, ""))[1] != digest:
                    self._apply_roster(envelope, message, digest)
            case _:
                raise RefusedError(Reason.PAYLOAD_UNKNOWN_KIND, "not a registry message")
        return message

    def require_fresh(self, now: datetime) -> Directory:
        """Return the directory; refuse where it is missing or expired."""
        directory = self.directory
        if directory.expires <= now:
            raise RefusedError(Reason.DIRECTORY_EXPIRED)
        return directory

    def node(self, code: str) -> Node | None:
        """Return a node by code."""
        return self._nodes.get(code)

    def name_of(self, code: str) -> str:
        """Return a unit's name, its code where the directory does not know it."""
        node = self._nodes.get(code)
        return node.name if node else code

    def nodes(self) -> Iterator[Node]:
        """All nodes of the directory in force."""
        return iter(self._nodes.values())

    def gateway_of(self, code: str) -> str | None:
        """Return the broker user that speaks for a node; None for an unknown node."""
        node = self._nodes.get(code)
        return node.gateway if node else None

    def node_key(self, keyid: str) -> KnownKey | None:
        """Return a node's key by id, whoever owns it."""
        return self._node_keys.get(keyid)

    def staff(self, code: str, person: str) -> Staff | None:
        """Return a person on a node's roster."""
        return self._staff.get(code, {}).get(person)

    def staff_of(self, code: str) -> list[Staff]:
        """Return a node's whole roster, past and present."""
        return list(self._staff.get(code, {}).values())

    def staff_key(self, code: str, keyid: str) -> KnownKey | None:
        """Return a staff key by its node and id."""
        return self._staff_keys.get((code, keyid))

    def roster_version(self, code: str) -> int:
        """Return the version of a node's roster, 0 where there is none."""
        return self._roster_versions.get(code, (0, ""))[0]

    def above(self, code: str) -> Iterator[str]:
        """The units above one in the directory, nearest first."""
        seen = {code}
        node = self._nodes.get(code)
        while node is not None and node.parent is not None and node.parent not in seen:
            seen.add(node.parent)
            yield node.parent
            node = self._nodes.get(node.parent)

    def hubs_of(self, code: str) -> tuple[str, ...]:
        """Return where a unit reports: its parent, and the province too for a direct-report point (Art. 5(4))."""
        node = self._nodes.get(code)
        if node is None or node.parent is None:
            return ()
        if node.direct_report:
            top = next((n.code for n in self._nodes.values() if n.type is NodeKind.PROVINCE), node.parent)
            return (node.parent,) if top == node.parent else (node.parent, top)
        return (node.parent,)

    def _apply_directory(self, envelope: Envelope, directory: Directory, digest: str) -> None:
        data = envelope.pae()
        signed = any(
            (root := self._roots.get(s.keyid)) is not None
            and root.key.revoked_from is None
            and _valid(root.key, directory.sent_at)
            and root.verifier.matches(s.sig, data)
            for s in envelope.signatures
        )
        if not signed:
            raise RefusedError(Reason.REGISTRY_NOT_ROOT)
        current = self._directory[0] if self._directory else None
        if current is not None and directory.version <= current.version:  # rule 2
            raise RefusedError(Reason.REGISTRY_ROLLBACK, f"{directory.version} <= {current.version}")
        roots = {k.keyid: _known(k, "", "") for k in directory.roots}
        nodes = {n.code: n for n in directory.nodes}
        keys = {k.keyid: _known(k, n.code, "") for n in directory.nodes for k in n.keys}
        if len(nodes) != len(directory.nodes) or len(keys) != sum(len(n.keys) for n in directory.nodes):
            raise RefusedError(Reason.REGISTRY_INVALID, "a code or a key stands twice")
        if any(n.parent is not None and n.parent not in nodes for n in directory.nodes):
            raise RefusedError(Reason.REGISTRY_INVALID, "a parent is missing")
        _check_kept(self._node_keys, keys)
        self._roots, self._nodes, self._node_keys = roots, nodes, keys
        self._directory = (directory, digest)
        self.generation += 1

    def _apply_roster(self, envelope: Envelope, roster: Roster, digest: str) -> None:
        code = roster.origin
        if code not in self._nodes:
            raise RefusedError(Reason.UNKNOWN_NODE)
        data = envelope.pae()
        issued = self.directory.sent_at
        signed = any(
            (known := self._node_keys.get(s.keyid)) is not None
            and known.node == code
            and known.key.revoked_from is None
            and _valid(known.key, max(roster.sent_at, issued))  # a date of long ago does not revive an ended key
            and known.verifier.matches(s.sig, data)
            for s in envelope.signatures
        )
        if not signed:  # rule 4
            raise RefusedError(Reason.SIGNATURE_INVALID, "not signed by the node")
        if roster.version <= self.roster_version(code):
            raise RefusedError(Reason.REGISTRY_ROLLBACK, f"{roster.version} <= {self.roster_version(code)}")
        staff = {s.person: s for s in roster.staff}
        keys = {(code, k.keyid): _known(k, code, s.person) for s in roster.staff for k in s.keys}
        if len(staff) != len(roster.staff) or len(keys) != sum(len(s.keys) for s in roster.staff):
            raise RefusedError(Reason.REGISTRY_INVALID, "a person or a key stands twice")
        before = {key: known for key, known in self._staff_keys.items() if key[0] == code}
        _check_kept(before, keys)
        known_staff = self._staff.get(code, {})
        if any(person not in staff for person in known_staff):
            raise RefusedError(Reason.REGISTRY_INVALID, "a person was removed instead of ended")
        if any(known.since != staff[person].since for person, known in known_staff.items()):
            raise RefusedError(Reason.REGISTRY_INVALID, "a person's beginning was moved")
        if any(_later(staff[person].until, known.until) for person, known in known_staff.items()):
            raise RefusedError(Reason.REGISTRY_INVALID, "a person's end was lifted or put off")
        self._staff[code] = staff
        self._staff_keys.update(keys)
        self._roster_versions[code] = (roster.version, digest)
        self.generation += 1


def holds_role(staff: Staff, role: Role, at: datetime) -> bool:
    """Tell whether a person held a role at a time."""
    return role in staff.roles and in_office(staff, at)


def in_office(staff: Staff, at: datetime) -> bool:
    """Tell whether a person was in office at a time; ``until`` is exclusive."""
    return staff.since <= at and (staff.until is None or at < staff.until)


def _valid(key: Key, at: datetime) -> bool:
    return key.valid_from <= at and (key.valid_to is None or at < key.valid_to)


def _known(key: Key, node: str, person: str) -> KnownKey:
    if keyid_of(key.public) != key.keyid:
        raise RefusedError(Reason.REGISTRY_INVALID, "a key id is not the hash of its key")
    try:
        return KnownKey(key, load_public(key.algorithm, key.public), node, person)
    except KeyUnusableError as error:
        raise RefusedError(Reason.REGISTRY_INVALID, "not a public key") from error


def _check_kept(before: dict[Any, KnownKey], after: dict[Any, KnownKey]) -> None:
    """Rule 3: every earlier key is still there, its owner and beginning unchanged, its ending never lifted."""
    for keyid, old in before.items():
        new = after.get(keyid)
        if new is None or (new.node, new.person, new.key.valid_from) != (old.node, old.person, old.key.valid_from):
            raise RefusedError(Reason.REGISTRY_INVALID, "a key was removed or changed instead of ended")
        if _later(new.key.revoked_from, old.key.revoked_from) or _later(new.key.valid_to, old.key.valid_to):
            raise RefusedError(Reason.REGISTRY_INVALID, "a key's ending was lifted or put off")


def _later(new: datetime | None, old: datetime | None) -> bool:
    """Tell whether an ending was lifted or put off; None stands for never."""
    return old is not None and (new is None or new > old)


GRACE_REASONS: Final = frozenset(
    {
        Reason.NO_DIRECTORY, Reason.DIRECTORY_EXPIRED, Reason.UNKNOWN_NODE, Reason.NODE_SUSPENDED, Reason.WRONG_GATEWAY,
        Reason.KEY_UNKNOWN, Reason.KEY_NOT_VALID, Reason.SIGN_OFF_PERSON, Reason.SIGN_OFF_KEY, Reason.SIGN_OFF_ROLE,
        Reason.SIGN_OFF_NOT_IN_OFFICE, Reason.REPORT_JOINT_UNKNOWN, Reason.UNKNOWN_RECIPIENT, Reason.NOT_PERMITTED,
    }
)  # fmt: skip
"""Refusals that newer trust state may turn: a consumer waits briefly for the registry before it says them."""
