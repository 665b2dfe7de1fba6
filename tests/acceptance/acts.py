"""What the acceptance tests do over and over, at the public edges only: write, decide, look up."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode
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
    """Return, decline or reverse at a hub: told at once."""
    body = {"verdict": verdict, "items": shared(reports, shares), **fields}
    answer = await network.people.call(hub, person, "POST", f"/api/v1/nodes/{hub}/decisions", body)
    return UUID(answer["message"])


class Adopted(msgspec.Struct, frozen=True):
    """An adoption that was told."""

    decision: UUID
    number: str  # of the issue, as the decision cites it
    issue: UUID
    publication: UUID | None


async def adopt(
    network: Network, hub: str, *reports: UUID, shares: Sequence[str] = (), series: str = "daily", **fields: Any
) -> Adopted:
    """Adopt a report, or merge several, in an issue of a hub's own, which its lead makes final."""
    issue = await draft(network, hub, series)
    n = await put_in(network, hub, UUID(issue["id"]), *reports, shares=shares, **fields)
    done = await make_final(network, hub, UUID(issue["id"]))
    decision = next(item["decision"] for item in done["items"] if item["n"] == n)
    return Adopted(UUID(decision), done["issue"], UUID(done["id"]), done["publication"] and UUID(done["publication"]))


async def draft(network: Network, hub: str, series: str = "daily", **readers: Sequence[str]) -> dict[str, Any]:
    """Return a new draft issue of a hub; its series is set up anew with these readers."""
    path = f"/api/v1/nodes/{hub}/series/{quote(series)}"
    body = {"name": f"【样例】{series}", "organ": "【样例】信息处", "readers": readers}
    await network.people.call(hub, "editor", "PUT", path, body)
    issue: dict[str, Any] = await network.people.call(hub, "editor", "POST", f"{path}/issues", {})
    return issue


async def put_in(
    network: Network, hub: str, issue: UUID, *reports: UUID, shares: Sequence[str] = (), person: str = "editor", **fields: Any
) -> int:  # fmt: skip
    """Adopt a report, or merge several, into a draft; return the item's number there."""
    body = {"verdict": "adopted" if len(reports) == 1 else "merged", "items": shared(reports, shares), **fields}
    answer = await network.people.call(hub, person, "POST", f"/api/v1/nodes/{hub}/issues/{issue}/items", body)
    return int(answer["n"])


async def make_final(network: Network, hub: str, issue: UUID) -> dict[str, Any]:
    """Make an issue final, as the hub's lead."""
    path = f"/api/v1/nodes/{hub}/issues/{issue}"
    shown = await network.people.call(hub, "lead", "GET", path)
    body = {"digest": shown["digest"]}
    done: dict[str, Any] = await network.people.call(hub, "lead", "POST", f"{path}/final", body)
    return done


async def standing(network: Network, hub: str, report: UUID) -> str:
    """Return what has become of a report at a hub."""
    found = await network.people.call(hub, "editor", "GET", f"/api/v1/nodes/{hub}/intake/{report}")
    return str(found["report"]["state"])


def shared(reports: Sequence[UUID], shares: Sequence[str]) -> list[dict[str, Any]]:
    """Return reports with their shares, 1 each where none are given."""
    return [{"report": one, "share": share} for one, share in zip(reports, shares or ["1"] * len(reports), strict=True)]


async def ledger(network: Network, decision: UUID, count: int) -> list[dict[str, Any]]:
    """Wait until the ledger holds ``count`` entries of a decision and return them in order of arrival."""

    async def look() -> tuple[list[dict[str, Any]]] | None:
        entries: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await network.people.operator("scoring", "GET", f"/api/v1/ledger?after={after}&limit=1000")
            entries += [entry for entry in page["entries"] if entry["event"] == str(decision)]
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
