"""The trust state from files: pinned roots, directory and rosters, verified as the services verify them."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from proto.envelope import from_json
from proto.errors import Reason, RefusedError
from proto.messages import Directory, Key
from services.cli.failures import cannot, refused
from services.kit.registry import pinned_roots
from services.kit.trust.state import TrustState

DIRECTORY: Final = "directory.json"
ROSTERS: Final = "rosters"


class Problem(Struct, frozen=True, kw_only=True):
    """A registry file that was not taken."""

    file: str
    code: str


class Trust(Struct, frozen=True, kw_only=True):
    """What files make us believe."""

    roots: tuple[Key, ...]
    state: TrustState
    problems: list[Problem]  # rosters that were not taken


def read_trust(root: Path, registry: Path) -> Trust:
    """Return the state; refuse where the directory is missing or not the root's. A bad roster is only a problem."""
    if not root.exists():
        raise cannot(
            "root.missing", "没有根公钥文件，请用 --root 指定", "No pinned root keys; name them with --root", str(root)
        )
    roots = pinned_roots(str(root))
    state = TrustState(roots)
    read_directory(state, registry / DIRECTORY)
    problems = []
    for path in sorted((registry / ROSTERS).glob("*.json")):
        try:
            state.apply(from_json(path.read_bytes()))
        except RefusedError as error:
            problems.append(Problem(file=str(path), code=error.reason.value))
    return Trust(roots=roots, state=state, problems=problems)


def read_directory(state: TrustState, path: Path) -> Directory:
    """Apply the directory in a file and return it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise cannot("directory.missing", "没有名录文件", "There is no directory file", str(path)) from error
    try:
        taken = state.apply(from_json(data))
    except RefusedError as error:
        raise refused(error.reason, str(path)) from error
    if not isinstance(taken, Directory):
        raise refused(Reason.PAYLOAD_UNKNOWN_KIND, str(path))
    return taken
