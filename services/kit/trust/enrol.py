"""Making what the trust state takes in: requests, directories, rosters, sign-offs. Pure; time and ids are passed in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from proto import codec
from proto.envelope import Envelope, Signer, digest_of, seal
from proto.errors import Reason, RefusedError
from proto.messages import Action, Algorithm, Directory, Key, KeyRequest, Node, Role, Roster, SignOff, Staff
from services.kit.crypto import PrivateKey, keyid_of, load_public
from services.kit.errors import KeyUnusableError


def key_record(public: bytes, *, since: datetime) -> Key:
    """Return the directory's record of a public key valid from ``since``."""
    return Key(keyid=keyid_of(public), algorithm=Algorithm.ED25519, public=public, valid_from=since)


def seal_message(message: msgspec.Struct, kind: str, signer: Signer) -> Envelope:
    """Encode once and sign."""
    return seal(kind, codec.encode(message), [signer])


def sign_off(
    content: str,
    *,
    node: str,
    person: str,
    role: Role,
    action: Action,
    at: datetime,
    key: Signer,
    about: UUID | None = None,
) -> Envelope:
    """Return a person's sealed statement over the content of a unit's report ``about`` another or none (审核/签发)."""
    statement = SignOff(
        digest=digest_of(content.encode()), node=node, about=about, person=person, role=role, action=action, at=at
    )
    return seal_message(statement, codec.SIGN_OFF_KIND, key)


def key_request(node: str, name: str, *, new: PrivateKey, old: PrivateKey | None, at: datetime) -> Envelope:
    """Return a request to enrol (or rotate to) ``new``: signed by it as proof of possession, and by the old key."""
    request = KeyRequest(
        node=node,
        name=name,
        algorithm=Algorithm.ED25519,
        public=new.public,
        replaces=old.keyid if old else None,
        at=at,
    )
    return seal(codec.KEY_REQUEST_KIND, codec.encode(request), [new, old] if old else [new])


def open_key_request(envelope: Envelope, directory: Directory | None) -> KeyRequest:
    """Return a request whose signatures hold: the new key's always, the replaced key's on rotation."""
    request = codec.decode_key_request(envelope)
    try:
        load_public(request.algorithm, request.public)
    except KeyUnusableError as error:
        raise RefusedError(Reason.PAYLOAD_MALFORMED) from error
    needed = {keyid_of(request.public): (request.algorithm, request.public)}
    if request.replaces is not None:
        node = next((n for n in directory.nodes if n.code == request.node), None) if directory else None
        old = next((k for k in node.keys if k.keyid == request.replaces), None) if node else None
        if old is None:
            raise RefusedError(Reason.KEY_UNKNOWN, "the replaced key")
        if old.revoked_from is not None:
            raise RefusedError(Reason.KEY_REVOKED, "the replaced key")
        if old.valid_to is not None and old.valid_to <= request.at:
            raise RefusedError(Reason.KEY_NOT_VALID, "the replaced key")
        needed[old.keyid] = (old.algorithm, old.public)
    signatures = {s.keyid: s.sig for s in envelope.signatures}
    data = envelope.pae()
    for keyid, (algorithm, public) in needed.items():
        if not load_public(algorithm, public).matches(signatures.get(keyid, b""), data):
            raise RefusedError(Reason.SIGNATURE_INVALID, "the request")
    return request


def next_directory(
    current: Directory | None,
    nodes: Iterable[Node],
    roots: Sequence[Key],
    *,
    id: UUID,
    origin: str,
    issued: datetime,
    expires: datetime,
) -> Directory:
    """Return the next version with ``nodes`` put in place of, or added to, those of the current one."""
    merged = {n.code: n for n in current.nodes} if current else {}
    merged |= {n.code: n for n in nodes}
    return Directory(
        id=id,
        origin=origin,
        to=(),
        sent_at=issued,
        version=current.version + 1 if current else 1,
        expires=expires,
        roots=tuple(roots),
        nodes=tuple(merged.values()),
    )


def rotated(node: Node, request: KeyRequest, *, at: datetime) -> Node:
    """Return the node with the requested key in force from ``at`` and the replaced one ended there."""
    ended = tuple(
        msgspec.structs.replace(k, valid_to=at) if k.keyid == request.replaces and k.valid_to is None else k
        for k in node.keys
    )
    return msgspec.structs.replace(node, keys=(*ended, key_record(request.public, since=at)))


def revoked(node: Node, keyid: str, *, since: datetime) -> Node:
    """Return the node with one key revoked from ``since``; refuse where it has no such key."""
    if all(k.keyid != keyid for k in node.keys):
        raise RefusedError(Reason.KEY_UNKNOWN)
    keys = tuple(msgspec.structs.replace(k, revoked_from=since) if k.keyid == keyid else k for k in node.keys)
    return msgspec.structs.replace(node, keys=keys)


def roster(code: str, staff: Sequence[Staff], *, version: int, id: UUID, at: datetime) -> Roster:
    """Return a roster ready to be sealed with the node's key."""
    return Roster(id=id, origin=code, to=(), sent_at=at, version=version, staff=tuple(staff))
