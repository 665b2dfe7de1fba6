"""Would it count? Asked by the gateway before a lead approves a paper or adjusts points: nothing stands that is ignored."""

from typing import Annotated, Final, Literal
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from proto.errors import RefusedError
from proto.limits import MAX_ENVELOPE_BYTES, MAX_ITEMS
from proto.messages import Adjustment, AdjustmentLine, Bulletin, BulletinContent, Designation, DesignationContent, Rules
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import ProblemError, refused
from services.scoring.domain.judging import check_now
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import check_bulletin, check_point, check_rules, commends_every, content_of
from services.scoring.domain.weighing import UnfitError
from services.scoring.views.room import Room, problem_of

_MESSAGES: Final[dict[str, type[Rules | Bulletin | Designation]]] = {
    "rules": Rules, "bulletin": Bulletin, "designation": Designation,
}  # fmt: skip


class Paper(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that is to be approved."""

    kind: Literal["rules", "bulletin", "designation"]
    content: Annotated[str, Meta(min_length=1)]  # as the approval will cover it
    after: UUID | None = None  # the message of the paper that the hub approved last: what stands includes it


class Adjusted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a lead is about to deduct, or to give in answer to an appeal."""

    lines: Annotated[tuple[AdjustmentLine, ...], Meta(max_length=MAX_ITEMS)]


class PaperViews:
    """The handlers of these endpoints."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def endpoints(self) -> list[Endpoint]:
        """Return the table of operations."""
        return [
            Endpoint(
                method="POST",
                path="/api/v1/hubs/{hub}/papers/check",
                handle=self.check,
                summary="文稿预审 / Whether a paper of that hub would count if it were sent now; nothing is stored",
                body=Paper,
                body_limit=MAX_ENVELOPE_BYTES,
                status=204,
                errors=(400, 401, 403, 404, 409, 413, 422),
            ),
            Endpoint(
                method="POST",
                path="/api/v1/hubs/{hub}/adjustments/check",
                handle=self.check_adjustment,
                summary="积分调整预审 / Whether all of an adjustment by that hub would count if it were sent now",
                body=Adjusted,
                body_limit=MAX_ENVELOPE_BYTES,
                status=204,
                errors=(400, 401, 403, 404, 409, 413),
            ),
        ]

    async def check(self, request: web.Request, read: Read[Paper]) -> None:
        """Refuse a paper for the reason for which the same message would be ignored, once the one before it is recorded."""
        hub = self._room.hub_of(request)
        paper = await read()
        if paper.after is not None and not await self._room.awaiting.recorded(hub.code, paper.after):
            raise ProblemError(
                409,
                "paper.earlier_pending",
                "上一份文稿尚未入账，请稍后再试",
                "The paper approved before is not recorded yet, try again in a moment",
            )
        now = self._room.now()
        message = _MESSAGES[paper.kind](
            id=UUID(int=0), origin=hub.code, to=(), sent_at=now, content=paper.content, approvals=()
        )
        try:
            content = content_of(message, self._room.state)
            if isinstance(content, RuleSet):
                check_rules(await self._room.book(hub.code), content, self._room.today())
            elif isinstance(content, DesignationContent):
                check_point(content, self._room.state)
            elif isinstance(content, BulletinContent) and isinstance(message, Bulletin):
                issued = await self._room.store.issued_heads(hub.code, content.period[:4])
                check_bulletin(message, content, issued, commends_every(hub.code, self._room.state))
        except RefusedError as error:
            raise refused(error.reason, error.detail) from error
        except UnfitError as error:
            raise problem_of(error) from error

    async def check_adjustment(self, request: web.Request, read: Read[Adjusted]) -> None:
        """Refuse an adjustment of which some line would be ignored, or give nothing by the rules now in force."""
        hub = self._room.hub_of(request)
        adjusted = await read()
        await self._room.books.refresh()
        message = Adjustment(
            id=UUID(int=0), origin=hub.code, to=(), sent_at=self._room.now(), lines=adjusted.lines, person="", reason=""
        )
        try:
            check_now(message, self._room.state, self._room.books)
        except UnfitError as error:
            raise problem_of(error) from error
