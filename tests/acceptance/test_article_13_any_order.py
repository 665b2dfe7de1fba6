"""Art. 13: whatever order decisions and reversals arrive in, and however often, the bulletin's figures are the same."""

from decimal import Decimal
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID

from proto.envelope import Envelope
from proto.messages import DecidedItem, Decision, PublicationRef, Verdict
from services.kit.calendar import month_of
from services.kit.ids import new_id, utc_now
from tests.acceptance.acts import read_as
from tests.acceptance.bus_side import publish, seal
from tests.network import Network
from tests.places import JIANGYIN, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually

NAMES = ("first", "second", "taken back", "merged", "declined")
ORDERS = (
    ("first", "second", "taken back", "merged", "declined"),
    ("taken back", "declined", "merged", "second", "first"),
    *Random(13).sample(list(permutations(NAMES)), 3),  # noqa: S311 - which orders, not secrecy
)
"""Among them a reversal before the decision that it takes back."""


def decisions(hub: str, unit: str) -> dict[str, Decision]:
    """Return a day's decisions of a hub about a unit: worth 2 + 6 − 6 + 10 points."""
    now = utc_now()

    def make(verdict: Verdict, series: str, shares: tuple[str, ...], about: UUID | None = None) -> Decision:
        items = tuple(DecidedItem(report=new_id(), origin=unit, share=Decimal(share)) for share in shares)
        return Decision(
            id=new_id(), origin=hub, to=(unit,), sent_at=now, about=about, verdict=verdict, items=items, editor="editor",
            publication=PublicationRef(series=series, issue="8") if series else None, reason="" if series else "略",
        )  # fmt: skip

    second = make(Verdict.ADOPTED, "special", ("1",))
    return {
        "first": make(Verdict.ADOPTED, "daily", ("1",)),
        "second": second,
        "taken back": make(Verdict.REVERSED, "", ("1",), about=second.id),
        "merged": make(Verdict.MERGED, "research", ("0.3", "0.7")),
        "declined": make(Verdict.DECLINED, "", ("1",)),
    }


async def table_line(network: Network, hub: str, unit: str, month: str) -> dict[str, Decimal]:
    """Return a unit's figures in a hub's month table."""
    table = await read_as(network, hub, f"/api/v1/months/{hub}/{month}", service="scoring")
    (line,) = [each for each in table["lines"] if each["unit"] == unit]
    return {name: Decimal(str(line[name])) for name in ("adopted", "merged", "points", "year_points")}


async def test_any_order_gives_the_same_month_table(network: Network) -> None:
    month = month_of(utc_now())
    for turn, order in enumerate(ORDERS):
        hub, unit = ((SUZHOU, ZHANGJIAGANG), (WUXI, JIANGYIN))[turn % 2]
        before = await table_line(network, hub, unit, month)
        made = decisions(hub, unit)
        sealed: dict[str, Envelope] = {name: seal(network, one) for name, one in made.items()}
        twice = [*order, *order[::2]]  # redelivered: it changes nothing
        await publish(network, *[(hub, "decision", sealed[name]) for name in twice])

        async def scored(
            hub: str = hub, unit: str = unit, made: dict[str, Decision] = made
        ) -> list[dict[str, Any]] | None:
            page = await read_as(network, hub, "/api/v1/ledger", service="scoring", hub=hub, unit=unit, limit=1000)
            ids = {str(one.id) for one in made.values()}
            entries = [entry for entry in page["entries"] if entry["event"] in ids]
            return entries if len(entries) >= 5 else None

        entries = await eventually(scored, "the entries of the day")
        assert sorted(Decimal(str(e["points"])) for e in entries) == [-6, 2, 3, 6, 7]
        after = await table_line(network, hub, unit, month)
        gained = {name: after[name] - before[name] for name in after}
        assert gained == {"adopted": 1, "merged": 2, "points": 12, "year_points": 12}, order
