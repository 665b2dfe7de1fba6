"""The directory as a list."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from proto.messages import Key, Node, NodeKind
from services.cli.trust import DIRECTORY, read_directory
from services.kit.registry import pinned_roots
from services.kit.trust.state import TrustState


class KeyState(StrEnum):
    """Where a key stands (密钥状态)."""

    VALID = "valid"
    PENDING = "pending"  # from a later time on
    ENDED = "ended"
    REVOKED = "revoked"


_ZH = {KeyState.VALID: "有效", KeyState.PENDING: "未生效", KeyState.ENDED: "已停用", KeyState.REVOKED: "已吊销"}


class KeyLine(Struct, frozen=True, kw_only=True):
    """A key of a unit."""

    keyid: str
    state: KeyState
    valid_from: datetime
    valid_to: datetime | None
    revoked_from: datetime | None


class NodeLine(Struct, frozen=True, kw_only=True):
    """A unit of the directory."""

    code: str
    name: str
    type: NodeKind
    parent: str | None
    gateway: str
    direct_report: bool
    suspended: bool
    keys: list[KeyLine]  # the latest last

    @property
    def key_text(self) -> str:
        """Return the latest key and its state, with how many came before."""
        if not self.keys:
            return "—"
        last = self.keys[-1]
        earlier = f"（另 {len(self.keys) - 1}）" if len(self.keys) > 1 else ""
        return f"{last.keyid[:12]} {_ZH[last.state]} / {last.state.value}{earlier}"


class Listing(Struct, frozen=True, kw_only=True):
    """The directory."""

    version: int
    issued: datetime
    expires: datetime
    nodes: list[NodeLine]


def read(root: Path, registry: Path, *, now: datetime) -> Listing:
    """Return the verified directory, units in order of their codes."""
    state = TrustState(pinned_roots(str(root)))
    directory = read_directory(state, registry / DIRECTORY)
    nodes = [_line(node, now) for node in sorted(directory.nodes, key=lambda node: node.code)]
    return Listing(version=directory.version, issued=directory.sent_at, expires=directory.expires, nodes=nodes)


def state_of(key: Key, now: datetime) -> KeyState:
    """Return where a key stands."""
    if key.revoked_from is not None and key.revoked_from <= now:
        return KeyState.REVOKED
    if key.valid_to is not None and key.valid_to <= now:
        return KeyState.ENDED
    return KeyState.VALID if key.valid_from <= now else KeyState.PENDING


def _line(node: Node, now: datetime) -> NodeLine:
    keys = [
        KeyLine(
            keyid=key.keyid, state=state_of(key, now), valid_from=key.valid_from, valid_to=key.valid_to,
            revoked_from=key.revoked_from,
        )
        for key in node.keys
    ]  # fmt: skip
    return NodeLine(
        code=node.code, name=node.name, type=node.type, parent=node.parent, gateway=node.gateway,
        direct_report=node.direct_report, suspended=node.suspended, keys=keys,
    )  # fmt: skip
