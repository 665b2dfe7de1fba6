"""What a hub may send on to a higher level, and as what (转报, 上报国办). Pure."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from proto.limits import MAX_ENVELOPE_BYTES, MAX_FORWARDED
from proto.messages import DecidedItem, ReportContent, Stage
from services.gateway.domain.decisions import DecisionError, check_shares, listed

_SIGN_OFF_BYTES: Final = 16_384
"""Room that is kept for the sign-offs and the seal of the report that carries the originals."""


def check_selection(
    shares: Sequence[tuple[UUID, Decimal]], *, origins: Mapping[UUID, str], selected: Collection[UUID]
) -> tuple[DecidedItem, ...]:
    """Return the items of a selection; raise ``DecisionError``.

    ``origins`` holds the reports that lie in the hub's inbox with their units, ``selected`` those selected for the level.
    """
    if any(report in selected for report in listed(shares, origins)):
        raise DecisionError("selection.already", "该信息已选送", "A report has been sent on already")
    check_shares(shares)
    return tuple(DecidedItem(report=report, origin=origins[report], share=share) for report, share in shares)


def check_forward(
    shares: Sequence[tuple[UUID, Decimal]], *, origins: Mapping[UUID, str], forwarded: Collection[UUID], top: bool
) -> tuple[DecidedItem, ...]:
    """Return what a hub sends on to the hub above it; raise ``DecisionError``. ``top``: there is none above."""
    if top:
        raise DecisionError(
            "forward.top", "省级办公室向上选送请用上报国办", "The province selects for national level instead"
        )
    if len(shares) > MAX_FORWARDED:
        raise DecisionError(
            "forward.too_many", f"一次最多转报 {MAX_FORWARDED} 条", f"At most {MAX_FORWARDED} originals in one report"
        )
    return check_selection(shares, origins=origins, selected=forwarded)


def chained_to(
    content: ReportContent, given: UUID | None, originals: Collection[UUID], sent_on: Mapping[UUID, UUID | None]
) -> UUID | None:
    """Return the report of the hub that a forwarded follow-up continues, None for a first report.

    ``originals`` are the reports that the originals continue, ``sent_on`` tells as which report of the hub each went on.
    """
    if content.stage is Stage.FIRST or given is not None:
        return given
    found = {sent_on.get(one) for one in originals} - {None}
    if len(found) == 1:
        return found.pop()
    raise DecisionError(
        "forward.chain",
        "原报尚未转报，请注明本单位所续的报文",
        "The first report was not sent on: name the report of this hub that is continued",
    )


def fits(content: str, originals: Collection[bytes]) -> bool:
    """Tell whether a report with these originals (JSON forms) will fit into an envelope."""
    return len(content.encode()) * 2 + sum(map(len, originals)) + _SIGN_OFF_BYTES <= MAX_ENVELOPE_BYTES
