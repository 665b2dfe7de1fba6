"""Which county should be a direct-report point, on the year's record (Art. 5(4)): a proposal, which a lead must sign.

1. A point fails that lacks full-time staff, or that left an obligation unmet in more months than is tolerated.
2. One that fails is warned; one that fails after a warning is to be revoked.
3. A place that is free goes to the best county that has the staff (设立); the place of a revoked one likewise (递补).
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from proto.messages import DesignationContent, Standing

MIN_STAFF: Final = 2
"""Full-time staff of a point where the rules in force do not say: standards seen ask for two or three."""


class Record(Struct, frozen=True, kw_only=True):
    """A county's year."""

    unit: str
    name: str
    city: str
    direct: bool  # is a point now
    points: Decimal  # of the year, at the province
    city_points: Decimal  # of the year, at its city: what tells counties apart that cannot report to the province
    adopted: int  # items of the year, at the province
    missed: int  # months with an obligation unmet
    staff: int  # full-time, in office now
    warned: bool = False  # by a designation in force since the last year's beginning


class Proposal(Struct, frozen=True, kw_only=True):
    """A line of the ranked proposal."""

    rank: int
    record: Record
    step: Standing | None  # what is proposed; None: leave it as it is
    replaces: str | None = None
    zh: str  # why
    en: str


def propose(
    records: Iterable[Record], *, places: int | None = None, staff: int = MIN_STAFF, tolerated: int = 2
) -> list[Proposal]:
    """Return all counties ranked by their year, each with what is proposed for it.

    ``places``: how many points there shall be, as many as now where None; ``staff``: full-time staff that a point needs;
    ``tolerated``: months with an unmet obligation that do not yet count as failing.
    """
    ranked = sorted(records, key=lambda r: (-r.points, -r.city_points, -r.adopted, r.unit))
    points = [each for each in ranked if each.direct]
    revoked = [each for each in reversed(points) if each.warned and _fails(each, staff, tolerated)]
    free = (len(points) if places is None else places) - (len(points) - len(revoked))
    able = [each for each in ranked if not each.direct and each.staff >= staff and each.points + each.city_points > 0]
    taken = {each.unit: (revoked[n].unit if n < len(revoked) else None) for n, each in enumerate(able[: max(free, 0)])}
    return [_proposal(rank, each, taken, staff, tolerated) for rank, each in enumerate(ranked, start=1)]


class Designated(Struct, frozen=True, kw_only=True):
    """A designation that counts."""

    sent_at: datetime
    content: DesignationContent


def points_by(designations: Iterable[Designated], day: date) -> dict[str, bool]:
    """Return of each county that a designation in force on a day concerns whether it is a point then; the latest counts."""
    points: dict[str, bool] = {}
    for each in sorted(designations, key=lambda one: (one.content.effective_from, one.sent_at)):
        if date.fromisoformat(each.content.effective_from) > day:
            continue
        if each.content.standing is not Standing.WARNED:  # which leaves it what it was
            points[each.content.unit] = each.content.standing is Standing.DESIGNATED
        if each.content.replaces is not None:
            points[each.content.replaces] = False
    return points


def _fails(record: Record, staff: int, tolerated: int) -> bool:
    return record.staff < staff or record.missed > tolerated


def _proposal(rank: int, record: Record, taken: dict[str, str | None], staff: int, tolerated: int) -> Proposal:
    zh = f"积分 {record.points}，市级积分 {record.city_points}，采用 {record.adopted} 条，专职 {record.staff} 人，未完成任务 {record.missed} 个月"
    en = (
        f"{record.points} points, {record.city_points} at its city, {record.adopted} items adopted, "
        f"{record.staff} full-time staff, {record.missed} months with an obligation unmet"
    )
    step: Standing | None = None
    if record.direct and _fails(record, staff, tolerated):
        step = Standing.REVOKED if record.warned else Standing.WARNED
    elif record.unit in taken:
        step = Standing.DESIGNATED
    if not record.direct and record.staff < staff:
        zh, en = (
            f"{zh}；专职不足 {staff} 人，不得设立",
            f"{en}; fewer than {staff} full-time staff, cannot be designated",
        )
    return Proposal(rank=rank, record=record, step=step, replaces=taken.get(record.unit), zh=zh, en=en)
