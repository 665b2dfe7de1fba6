"""Years that are over, as a hub's: what was signed then with keys good then, handed in late, its time its own.

The test network is of last month, and no test can wait for a month to end. So its directory and rosters come to name a key of
each unit, and a lead, of long ago, as those of a network of some years do. 2024 and 2025 are scored here, and nothing else
of the acceptance tests happens in them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from proto.messages import (
    Action,
    Approved,
    DecidedItem,
    Decision,
    Message,
    PublicationRef,
    Report,
    Role,
    Staff,
    Verdict,
)
from services.kit.calendar import CHINA
from services.kit.crypto import PrivateKey
from services.kit.ids import new_id
from services.kit.trust.enrol import key_record, seal_message, sign_off
from tests.acceptance.acts import content
from tests.acceptance.bus_side import publish, publish_nodes, publish_staff
from tests.network import Network
from tests.waiting import eventually

RULES = (Path(__file__).parents[2] / "deploy" / "sample" / "rules" / "default.toml").read_text(encoding="utf-8")
_LONG_AGO = datetime(2023, 12, 1, tzinfo=UTC)
_NO_STAFF = ("[obligations.staff]\ndirect_report = 2\n", "")  # the network's people came last month


def on(day: str, hour: int = 12) -> datetime:
    """Return a moment of a day in Jiangsu."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=CHINA)


def rules_text(version: str, since: str, *changes: tuple[str, str]) -> str:
    """Return the example rules as another version, each change found in them."""
    text = RULES
    for old, new in (('"2026-1"', f'"{version}"'), ("= 2026-01-01", f"= {since}"), _NO_STAFF, *changes):
        assert old in text, old
        text = text.replace(old, new)
    return text


class Past:
    """The units' keys of long ago, and what can be done with them."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._keys: dict[str, PrivateKey] = {}
        self._seniors: dict[str, PrivateKey] = {}

    @classmethod
    async def enrol(cls, network: Network) -> "Past":
        """Let the directory and the rosters name the keys."""
        past = cls(network)
        nodes = []
        for code in network.codes:
            past._keys[code], past._seniors[code] = PrivateKey.generate(), PrivateKey.generate()
            node = network.state.node(code)
            assert node is not None
            old = key_record(past._keys[code].public, since=_LONG_AGO)
            nodes.append(msgspec.structs.replace(node, keys=(*node.keys, old)))
        await publish_nodes(network, *nodes)
        for code, key in past._seniors.items():
            record = key_record(key.public, since=_LONG_AGO)
            senior = Staff(
                person="senior", name="【样例】前任", roles=(Role.OFFICE_LEAD,), full_time=False, since=_LONG_AGO,
                keys=(record,),
            )  # fmt: skip
            await publish_staff(network, code, senior)
        return past

    async def rules(self, hub: str, year: int) -> str:
        """Let a hub score from January of a year by the example rules; return their version."""
        version = f"{year}-1"
        text = rules_text(version, f"{year}-01-01")
        await publish_rules(self.network, hub, text)
        return version

    async def say(self, *messages: Message) -> None:
        """Hand messages in, each sealed with its unit's key of long ago."""
        sealed = [(each, seal_message(each, each.kind(), self._keys[each.origin])) for each in messages]
        await publish(self.network, *[(each.origin, each.kind(), envelope) for each, envelope in sealed])

    async def report(self, unit: str, at: datetime, *hubs: str, about: UUID | None = None, **changes: object) -> Report:
        """Hand in a report of a day; return it once it lies in the inboxes of ``hubs``, or of all that it goes to."""
        text = content(**changes)
        signed = tuple(
            sign_off(
                text, node=unit, about=about, person="senior", role=Role.OFFICE_LEAD, action=action, at=at,
                key=self._seniors[unit],
            )
            for action in (Action.REVIEWED, Action.APPROVED)
        )  # fmt: skip
        message = Report(
            id=new_id(), origin=unit, to=hubs or self.network.state.hubs_of(unit), sent_at=at, about=about,
            content=text, sign_offs=signed,
        )  # fmt: skip
        await self.say(message)
        for hub in message.to:
            await lies_at(self.network, hub, message.id)
        return message

    def approval(self, hub: str, kind: type[Approved], text: str, at: datetime, to: Sequence[str]) -> Approved:
        """Return rules, a bulletin or a designation of a day, approved by the hub's lead of then."""
        signed = sign_off(
            text, node=hub, person="senior", role=Role.OFFICE_LEAD, action=Action.APPROVED, at=at, key=self._seniors[hub]
        )  # fmt: skip
        return kind(id=new_id(), origin=hub, to=tuple(to), sent_at=at, content=text, approvals=(signed,))


