"""Hostile directories, rosters and key requests."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from proto import codec
from proto.envelope import Signer, seal
from proto.errors import Reason
from proto.messages import Algorithm, Directory, Key, KeyRequest, Roster
from services.kit.crypto import PrivateKey
from services.kit.trust import enrol
from tests.assets.flaw import Flaw, sealed
from tests.world import JIANGYIN, KUNSHAN, SUZHOU, WUXI, ZHANGJIAGANG, World


def hostile_registry(world: World) -> dict[str, Flaw]:
    """Return flaws of trust itself by name."""
    return {**_directories(world), **_rosters(world), **_requests(world)}


def _directories(world: World) -> dict[str, Flaw]:
    current = world.state.directory

    def directory(expect: Reason, why: str, key: Signer | None = None, **changes: Any) -> Flaw:
        fields: dict[str, Any] = {"id": world.new_id(), "version": current.version + 1, "sent_at": world.now} | changes
        message: Directory = replace(current, **fields)
        return sealed(enrol.seal_message(message, "directory", key or world.root), expect, why)

    invalid = Reason.REGISTRY_INVALID
    kunshan = next(node for node in current.nodes if node.code == KUNSHAN)
    others = tuple(node for node in current.nodes if node.code != KUNSHAN)
    key = kunshan.keys[0]

    def with_keys(*keys: Key) -> Any:
        return (*others, replace(kunshan, keys=keys))

    revoked = next(node for node in current.nodes if node.code == ZHANGJIAGANG)
    rotated = next(node for node in current.nodes if node.code == JIANGYIN)
    longer = (replace(rotated.keys[0], valid_to=world.now + timedelta(days=1)), rotated.keys[1])
    put_off = tuple(replace(node, keys=longer) if node is rotated else node for node in current.nodes)
    lifted = tuple(
        replace(node, keys=tuple(replace(k, revoked_from=None) for k in node.keys)) if node is revoked else node
        for node in current.nodes
    )
    moved = tuple(replace(node, keys=(*node.keys, key)) if node.code == WUXI else node for node in with_keys())
    bad_public = Key(
        keyid=enrol.keyid_of(b"x" * 33), algorithm=Algorithm.ED25519, public=b"x" * 33, valid_from=world.begun
    )
    return {
        "directory-rollback": directory(Reason.REGISTRY_ROLLBACK, "an earlier version", version=1),
        "directory-same-version": directory(Reason.REGISTRY_ROLLBACK, "other bytes under the same version", version=current.version),
        "directory-not-by-root": directory(Reason.REGISTRY_NOT_ROOT, "signed by a unit", world.node_keys["320000"]),
        "directory-by-new-root-alone": directory(
            Reason.REGISTRY_NOT_ROOT, "a new root introduces itself", world.new_key("root-2"),
            roots=(enrol.key_record(world.new_key("root-2").public, since=world.begun),),
        ),
        "directory-key-removed": directory(invalid, "a key is gone instead of ended", nodes=with_keys()),
        "directory-key-moved": directory(invalid, "a key moved to another unit", nodes=moved),
        "directory-key-earlier": directory(
            invalid, "a key's beginning was moved", nodes=with_keys(replace(key, valid_from=world.now - timedelta(days=99)))
        ),
        "directory-ending-put-off": directory(invalid, "a replaced key lives on", nodes=put_off),
        "directory-revocation-lifted": directory(invalid, "a revoked key comes back", nodes=lifted),
        "directory-code-twice": directory(invalid, "a unit stands twice", nodes=(*current.nodes, replace(kunshan, keys=()))),
        "directory-key-twice": directory(invalid, "a key stands twice", nodes=with_keys(key, key)),
        "directory-keyid-wrong": directory(invalid, "a key id is not the hash", nodes=with_keys(key, replace(key, keyid="0" * 64))),
        "directory-key-unusable": directory(invalid, "33 bytes are no Ed25519 key", nodes=with_keys(key, bad_public)),
        "directory-parent-missing": directory(invalid, "a hub that is not there", nodes=(*others, replace(kunshan, parent="320999"))),
        "directory-version-zero": directory(Reason.PAYLOAD_MALFORMED, "versions begin with one", version=0),
    }  # fmt: skip


def _rosters(world: World) -> dict[str, Flaw]:
    def roster(code: str, expect: Reason, why: str, key: Signer | None = None, **changes: Any) -> Flaw:
        version = world.state.roster_version(code) + 1
        message: Roster = enrol.roster(
            code, world.state.staff_of(code), version=version, id=world.new_id(), at=world.now
        )
        message = replace(message, **changes)
        return sealed(enrol.seal_message(message, "roster", key or world.node_keys[code]), expect, why)

    invalid, unsigned = Reason.REGISTRY_INVALID, Reason.SIGNATURE_INVALID
    staff = world.state.staff_of(KUNSHAN)
    back = world.now - timedelta(days=1)
    return {
        "roster-by-other-unit": roster(KUNSHAN, unsigned, "the city signs the county's roster", world.node_keys[SUZHOU]),
        "roster-by-revoked-key": roster(ZHANGJIAGANG, unsigned, "the key was revoked", sent_at=back),
        "roster-by-ended-key": roster(JIANGYIN, unsigned, "the key was replaced"),
        "roster-by-ended-key-back-dated": roster(JIANGYIN, unsigned, "the replaced key, with a date of before", sent_at=back),
        "roster-rollback": roster(KUNSHAN, Reason.REGISTRY_ROLLBACK, "other bytes under the same version", version=1),
        "roster-person-removed": roster(KUNSHAN, invalid, "a person is gone instead of ended", staff=tuple(staff[1:])),
        "roster-person-earlier": roster(
            KUNSHAN, invalid, "a person's beginning was moved", staff=(replace(staff[0], since=back), *staff[1:])
        ),
        "roster-person-twice": roster(KUNSHAN, invalid, "a person stands twice", staff=(*staff, replace(staff[0], keys=()))),
        "roster-key-removed": roster(
            KUNSHAN, invalid, "a person's key is gone", staff=(replace(staff[0], keys=()), *staff[1:])
        ),
        "roster-of-unknown-node": roster(
            KUNSHAN, Reason.UNKNOWN_NODE, "a unit that is not in the directory", origin="320999"
        ),
    }  # fmt: skip


def _requests(world: World) -> dict[str, Flaw]:
    new, old = world.new_key("requested"), world.node_keys[KUNSHAN]
    name = "昆山市人民政府办公室"

    def request(
        expect: Reason, why: str, *signers: PrivateKey, kind: str = codec.KEY_REQUEST_KIND, **changes: Any
    ) -> Flaw:
        message = KeyRequest(
            node=KUNSHAN, name=name, algorithm=Algorithm.ED25519, public=new.public, replaces=None, at=world.now
        )
        payload = codec.encode(replace(message, **changes))
        return Flaw(data=seal(kind, payload, signers).packed(), form="key-request", expect=expect, why=why)

    invalid, malformed = Reason.SIGNATURE_INVALID, Reason.PAYLOAD_MALFORMED
    garbage = seal(codec.KEY_REQUEST_KIND, b'{"node":"\xff"}', [new])
    return {
        "request-not-by-new-key": request(invalid, "no proof of possession", old),
        "request-not-by-old-key": request(invalid, "a rotation that the old key does not sign", new, replaces=old.keyid),
        "request-replaces-unknown": request(Reason.KEY_UNKNOWN, "a rotation of a key that is not there", new, replaces="0" * 64),
        "request-replaces-another-units": request(
            Reason.KEY_UNKNOWN, "a rotation of another unit's key", new, replaces=world.node_keys[SUZHOU].keyid
        ),
        "request-replaces-revoked": request(
            Reason.KEY_REVOKED, "a revoked key introduces its successor", new, world.node_keys[ZHANGJIAGANG],
            node=ZHANGJIAGANG, replaces=world.node_keys[ZHANGJIAGANG].keyid,
        ),
        "request-of-another-type": request(Reason.PAYLOAD_UNKNOWN_KIND, "a request that calls itself a report", new, kind="report"),
        "request-key-unusable": request(malformed, "33 bytes are no Ed25519 key", new, public=b"x" * 33),
        "request-bad-utf8": Flaw(data=garbage.packed(), form="key-request", expect=malformed, why="no UTF-8"),
    }  # fmt: skip
