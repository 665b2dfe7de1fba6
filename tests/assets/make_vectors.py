"""Writes ``proto/vectors``: ``python -m tests.assets.make_vectors``; with ``--check`` only compares.

Everything comes from fixed seeds, ids and times, so a second run writes the same bytes. Oversize inputs are not stored;
the tests make them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from proto.envelope import Envelope, digest_of
from tests.assets.flaw import Flaw
from tests.assets.golden import golden_messages
from tests.assets.hostile_bytes import hostile_bytes
from tests.assets.hostile_hubs import hostile_hubs
from tests.assets.hostile_registry import hostile_registry
from tests.assets.hostile_signed import hostile_signed
from tests.assets.hostile_strict import hostile_strict
from tests.assets.vector_world import GATEWAY, vector_world
from tests.world import World

FOLDER = Path(__file__).parents[2] / "proto" / "vectors"


def render() -> dict[str, str]:
    """Return the text of every vector file by its path under the folder."""
    world = vector_world()
    files: dict[str, Any] = {"registry.json": _registry(world)}
    for name, (_, envelope) in golden_messages(world).items():
        files[f"golden/{name}.json"] = _golden(world, name, envelope)
    for name, flaw in all_flaws(vector_world()).items():
        files[f"hostile/{name}.json"] = _hostile(world, name, flaw)
    return {path: json.dumps(value, ensure_ascii=False, indent=1) + "\n" for path, value in files.items()}


def all_flaws(world: World) -> dict[str, Flaw]:
    """Return every hostile input by name; a name that stands twice is an error."""
    makers = (hostile_bytes, hostile_signed, hostile_hubs, hostile_registry, hostile_strict)
    parts = [make(world) for make in makers]
    found = {name: flaw for part in parts for name, flaw in part.items()}
    assert len(found) == sum(map(len, parts)), "a name stands twice"
    return found


def drift() -> list[str]:
    """Return the paths of vectors that are missing, changed or superfluous."""
    wanted = render()
    present = {str(p.relative_to(FOLDER)): p.read_text(encoding="utf-8") for p in FOLDER.rglob("*.json")}
    return sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))


def write() -> None:
    """Make the folder hold exactly the vectors."""
    wanted = render()
    for path in FOLDER.rglob("*.json"):
        if str(path.relative_to(FOLDER)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _registry(world: World) -> dict[str, Any]:
    return {
        "note": "Pinned roots, then directory and rosters in the order of the stream. All keys are made up for tests.",
        "now": _time(world),
        "gateway": GATEWAY,
        "roots": [{"keyid": root.keyid, "public": root.public.hex()} for root in world.pinned],
        "root_valid_from": world.begun.isoformat(),
        "envelopes": [json.loads(envelope.json()) for envelope in world.registry()],
    }


def _golden(world: World, name: str, envelope: Envelope) -> dict[str, Any]:
    keyid = envelope.signatures[0].keyid
    known = world.state.node_key(keyid)
    public = known.key.public if known else world.root.public
    return {
        "name": name,
        "message": json.loads(envelope.payload),
        "payload": envelope.payload.decode(),
        "payload_sha256": digest_of(envelope.payload),
        "pae_sha256": digest_of(envelope.pae()),
        "dsse": json.loads(envelope.json()),
        "msgpack": envelope.packed().hex(),
        "keyid": keyid,
        "public": public.hex(),
        "now": _time(world),
    }


def _hostile(world: World, name: str, flaw: Flaw) -> dict[str, Any]:
    return {
        "name": name,
        "flaw": flaw.why,
        "form": flaw.form,
        "bytes": flaw.data.hex(),
        "now": (flaw.now or world.now).isoformat(),
        "user_id": flaw.user_id,
        "registry": flaw.registry,
        "expect": flaw.expect.value,
    }


def _time(world: World) -> str:
    return world.now.isoformat()


def main() -> int:
    """Write the vectors, or check them; return the exit status."""
    if "--check" not in sys.argv[1:]:
        write()
        return 0
    names = drift()
    if names:
        sys.stderr.write("out of date (run python -m tests.assets.make_vectors): " + ", ".join(names) + "\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
