"""Putting the example point rules into force: at each hub an editor drafts them and the lead approves, as people do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from services.cli.network.progress import Progress
from services.cli.network.sample.client import People
from services.cli.network.sample.enrolment import trust_of
from services.cli.network.sample.papers import publish_paper
from services.cli.network.sample.patience import patiently
from services.cli.papers import Kind, paper_of
from services.cli.place import ROOT, Place
from services.kit.crypto import write_secret
from services.kit.tasks import TaskScope
from services.kit.trust.state import TrustState

RULES: Final = ROOT / "deploy" / "sample" / "rules" / "default.toml"


async def publish_rules(place: Place, progress: Progress, file: Path = RULES) -> None:
    """Publish the rules at each hub, once; repeating what was cut off is harmless."""
    done = place.registry / "rules-published"
    if done.exists():
        return
    text = file.read_text(encoding="utf-8")
    hubs = hubs_of(trust_of(place))
    finished = 0

    async def one(people: People, hub: str) -> None:
        nonlocal finished
        await patiently(lambda: publish_paper(people, hub, paper_of(Kind.RULES, hub, text)))
        finished += 1
        progress("rules", finished, len(hubs))

    async with aiohttp.ClientSession() as http, TaskScope() as tasks:
        people = People(place, http)
        for hub in hubs:
            tasks.spawn(one(people, hub), f"rules-{hub}")
        await tasks.all_done()
    write_secret(done, datetime.now(UTC).isoformat().encode())


def hubs_of(state: TrustState) -> list[str]:
    """Return the units to which others report, in order of their codes."""
    return sorted({hub for node in state.nodes() for hub in state.hubs_of(node.code)})
