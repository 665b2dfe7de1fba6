"""Would a paper count? Asked by the gateway before a lead approves one, so that nothing stands which the score ignores."""

from typing import Annotated, Final, Literal
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from proto.errors import RefusedError
from proto.limits import MAX_ENVELOPE_BYTES
from proto.messages import Bulletin, BulletinContent, Designation, Rules
from services.kit.web.api import Endpoint, Read
from services.kit.web.problem import refused
from services.scoring.domain.refusals import WrongError
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import check_bulletin, check_rules, commends_every, content_of
from services.scoring.views.room import Room, problem_of

_MESSAGES: Final[dict[str, type[Rules | Bulletin | Designation]]] = {
    "rules": Rules, "bulletin": Bulletin, "designation": Designation,
}  # fmt: skip


class Paper(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that is to be approved."""

    kind: Literal["rules", "bulletin", "designation"]
    content: Annotated[str, Meta(min_length=1)]  # as the approval will cover it


class PaperViews:
    """The handler of this endpoint."""

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
            )
        ]

    async def check(self, request: web.Request, read: Read[Paper]) -> None:
        """Refuse a paper for the reason for which the same message would be ignored."""
        hub = self._room.hub_of(request)
        paper = await read()
        now = self._room.now()
        message = _MESSAGES[paper.kind](
            id=UUID(int=0), origin=hub.code, to=(), sent_at=now, content=paper.content, approvals=()
        )
        try:
            content = content_of(message, self._room.state)
            if isinstance(content, RuleSet):
                check_rules(await self._room.book(hub.code), content, self._room.today())
            elif isinstance(content, BulletinContent) and isinstance(message, Bulletin):
                issued = await self._room.store.issued(hub.code, content.period[:4])
                check_bulletin(message, content, issued, commends_every(hub.code, self._room.state))
        except RefusedError as error:
            raise refused(error.reason, error.detail) from error
        except WrongError as error:
            raise problem_of(error) from error
