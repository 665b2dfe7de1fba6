"""What the acceptance tests do over and over, at the public edges only: write, decide, look up."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import msgspec

from services.cli.network.sample.client import CallError
from tests.network import Network
from tests.waiting import eventually


def word() -> str:
    """Return a word that stands in no other text: one run of letters and digits, so that it can be searched for."""
    return "m" + uuid4().hex


def content(**changes: object) -> str:
    """Return the JSON of a plausible report's content."""
    fields = {
        "title": "样例：秋粮收购进度", "body": "【样例】全市秋粮收购进展顺利，收购量同比增长一成。", "category": "development",
        "sources": ["市发展改革委"],
    }  # fmt: skip
    return msgspec.json.encode(fields | changes).decode()


async def refusal(call: Awaitable[Any]) -> tuple[int, str]:
    """Return status and code of a call that must be refused."""
    try:
        answer = await call
    except CallError as error:
        return error.status, error.code
    raise AssertionError(f"not refused: {answer!r:.200}")


async def read_as(network: Network, reader: str, path: str, service: str = "archive", **query: Any) -> Any:
    """Read from a service as a unit, with that unit's own token."""
    asked = urlencode({name: str(value) for name, value in {"reader": reader, **query}.items()})
    return await network.people.request(service, "GET", f"{path}?{asked}", token=network.tokens[reader])


async def search(network: Network, reader: str, q: str, **filters: Any) -> dict[str, Any]:
    """Search the repository as a unit."""
    found: dict[str, Any] = await read_as(network, reader, "/api/v1/search", q=q, **filters)
    return found


async def found(network: Network, reader: str, q: str, total: int, **filters: Any) -> list[dict[str, Any]]:
    """Wait until a search finds so many and return the hits."""

    async def look() -> dict[str, Any] | None:
        answer = await search(network, reader, q, **filters)
        return answer if answer["total"] == total else None

    answer = await eventually(look, f"{total} hits for {reader}")
    return list(answer["hits"])


async def inbox(network: Network, hub: str, message: UUID, person: str = "officer") -> dict[str, Any]:
    """Wait until a message lies in a unit's inbox and return it; this does not open it."""
    path = f"/api/v1/nodes/{hub}/inbox/{message}"
    received: dict[str, Any] = await eventually(
        lambda: network.people.call(hub, person, "GET", path), f"{message} at {hub}"
    )
    return received


async def report(network: Network, node: str, *hubs: str, about: UUID | None = None, **changes: object) -> UUID:
    """Hand in a report and return its id once it lies in the inboxes of ``hubs``."""
    message = await network.submit(node, content(**changes), about=about)
    for hub in hubs:
        await inbox(network, hub, message)
    return message


async def decide(
    network: Network, hub: str, verdict: str, *reports: UUID, shares: Sequence[str] = (), person: str = "editor", **fields: Any
) -> UUID:  # fmt: skip
    """Decide about reports at a hub; an adoption appears in the daily where nothing else is said."""
    items = [
        {"report": one, "share": share} for one, share in zip(reports, shares or ["1"] * len(reports), strict=True)
    ]
    body = {"verdict": verdict, "items": items, **fields}
    if verdict in {"adopted", "merged"}:
        body.setdefault("publication", {"series": "daily", "issue": "1"})
    answer = await network.people.call(hub, person, "POST", f"/api/v1/nodes/{hub}/decisions", body)
    return UUID(answer["decision"])


async def ledger(network: Network, decision: UUID, count: int) -> list[dict[str, Any]]:
    """Wait until the ledger holds ``count`` entries of a decision and return them in order of arrival."""

    async def look() -> tuple[list[dict[str, Any]]] | None:
        entries: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await network.people.operator("scoring", "GET", f"/api/v1/ledger?after={after}&limit=1000")
            entries += [entry for entry in page["entries"] if entry["decision"] == str(decision)]
            after = page["next"]
        return (entries,) if len(entries) >= count else None

    (entries,) = await eventually(look, f"{count} ledger entries of {decision}")
    assert len(entries) == count
    return list(entries)


async def verdict_at(network: Network, node: str, message: UUID, decision: UUID) -> dict[str, Any]:
    """Wait until a unit sees what a hub decided about its report."""

    async def look() -> dict[str, Any] | None:
        verdicts = (await network.item(node, message))["verdicts"]
        return next((v for v in verdicts if v["decision"] == str(decision)), None)

    verdict: dict[str, Any] = await eventually(look, f"verdict on {message}")
    return verdict


async def line(network: Network, node: str, person: str = "officer") -> dict[str, Any]:
    """Return what the console says of a unit's line."""
    state: dict[str, Any] = await network.people.call(node, person, "GET", f"/api/v1/nodes/{node}")
    return state


@asynccontextmanager
async def line_down(network: Network, node: str) -> AsyncIterator[None]:
    """Stop the broker for the length of the block; leave with the line up again and nothing waiting."""

    async def is_down() -> bool:
        return not (await line(network, node))["online"]

    async def is_up() -> bool:
        state = await line(network, node)
        return bool(state["online"]) and state["waiting"] == 0

    await network.rabbit.stop()
    try:
        await eventually(is_down, "offline")
        yield
    finally:
        await network.rabbit.start()
        await eventually(is_up, "online, nothing waiting")
