"""A hub's editors and lead at work on the sample day: open, return or decline at once, adopt into issues, make them final.

Every step may be repeated: issues and items have ids of their own, and what is final already stays so.
"""

from typing import Any, Final
from uuid import UUID, uuid5

from proto.messages import NodeKind
from services.cli.network.sample.client import CallError, People
from services.cli.network.sample.day import DayDecision
from services.kit.trust.state import TrustState

_NAMESPACE: Final = UUID("0c6f5a0e-7f0b-5a53-9c1b-51f1a6a9d1c4")
_NAMES: Final = {"daily": "每日要情（样例）", "special": "专报（样例）", "research": "调研专刊（样例）"}
_DAY: Final = "11-23"  # of the year that an issue's number names
_BELOW: Final = {NodeKind.PROVINCE: NodeKind.CITY, NodeKind.CITY: NodeKind.COUNTY}  # who reads what a hub issues


class Editing:
    """One hub's desk."""

    def __init__(self, people: People, state: TrustState, hub: str, sent: dict[str, UUID]) -> None:
        self._people = people
        self._state = state
        self._hub = hub
        self._sent = sent  # message by the day's own key
        self._issues: dict[tuple[str, str], UUID] = {}  # by series and number, in order

    async def take(self, decision: DayDecision) -> None:
        """Open what is decided on, then decide, or adopt into the issue that the day names."""
        for item in decision.items:
            await self._call("POST", f"inbox/{self._sent[item.report]}/open")
        items = [{"report": self._sent[item.report], "share": item.exact} for item in decision.items]
        body: dict[str, Any] = {"verdict": decision.outcome, "items": items}
        if decision.publication:
            issue = await self._issue(decision.publication, decision.issue)
            key = "/".join([str(issue), *(item.report for item in decision.items)])
            await self._call("POST", f"issues/{issue}/items", body | {"id": uuid5(_NAMESPACE, key)})
        else:
            await self._call("POST", "decisions", body | {"reason": decision.reason}, but="decision.already_decided")

    async def make_final(self) -> None:
        """Make the issues final, as the hub's lead."""
        for issue in self._issues.values():
            shown = await self._people.call(self._hub, "lead", "GET", f"/api/v1/nodes/{self._hub}/issues/{issue}")
            asked = {"digest": shown["digest"]}
            await self._call("POST", f"issues/{issue}/final", asked, person="lead", but="issue.final")

    async def _issue(self, series: str, label: str) -> UUID:
        """Return the issue of a number such as 2026-327, opened where it is not yet."""
        if (series, label) not in self._issues:
            year, _, number = label.partition("-")
            issue = uuid5(_NAMESPACE, f"{self._hub}/{series}/{label}")
            if not any(known == series for known, _ in self._issues):
                await self._set_up(series, int(number))
            asked = {"id": issue, "number": int(number), "day": f"{year}-{_DAY}"}
            await self._call("POST", f"series/{series}/issues", asked)
            self._issues[series, label] = issue
        return self._issues[series, label]

    async def _set_up(self, series: str, first: int) -> None:
        """Set up a series: a city's goes up to the province, everybody's down to those who report to the hub."""
        node = self._state.node(self._hub)
        if node is None:
            raise CallError(404, "sample.no_hub", self._hub)
        below = [n.code for n in self._state.nodes() if n.parent == self._hub and n.type is _BELOW.get(node.type)]
        readers = {"up": [node.parent] if node.parent else [], "down": below}
        await self._call("PUT", f"series/{series}", {
            "name": _NAMES.get(series, series), "organ": node.name, "readers": readers, "first_number": first,
            "first_total": first,
        })  # fmt: skip

    async def _call(self, method: str, path: str, body: Any = None, *, person: str = "editor", but: str = "") -> None:
        """Call the gateway as one of the hub's staff; the problem ``but`` says that it was done before."""
        try:
            await self._people.call(self._hub, person, method, f"/api/v1/nodes/{self._hub}/{path}", body)
        except CallError as error:
            if not but or error.code != but:
                raise
