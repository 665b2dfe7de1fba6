"""The province's side: the next directory, signed with the root key and written before it is published.

Written first, because a directory that is published but not written would be made a second time under the same version,
which every node refuses; one that is written but not published can simply be published again.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proto.envelope import Envelope, from_json
from proto.messages import Directory, KeyRequest, Node, NodeKind
from services.cli import credentials
from services.cli.enrolment import Terms, write_public
from services.cli.failures import cannot, not_so, usage
from services.cli.output import now
from services.cli.place import Place
from services.cli.trust import DIRECTORY, read_directory
from services.kit.crypto import PrivateKey, keyid_of
from services.kit.ids import new_id
from services.kit.registry import pinned_roots
from services.kit.trust.enrol import key_record, next_directory, open_key_request, revoked, rotated, seal_message
from services.kit.trust.state import TrustState

VALID: Final = timedelta(days=398)  # of a directory; a new one is signed at least yearly
_ORIGIN: Final = "320000"  # who publishes the very first directory
_KEYID_CHARS: Final = 8  # at least so much of a key id must be given


class Change(Struct, frozen=True, kw_only=True):
    """A directory that was written."""

    path: Path
    version: int
    added: list[str]  # new units
    changed: list[str]  # units with a changed key or standing
    directory: Directory


class Office:
    """Whoever holds the root key, over the directory in force."""

    def __init__(self, place: Place, root: PrivateKey) -> None:
        self._place = place
        self._root = root
        self._path = place.registry / DIRECTORY
        self._state = TrustState(pinned_roots(str(place.pinned)))
        self._current = read_directory(self._state, self._path) if self._path.exists() else None
        roots = self._current.roots if self._current else pinned_roots(str(place.pinned))
        if all(key.keyid != root.keyid for key in roots):
            raise not_so("root.not_in_force", "这不是现行根密钥", "This root key is not in force", root.keyid[:16])
        self._roots = roots

    def approve(self, requests: Sequence[bytes], terms: Terms, *, overlap_minutes: int) -> Change:
        """Take requests in: new units on ``terms``, known ones only by a rotation that the old key signed.

        A rotated key holds ``overlap_minutes`` longer, until its gateway has the new one.
        """
        nodes: dict[str, Node] = {}
        added: list[str] = []
        for data in requests:
            request = open_key_request(from_json(data), self._current)
            known = nodes.get(request.node) or self._node(request.node)
            if known is None:
                added.append(request.node)
                nodes[request.node] = self._new(request, terms)
            elif request.replaces is not None:
                nodes[request.node] = self._rotated(known, request, timedelta(minutes=overlap_minutes))
            elif all(key.keyid != keyid_of(request.public) for key in known.keys):
                raise not_so(
                    "node.enrolled",
                    "该单位已用另一密钥入网；换钥须由旧密钥签名",
                    "Enrolled with another key: a rotation must be signed by the old one",
                    request.node,
                )
        if not nodes:
            raise not_so("node.nothing_new", "申请的密钥都已在名录中", "These keys are in the directory already")
        return self._write(list(nodes.values()), added)

    def rotate(self, request: bytes, *, overlap_minutes: int) -> Change:
        """Take one rotation in."""
        opened = open_key_request(from_json(request), self._current)
        return self._write([self._rotated(self._known(opened.node), opened, timedelta(minutes=overlap_minutes))], [])

    def revoke(self, code: str, keyid: str, *, since: datetime) -> Change:
        """Revoke the one key of a unit whose id begins so."""
        if len(keyid) < _KEYID_CHARS:
            raise usage(
                "key.id_short", f"密钥编号至少 {_KEYID_CHARS} 位", f"At least {_KEYID_CHARS} characters of the key id"
            )
        node = self._known(code)
        found = [key for key in node.keys if key.keyid.startswith(keyid.lower())]
        if len(found) != 1:
            raise not_so("key.unknown", "该单位没有这一密钥", "The unit has no such key", f"{code} {keyid[:64]}")
        if found[0].revoked_from is not None and found[0].revoked_from <= since:
            raise not_so("key.revoked", "该密钥已吊销", "The key is revoked already", found[0].keyid)
        return self._write([revoked(node, found[0].keyid, since=since)], [])

    def follow(self, points: Mapping[str, bool]) -> Change:
        """Make these counties direct-report points (直报点), or take that from them."""
        return self._write([replace(self._known(code), direct_report=direct) for code, direct in points.items()], [])

    def _node(self, code: str) -> Node | None:
        return self._state.node(code)

    def _known(self, code: str) -> Node:
        node = self._node(code)
        if node is None:
            raise not_so("node.unknown", "名录中没有该单位", "The directory has no such unit", f"{code:.40}")
        return node

    def _new(self, request: KeyRequest, terms: Terms) -> Node:
        if terms.type is None:
            raise usage("node.kind", "新单位须用 --kind 注明类别", "A new unit needs --kind", request.node)
        if terms.parent is None and terms.type is not NodeKind.PROVINCE:
            raise usage("node.parent", "新单位须用 --parent 注明上级", "A new unit needs --parent", request.node)
        if terms.parent is not None:
            self._known(terms.parent)
        return Node(
            code=request.node,
            name=request.name,
            type=terms.type,
            parent=terms.parent,
            gateway=terms.gateway,
            research_class=terms.research_class,
            direct_report=terms.direct_report,
            # By the unit's own clock where that is behind: its roster was signed with this key then.
            keys=(key_record(request.public, since=min(request.at, now())),),
        )

    def _rotated(self, node: Node, request: KeyRequest, overlap: timedelta) -> Node:
        if any(key.keyid == keyid_of(request.public) for key in node.keys):
            raise not_so("node.nothing_new", "该密钥已在名录中", "This key is in the directory already", node.code)
        at = now()
        changed = rotated(node, request, at=at)
        keys = tuple(
            replace(key, valid_to=at + overlap) if key.keyid == request.replaces and key.valid_to == at else key
            for key in changed.keys
        )
        return replace(changed, keys=keys)

    def _write(self, nodes: list[Node], added: list[str]) -> Change:
        issued = now()
        directory = next_directory(
            self._current,
            nodes,
            self._roots,
            id=new_id(),
            origin=self._current.origin if self._current else _ORIGIN,
            issued=issued,
            expires=issued + VALID,
        )
        envelope: Envelope = seal_message(directory, directory.kind(), self._root)
        self._state.apply(envelope)  # nobody shall be sent what everybody would refuse
        write_public(self._path, envelope.json())
        changed = [node.code for node in nodes if node.code not in added]
        return Change(path=self._path, version=directory.version, added=added, changed=changed, directory=directory)


@contextmanager
def signing(place: Place, root_key: Path | None, passphrase_file: Path | None) -> Iterator[Office]:
    """Unlock the root key and hold the registry: two at once would sign two directories of one version."""
    path = root_key or place.keys / "root.pem"
    if not path.exists():
        raise cannot("root.no_key", "此处没有根私钥", "The root key is not here", str(path))
    default = place.secrets / "root-passphrase"
    file = passphrase_file or (default if root_key is None and default.exists() else None)
    root = PrivateKey.from_pem(path.read_bytes(), credentials.secret_of(file, zh="根密钥口令", en="root passphrase"))
    place.registry.mkdir(parents=True, exist_ok=True)
    with (place.registry / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise not_so("registry.busy", "另有人正在签发名录", "Somebody else is signing a directory now") from error
        yield Office(place, root)
