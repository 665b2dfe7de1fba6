"""What the directory must change to follow the designations that a lead signed (Art. 5(4))."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Final

from msgspec import Struct

from proto.envelope import Envelope
from proto.messages import Designation, DesignationContent
from services.kit.trust.state import TrustState
from services.scoring.domain.standing import Designated, points_by
from services.scoring.domain.stating import Said, read

KIND: Final = Designation.kind()


class Followed(Struct, frozen=True, kw_only=True):
    """What the designations come to."""

    changes: dict[str, bool]  # counties that are to be a direct-report point today, or to be none any more
    waiting: list[Designated]  # for their day, the next one first
    ignored: list[str]  # reasons of those that do not count


def words_of(changes: dict[str, bool], names: Mapping[str, str]) -> tuple[str, str]:
    """Return in Chinese and English what is to change."""
    listed = [(f"{code} {names.get(code, '')}".strip(), direct) for code, direct in changes.items()]
    zh = "；".join(f"{unit} {'设为直报点' if direct else '不再作直报点'}" for unit, direct in listed)
    en = "; ".join(
        f"{unit} becomes a direct-report point" if direct else f"{unit} is no direct-report point any more"
        for unit, direct in listed
    )
    return zh, en


async def follow(messages: AsyncIterator[Envelope], state: TrustState, today: date) -> Followed:
    """Return what all designations say of today, each verified; in which order they come makes no difference."""
    counted: list[Designated] = []
    ignored: list[str] = []
    async for envelope in messages:
        said = read(envelope.packed(), state)
        if isinstance(said, Said) and isinstance(said.content, DesignationContent):
            counted.append(Designated(sent_at=said.message.sent_at, content=said.content))
        elif not isinstance(said, Said):
            ignored.append(said.reason)
    later = [each for each in counted if each.content.effective_from > today.isoformat()]
    return Followed(
        changes={
            code: direct
            for code, direct in sorted(points_by(counted, today).items())
            if (node := state.node(code)) is not None and node.direct_report is not direct
        },
        waiting=sorted(later, key=lambda each: each.content.effective_from),
        ignored=sorted(ignored),
    )
