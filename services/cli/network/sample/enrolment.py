"""Publishing what the network was made with: directory, rosters, accounts."""

from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from proto.envelope import from_json
from services.cli.network.progress import Progress
from services.cli.network.sample.client import People
from services.cli.place import Place
from services.kit.crypto import write_secret
from services.kit.registry import pinned_roots
from services.kit.trust.state import TrustState


async def enrol(place: Place, progress: Progress) -> None:
    """Publish directory and rosters and create the accounts, once; repeating what was cut off is harmless."""
    done = place.registry / "enrolled"
    if done.exists():
        return
    async with aiohttp.ClientSession() as http:
        people = People(place, http)
        await people.operator("gateway", "PUT", "/api/v1/accounts", people.accounts)
        files = _files(place)
        for number, path in enumerate(files, 1):
            await people.operator("gateway", "POST", "/api/v1/envelopes", path.read_bytes())
            progress("enrol", number, len(files))
    write_secret(done, datetime.now(UTC).isoformat().encode())


def trust_of(place: Place) -> TrustState:
    """Return the trust state that the published files make."""
    state = TrustState(pinned_roots(str(place.pinned)))
    for path in _files(place):
        state.apply(from_json(path.read_bytes()))
    return state


def _files(place: Place) -> list[Path]:
    return [place.registry / "directory.json", *sorted((place.registry / "rosters").glob("*.json"))]
