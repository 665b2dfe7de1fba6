"""The life of an item before it is sent (Art. 12), as a table.

草稿 → 待审核 → 待签发 → 已签发 → 已报送, and 退回 back to the writer, up to the sending. What is not in the table is refused with the state and the
steps that are allowed from there.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from proto.messages import Action, Importance, Role
from services.kit.trust.verify import MAY_SIGN


class State(StrEnum):
    """状态."""

    DRAFT = "draft"  # 草稿
    IN_REVIEW = "in_review"  # 待审核
    AWAITING_APPROVAL = "awaiting_approval"  # 待签发
    APPROVED = "approved"  # 已签发
    SENT = "sent"  # 已报送
    RETURNED = "returned"  # 退回


class Step(StrEnum):
    """操作."""

    EDIT = "edit"
    SUBMIT = "submit"
    REVIEW = "review"
    APPROVE = "approve"
    RETURN = "return"
    SEND = "send"
    REOPEN = "reopen"  # what the network refused is written anew


class Rule(Struct, frozen=True, kw_only=True):
    """Where a step leads, who may take it and what it signs."""

    to: State
    roles: frozenset[Role]
    signs: Action | None = None


_WRITERS: Final = frozenset({Role.INFORMATION_OFFICER})
_LEADS: Final = frozenset({Role.OFFICE_LEAD, Role.UNIT_LEAD})

RULES: Final[dict[tuple[State, Step], Rule]] = {
    (State.DRAFT, Step.EDIT): Rule(to=State.DRAFT, roles=_WRITERS),
    (State.RETURNED, Step.EDIT): Rule(to=State.DRAFT, roles=_WRITERS),
    (State.DRAFT, Step.SUBMIT): Rule(to=State.IN_REVIEW, roles=_WRITERS),
    (State.IN_REVIEW, Step.REVIEW): Rule(to=State.AWAITING_APPROVAL, roles=_LEADS, signs=Action.REVIEWED),
    (State.IN_REVIEW, Step.RETURN): Rule(to=State.RETURNED, roles=_LEADS),
    (State.AWAITING_APPROVAL, Step.APPROVE): Rule(to=State.APPROVED, roles=_LEADS, signs=Action.APPROVED),
    (State.AWAITING_APPROVAL, Step.RETURN): Rule(to=State.RETURNED, roles=_LEADS),
    (State.APPROVED, Step.SEND): Rule(to=State.SENT, roles=_WRITERS),
    (State.APPROVED, Step.RETURN): Rule(to=State.RETURNED, roles=_LEADS | _WRITERS),  # a signer's key was revoked since
    (State.SENT, Step.REOPEN): Rule(to=State.RETURNED, roles=_WRITERS),  # only where the router refused it
}


class StepError(Exception):
    """The step is not allowed from this state; ``allowed`` lists those that are."""

    def __init__(self, state: State, step: Step) -> None:
        super().__init__(f"{step} from {state}")
        self.state = state
        self.allowed = allowed_steps(state)


def allowed_steps(state: State) -> tuple[Step, ...]:
    """Return the steps that the table allows from a state."""
    return tuple(step for (start, step) in RULES if start is state)


def rule_for(state: State, step: Step) -> Rule:
    """Return the rule of a step; raise ``StepError`` where it is illegal."""
    rule = RULES.get((state, step))
    if rule is None:
        raise StepError(state, step)
    return rule


def signing_role(roles: frozenset[Role], rule: Rule, importance: Importance) -> Role | None:
    """Return the role in which a person with ``roles`` takes the step; None where none of them may."""
    if rule.signs is None:
        return next((role for role in Role if role in roles & rule.roles), None)
    return next((role for role in Role if role in roles & MAY_SIGN[importance, rule.signs]), None)