async def lies_at(network: Network, hub: str, message: UUID) -> dict[str, Any]:
    """Wait until a message lies in a unit's inbox."""
    path = f"/api/v1/nodes/{hub}/inbox/{message}"
    found: dict[str, Any] = await eventually(
        lambda: network.people.call(hub, "officer", "GET", path), f"{message} at {hub}"
    )
    return found


def decision(
    hub: str, at: datetime, *reports: Report, series: str = "daily", issue: str = "1", verdict: Verdict | None = None,
    about: UUID | None = None, shares: Sequence[str] = (),
) -> Decision:  # fmt: skip
    """Return what a hub decided on a day: adopted, or merged where there are shares; a reversal names no issue."""
    made = verdict or (Verdict.MERGED if shares else Verdict.ADOPTED)
    items = tuple(
        DecidedItem(report=each.id, origin=each.origin, share=Decimal(share))
        for each, share in zip(reports, shares or ["1"] * len(reports), strict=True)
    )
    printed = made in (Verdict.ADOPTED, Verdict.MERGED)
    return Decision(
        id=new_id(), origin=hub, to=tuple(dict.fromkeys(each.origin for each in reports)), sent_at=at, verdict=made,
        about=about, items=items, editor="editor", reason="" if printed else "【样例】理由",
        publication=PublicationRef(series=series, issue=issue) if printed else None,
    )  # fmt: skip


async def asked(network: Network, reader: str, path: str, /, **query: Any) -> Any:
    """Ask the scoring service as a unit."""
    words = f"?{urlencode(query)}" if query else ""
    return await network.people.request("scoring", "GET", path + words, token=network.tokens[reader])


async def entries_of(network: Network, hub: str, month: str, *events: UUID, count: int) -> list[dict[str, Any]]:
    """Wait until a hub's month has so many entries of some events and return them in order of arrival."""

    async def look() -> list[dict[str, Any]]:
        wanted = {str(event) for event in events}
        return [each for each in await month_of_ledger(network, hub, month) if each["event"] in wanted]

    return await eventually(look, f"{count} entries", wanted=lambda found: len(found) == count)


async def month_of_ledger(network: Network, hub: str, month: str) -> list[dict[str, Any]]:
    """Return a hub's entries of a month, all pages."""
    entries: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        query = {"reader": hub, "hub": hub, "month": month, "limit": 500, "after": after}
        page = await asked(network, hub, "/api/v1/ledger", **query)
        entries, after = entries + page["entries"], page["next"]
    return entries


async def publish_rules(network: Network, hub: str, text: str) -> dict[str, Any]:
    """Publish rules as people do, once: an editor drafts, the lead approves; return when they score."""
    paper = await draft_paper(network, hub, "rules", text, id=uuid5(NAMESPACE_URL, f"{hub}/{text}"))
    if paper["state"] == "draft":
        paper = await approve_paper(network, hub, paper["id"])
    version = paper["subject"]

    async def known() -> bool:
        found = await asked(network, hub, "/api/v1/rules", hub=hub)
        return any(each["rules"]["version"] == version for each in found["versions"])

    await eventually(known, f"{version} of {hub} in the score")
    return paper


async def draft_paper(
    network: Network, hub: str, kind: str, text: Any, *, person: str = "editor", id: UUID | None = None
) -> dict[str, Any]:
    """Draft a paper."""
    body = {"kind": kind, "content": text, "id": id}
    found: dict[str, Any] = await network.people.call(hub, person, "POST", f"/api/v1/nodes/{hub}/papers", body)
    return found


async def approve_paper(network: Network, hub: str, paper: str, *, person: str = "lead") -> dict[str, Any]:
    """Approve a paper, which sends it."""
    path = f"/api/v1/nodes/{hub}/papers/{paper}"
    shown = await network.people.call(hub, "editor", "GET", path)
    body = {"passphrase": network.people.password, "digest": shown["digest"]}
    found: dict[str, Any] = await network.people.call(hub, person, "POST", f"{path}/approve", body)
    return found
