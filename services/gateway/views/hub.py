"""Who may work at a hub's desk, and the parts of a request that its views share."""

from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto.limits import MAX_BODY_CHARS, MAX_TITLE_CHARS
from proto.messages import Role
from proto.messages.base import check_decimal
from services.gateway.desk import DESK
from services.gateway.domain.decisions import DecisionError
from services.gateway.views.auth import Principal, member
from services.kit.web.problem import ProblemError, forbidden

_NO_NUL: Final = r"^[^\u0000]*$"  # what PostgreSQL can keep
LEADS: Final = (Role.OFFICE_LEAD, Role.UNIT_LEAD)
DESK_ROLES: Final = (Role.EDITOR, *LEADS)

TitleText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TITLE_CHARS, pattern=_NO_NUL)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 of what was shown, as the gateway said it: what is approved is what was looked at."""
BodyText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_BODY_CHARS, pattern=_NO_NUL)]


class ItemShare(msgspec.Struct, forbid_unknown_fields=True):
    """A report under a decision, or that is sent on."""

    report: UUID
    share: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        check_decimal(self.share, -1, 1)  # finite, of few places; what the shares must add up to is the domain's rule


async def hub_member(request: web.Request, *roles: Role) -> Principal:
    """Return the signed-in member of the hub in the path who holds one of ``roles``: by default editors and leads."""
    who = await member(request, *(roles or DESK_ROLES))
    node = request.app[DESK].state.node(who.node)
    if node is None or not node.type.is_hub:
        raise forbidden("auth.not_a_hub", "本单位不办理采编", "This unit does not edit reports")
    return who


def check_written(*texts: str) -> None:
    """Raise 422 where one of these texts is nothing but blanks: it would be printed, or kept as if somebody had said something."""
    if not all(text.strip() for text in texts):
        raise ProblemError(422, "text.blank", "内容不能为空白", "A text is blank")


def refusal_of(error: DecisionError) -> ProblemError:
    """422: the decision breaks a rule."""
    return ProblemError(422, error.code, error.zh, error.en, error.detail)
