"""A year of the province to measure with: the network, and what is said in it, signed by whom it must be."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from proto.envelope import Envelope
from proto.messages import (
    Action,
    Bulletin,
    DecidedItem,
    Decision,
    Instruction,
    Level,
    Message,
    Node,
    NodeKind,
    PublicationRef,
    Role,
    Rules,
    Staff,
    Verdict,
)
from services.cli.network.units import PROVINCE, ROUTER, Unit, read_units
from services.kit.crypto import PrivateKey
from services.kit.ids import new_id, utc_now
from services.kit.trust import enrol
from services.kit.trust.state import TrustState

USER: Final = "yizhan-admin"
RULES: Final = Path(__file__).parents[1] / "deploy/sample/rules/default.toml"
_SERIES: Final = ("daily", "daily", "daily", "special", "research")

Reported = tuple[UUID, Unit, datetime]
"""A report: its id, who sent it, when."""


class Year:
    """The network and what is said in it in one year; the same in every run but for keys and ids."""

    def __init__(self, year: int, *, reports: int, adoptions: int) -> None:
        self.year, self._reports, self._adoptions = year, reports, adoptions
        self.units = read_units()
        self.keys = {unit.code: PrivateKey.generate() for unit in (*self.units, ROUTER)}
        self._root = PrivateKey.generate()
        self._leads = {unit.code: PrivateKey.generate() for unit in self.units if unit.is_hub}
        self._begun = datetime(year - 1, 12, 1, tzinfo=UTC)
        self.pinned = (enrol.key_record(self._root.public, since=self._begun),)
        self.registry = self._make_registry()
        self._random = random.Random(year)  # noqa: S311 - a load, not a secret

    def state(self) -> TrustState:
        """Return what the registry says."""
        state = TrustState(self.pinned)
        for envelope in self.registry:
            state.apply(envelope)
        return state

    def rules(self) -> Iterator[Envelope]:
        """Yield the rules of every hub."""
        text = RULES.read_text(encoding="utf-8").replace("= 2026-01-01", f"= {self.year}-01-01")
        for hub in self._leads:
            yield self.approved(Rules, hub, text, self._begun + timedelta(days=2))

    def approved(self, kind: type[Rules] | type[Bulletin], hub: str, text: str, at: datetime) -> Envelope:
        """Return what a hub's lead approved."""
        lead = enrol.sign_off(
            text, node=hub, person="lead", role=Role.OFFICE_LEAD, action=Action.APPROVED, at=at, key=self._leads[hub]
        )
        below = tuple(unit.code for unit in self.units if unit.parent == hub)
        return self._seal(kind(id=new_id(), origin=hub, to=below, sent_at=at, content=text, approvals=(lead,)))

    def reports(self) -> list[Reported]:
        """Return (id, unit, time) of every report."""
        senders = [unit for unit in self.units if unit.parent is not None]
        minutes = self._reports / (365 * 24 * 60)
        begun = datetime(self.year, 1, 1, tzinfo=UTC) - timedelta(hours=8)
        return [
            (new_id(), senders[number % len(senders)], begun + timedelta(minutes=number / minutes))
            for number in range(self._reports)
        ]

    def decided(self, reports: Sequence[Reported]) -> Iterator[Envelope]:
        """Yield what hubs make of these reports, and leaders of that."""
        chosen = self._random.sample(reports, self._adoptions)
        chosen.sort(key=lambda report: report[2])
        number = 0
        while number < len(chosen):
            _, unit, sent = chosen[number]
            at = min(sent + timedelta(hours=3), datetime(self.year, 12, 31, 15, tzinfo=UTC))
            hub = unit.parent or PROVINCE
            group = [chosen[number]]
            if number % 10 == 0 and number + 1 < len(chosen) and (chosen[number + 1][1].parent or PROVINCE) == hub:
                group.append(chosen[number + 1])
            number += len(group)
            yield from self._made_of(group, hub, at, number)

    def _made_of(self, group: Sequence[Reported], hub: str, at: datetime, number: int) -> Iterator[Envelope]:
        share = Decimal(1) / len(group)
        items = tuple(DecidedItem(report=report, origin=unit.code, share=share) for report, unit, _ in group)
        verdict = Verdict.MERGED if len(group) > 1 else Verdict.ADOPTED
        adopted = self._decision(hub, items, verdict, at, number)
        yield self._seal(adopted)
        if hub != PROVINCE and number % 10 == 1:  # sent on, and adopted above
            carrier = new_id()
            sent_on = self._decision(hub, items, Verdict.SELECTED, at, number)
            sent_on = msgspec.structs.replace(sent_on, level=Level.PROVINCE, forwarded_as=carrier, publication=None)
            own = (DecidedItem(report=carrier, origin=hub, share=Decimal(1)),)
            yield self._seal(self._decision(PROVINCE, own, Verdict.ADOPTED, at, number))
            yield self._seal(sent_on)
        if number % 40 == 3:
            level = Level.PROVINCE if hub == PROVINCE else Level.CITY
            yield self._seal(
                Instruction(
                    id=new_id(), origin=hub, to=adopted.to, sent_at=at, level=level, items=items, leader="样例",
                    rank="样例", text="样例",
                )
            )  # fmt: skip
        if number % 100 == 7:
            back = self._decision(hub, items, Verdict.REVERSED, at, number)
            yield self._seal(msgspec.structs.replace(back, about=adopted.id, publication=None, reason="样例"))

    def _decision(
        self, hub: str, items: tuple[DecidedItem, ...], verdict: Verdict, at: datetime, number: int
    ) -> Decision:
        return Decision(
            id=new_id(),
            origin=hub,
            to=tuple(dict.fromkeys(item.origin for item in items)),
            sent_at=at,
            verdict=verdict,
            items=items,
            publication=PublicationRef(series=_SERIES[number % len(_SERIES)], issue=str(number // 20)),
            editor="editor",
        )

    def _seal(self, message: Message) -> Envelope:
        return enrol.seal_message(message, message.kind(), self.keys[message.origin])

    def _make_registry(self) -> list[Envelope]:
        nodes = [
            Node(
                code=unit.code,
                name=unit.name,
                type=unit.type,
                parent=unit.parent,
                gateway="router" if unit.type is NodeKind.SERVICE else USER,
                research_class=unit.research_class,
                direct_report=unit.direct_report,
                keys=(enrol.key_record(self.keys[unit.code].public, since=self._begun),),
            )
            for unit in (*self.units, ROUTER)
        ]
        day = timedelta(days=1)
        directory = enrol.next_directory(
            None,
            nodes,
            self.pinned,
            id=new_id(),
            origin=PROVINCE,
            issued=self._begun + day,
            expires=utc_now() + 365 * day,
        )
        made = [enrol.seal_message(directory, directory.kind(), self._root)]
        for hub, key in self._leads.items():
            lead = Staff(
                person="lead", name="样例", roles=(Role.OFFICE_LEAD,), full_time=True, since=self._begun,
                keys=(enrol.key_record(key.public, since=self._begun),),
            )  # fmt: skip
            roster = enrol.roster(hub, [lead], version=1, id=new_id(), at=self._begun + day)
            made.append(enrol.seal_message(roster, roster.kind(), self.keys[hub]))
        return made
