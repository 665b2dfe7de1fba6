"""Rotating a unit's key in steps that may be interrupted anywhere and repeated.

(1) the new key is written beside the old, (2) the request that both sign, (3) the province takes it into the directory,
(4) the new key takes the old one's place, the old one being kept under its id.
"""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from services.cli import credentials
from services.cli.enrolment import write_public
from services.cli.failures import not_so
from services.cli.place import Place
from services.cli.trust import DIRECTORY, read_directory
from services.kit.crypto import PrivateKey, write_secret
from services.kit.registry import pinned_roots
from services.kit.trust.enrol import key_request
from services.kit.trust.state import TrustState


class Turn(Struct, frozen=True, kw_only=True):
    """A rotation under way."""

    code: str
    old: PrivateKey
    new: PrivateKey
    key: Path  # the key in force
    waiting: Path  # the new key until it is in force
    request: Path
    approved: bool  # the directory has the new key


def begin(place: Place, code: str, keys: Path, passphrase_file: Path | None, *, at: datetime) -> Turn:
    """Do steps 1 and 2, or pick up where an earlier run stopped."""
    key, waiting = keys / f"{code}.pem", keys / f"{code}.next.pem"
    request = keys / f"{code}.request.json"
    if not key.exists():
        raise not_so("node.no_key", "此处没有该单位的密钥", "This unit's key is not here", str(key))
    state = TrustState(pinned_roots(str(place.pinned)))
    read_directory(state, place.registry / DIRECTORY)
    node = state.node(code)
    if node is None:
        raise not_so("node.unknown", "名录中没有该单位", "The directory has no such unit", code)
    default = place.secrets / "node-passphrase"
    file = passphrase_file or (default if default.exists() else None)
    passphrase = credentials.secret_of(file, zh="单位密钥口令", en="passphrase of the unit's key")
    old = PrivateKey.from_pem(key.read_bytes(), passphrase)
    if waiting.exists():
        new = PrivateKey.from_pem(waiting.read_bytes(), passphrase)
    else:
        new = PrivateKey.generate()
        write_secret(waiting, new.to_pem(passphrase))  # (1)
        request.unlink(missing_ok=True)
    approved = any(each.keyid == new.keyid for each in node.keys)
    if not approved:
        write_public(request, key_request(code, node.name, new=new, old=old, at=at).json())  # (2)
    return Turn(code=code, old=old, new=new, key=key, waiting=waiting, request=request, approved=approved)


def finish(turn: Turn) -> None:
    """Do step 4."""
    write_secret(turn.key.with_name(f"{turn.code}.{turn.old.keyid[:12]}.pem"), turn.key.read_bytes())
    turn.waiting.replace(turn.key)
    turn.request.unlink(missing_ok=True)
