"""The life of an item as a table: every state with every step (Art. 12)."""

import pytest

from proto.messages import Action, Importance, Role
from services.gateway.domain.items import RULES, State, Step, StepError, allowed_steps, rule_for, signing_role

TABLE = {
    (State.DRAFT, Step.EDIT): (State.DRAFT, {Role.INFORMATION_OFFICER}, None),
    (State.DRAFT, Step.SUBMIT): (State.IN_REVIEW, {Role.INFORMATION_OFFICER}, None),
    (State.RETURNED, Step.EDIT): (State.DRAFT, {Role.INFORMATION_OFFICER}, None),
    (State.IN_REVIEW, Step.REVIEW): (
        State.AWAITING_APPROVAL, {Role.OFFICE_LEAD, Role.UNIT_LEAD}, Action.REVIEWED,
    ),
    (State.IN_REVIEW, Step.RETURN): (State.RETURNED, {Role.OFFICE_LEAD, Role.UNIT_LEAD}, None),
    (State.AWAITING_APPROVAL, Step.APPROVE): (
        State.APPROVED, {Role.OFFICE_LEAD, Role.UNIT_LEAD}, Action.APPROVED,
    ),
    (State.AWAITING_APPROVAL, Step.RETURN): (State.RETURNED, {Role.OFFICE_LEAD, Role.UNIT_LEAD}, None),
    (State.APPROVED, Step.RETURN): (
        State.RETURNED, {Role.OFFICE_LEAD, Role.UNIT_LEAD, Role.INFORMATION_OFFICER}, None,
    ),
    (State.SENT, Step.REOPEN): (State.RETURNED, {Role.INFORMATION_OFFICER}, None),
    (State.APPROVED, Step.SEND): (State.SENT, {Role.INFORMATION_OFFICER}, None),
}  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_every_pair(state: State, step: Step) -> None:
    if (state, step) not in TABLE:
        with pytest.raises(StepError) as refused:
            rule_for(state, step)
        assert refused.value.state is state
        assert refused.value.allowed == tuple(s for (start, s) in RULES if start is state)
        return
    to, roles, signs = TABLE[state, step]
    rule = rule_for(state, step)
    assert (rule.to, rule.roles, rule.signs) == (to, roles, signs)
    assert step in allowed_steps(state)


def test_what_is_sent_changes_only_by_writing_it_anew() -> None:
    assert allowed_steps(State.SENT) == (Step.REOPEN,)


def test_nothing_is_sent_without_review_and_approval() -> None:
    """Walk every way through the table from a draft: each that ends in sending took both signatures after its last edit."""
    ways: list[tuple[State, tuple[Action, ...]]] = [(State.DRAFT, ())]
    seen = set(ways)
    while ways:
        state, signed = ways.pop()
        for step in allowed_steps(state):
            rule = rule_for(state, step)
            if step is Step.SEND:
                assert signed[-2:] == (Action.REVIEWED, Action.APPROVED)
            after = () if step is Step.EDIT else (*signed, rule.signs)[-2:] if rule.signs else signed
            if (rule.to, after) not in seen:
                seen.add((rule.to, after))
                ways.append((rule.to, after))


@pytest.mark.parametrize(
    ("roles", "pair", "importance", "role"),
    [
        ({Role.OFFICE_LEAD}, (State.AWAITING_APPROVAL, Step.APPROVE), Importance.ORDINARY, Role.OFFICE_LEAD),
        ({Role.OFFICE_LEAD}, (State.AWAITING_APPROVAL, Step.APPROVE), Importance.IMPORTANT, None),
        ({Role.UNIT_LEAD}, (State.AWAITING_APPROVAL, Step.APPROVE), Importance.IMPORTANT, Role.UNIT_LEAD),
        ({Role.OFFICE_LEAD}, (State.IN_REVIEW, Step.REVIEW), Importance.IMPORTANT, Role.OFFICE_LEAD),
        ({Role.INFORMATION_OFFICER}, (State.IN_REVIEW, Step.REVIEW), Importance.ORDINARY, None),
        ({Role.EDITOR, Role.UNIT_ADMIN}, (State.DRAFT, Step.SUBMIT), Importance.ORDINARY, None),
        ({Role.INFORMATION_OFFICER}, (State.DRAFT, Step.SUBMIT), Importance.IMPORTANT, Role.INFORMATION_OFFICER),
        (set(), (State.IN_REVIEW, Step.RETURN), Importance.ORDINARY, None),
        ({Role.OFFICE_LEAD}, (State.IN_REVIEW, Step.RETURN), Importance.ORDINARY, Role.OFFICE_LEAD),
    ],
)
def test_in_which_role(roles: set[Role], pair: tuple[State, Step], importance: Importance, role: Role | None) -> None:
    assert signing_role(frozenset(roles), rule_for(*pair), importance) is role
