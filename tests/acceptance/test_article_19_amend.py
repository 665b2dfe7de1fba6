"""Art. 19: a hub's information office alone makes and changes its rules, and sees first what a change would have done."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from proto.messages import Action, Role, Rules
from services.cli.network.sample.client import CallError
from services.kit.calendar import CHINA, month_of
from services.kit.ids import new_id, utc_now
from services.kit.trust.enrol import sign_off
from tests.acceptance.acts import refusal
from tests.acceptance.bus_side import seal, told
from tests.acceptance.past import (
    Past,
    approve_paper,
    asked,
    decision,
    draft_paper,
    entries_of,
    publish_rules,
    rules_text,
)
from tests.network import Network
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI

DRAFT = rules_text("2996-1", "2996-01-01")
"""Of a day that never comes, as none of these is to be published."""


@pytest.mark.parametrize(
    ("hub", "path_of", "person", "refused"),
    [
        (WUXI, WUXI, "officer", (403, "auth.role")),
        (REFORM, REFORM, "lead", (403, "auth.not_a_hub")),
        (KUNSHAN, KUNSHAN, "lead", (403, "auth.not_a_hub")),
        (SUZHOU, WUXI, "editor", (403, "auth.not_this_node")),
        (PROVINCE, WUXI, "lead", (403, "auth.not_this_node")),  # the hub above has no say either
    ],
)
async def test_who_may_not_draft_rules(
    network: Network, hub: str, path_of: str, person: str, refused: tuple[int, str]
) -> None:
    call = network.people.call(
        hub, person, "POST", f"/api/v1/nodes/{path_of}/papers", {"kind": "rules", "content": DRAFT}
    )
    assert await refusal(call) == refused


@pytest.mark.parametrize(
    ("author", "approver", "refused"),
    [
        ("editor", "officer", (403, "auth.role")),
        ("editor", "editor", (403, "auth.role")),
        ("lead", "lead", (403, "paper.own")),
        ("head", "head", (403, "paper.own")),
    ],
)
async def test_who_may_not_approve_rules(
    network: Network, author: str, approver: str, refused: tuple[int, str]
) -> None:
    paper = await draft_paper(network, WUXI, "rules", DRAFT, person=author)
    assert await refusal(approve_paper(network, WUXI, paper["id"], person=approver)) == refused
    wrong = network.people.call(
        WUXI, "head" if author != "head" else "lead", "POST", f"/api/v1/nodes/{WUXI}/papers/{paper['id']}/approve",
        {"passphrase": "a guess", "digest": paper["digest"]},
    )  # fmt: skip
    assert await refusal(wrong) == (403, "sign.wrong_passphrase")
    path = f"/api/v1/nodes/{WUXI}/papers/{paper['id']}"
    assert (await network.people.call(WUXI, "editor", "GET", path))["state"] == "draft"
    await network.people.call(WUXI, "editor", "DELETE", path)


SIGNERS: dict[str, tuple[str, str, str, Role, str]] = {
    "an editor as such": (WUXI, WUXI, "editor", Role.EDITOR, "sign_off.missing"),
    "an editor as a lead": (WUXI, WUXI, "editor", Role.OFFICE_LEAD, "sign_off.role_not_held"),
    "another hub's lead": (WUXI, SUZHOU, "lead", Role.OFFICE_LEAD, "sign_off.key_unknown"),
    "a county's lead, in its own name": (KUNSHAN, KUNSHAN, "lead", Role.OFFICE_LEAD, "route.not_permitted"),
    "a department's lead, in its own name": (REFORM, REFORM, "lead", Role.OFFICE_LEAD, "route.not_permitted"),
}
"""Who says it, whose staff signs, who, as what, and why it is refused."""


@pytest.mark.parametrize("case", list(SIGNERS))
async def test_the_network_refuses_rules_that_no_lead_of_the_hub_approved(network: Network, case: str) -> None:
    """Whatever a gateway lets through: they reach no unit, and the hub's rules are what they were."""
    hub, staff_of, person, role, reason = SIGNERS[case]
    text = rules_text("2996-2", "2996-02-01")
    signed = sign_off(
        text, node=hub, person=person, role=role, action=Action.APPROVED, at=utc_now(),
        key=await network.people.key(staff_of, person),
    )  # fmt: skip
    to = (JIANGYIN,) if hub == WUXI else (WUXI,)
    message = Rules(id=new_id(), origin=hub, to=to, sent_at=utc_now(), content=text, approvals=(signed,))
    entry = await told(network, hub, "rules", seal(network, message))
    assert (entry["outcome"], entry["reason"]) == ("refused", reason)
    assert "2996-2" not in await versions(network)


async def test_an_approval_of_another_text_is_none(network: Network, past: Past) -> None:
    """One figure altered after the lead's signature."""
    rules = past.approval(WUXI, Rules, DRAFT, utc_now(), (JIANGYIN,))
    altered = Rules(
        id=new_id(), origin=WUXI, to=(JIANGYIN,), sent_at=utc_now(), approvals=rules.approvals,
        content=DRAFT.replace("special = 6", "special = 60"),
    )  # fmt: skip
    entry = await told(network, WUXI, "rules", seal(network, altered))
    assert (entry["outcome"], entry["reason"]) == ("refused", "sign_off.digest_mismatch")


async def test_the_dry_run_shows_what_a_change_would_have_done(network: Network, past: Past) -> None:
    """On real events of the month before: unit by unit, the largest difference first, and nothing is kept of it."""
    last = datetime.now(CHINA).replace(day=1, hour=12) - timedelta(days=10)
    month = month_of(last)
    reports = [await past.report(JIANGYIN, last) for _ in range(2)]
    made = [
        decision(WUXI, last, each, series=series) for each, series in zip(reports, ("special", "daily"), strict=True)
    ]
    await past.say(*made)
    await entries_of(network, WUXI, month, *(each.id for each in made), count=2)
    known = await versions(network)
    draft = rules_text("2996-3", "2996-03-01", ("special = 6", "special = 16.5"))
    tried = await dry_run(network, draft, months=1)
    assert (tried["months"], tried["forbidden"]) == ([month], "")
    assert tried["changes"] == [{"unit": JIANGYIN, "now": "8", "then": "18.5", "difference": "10.5"}]
    year = await dry_run(network, draft)
    assert (len(year["months"]), year["months"][-1]) == (12, month)
    assert year["months"][0] == f"{last.replace(day=15) - timedelta(days=334):%Y-%m}"
    (change,) = year["changes"]
    assert Decimal(change["then"]) - Decimal(change["now"]) == Decimal(change["difference"]) >= Decimal("10.5")
    assert (Decimal(year["now"]), Decimal(year["then"])) == (Decimal(change["now"]), Decimal(change["then"]))
    assert await versions(network) == known
    assert (await asked(network, WUXI, f"/api/v1/months/{WUXI}/{month}"))["points"] == "8"


@pytest.mark.parametrize("reader", [JIANGYIN, SUZHOU, PROVINCE])
async def test_a_draft_is_tried_by_its_own_hub_alone(network: Network, reader: str) -> None:
    call = dry_run(network, DRAFT, token=network.tokens[reader])
    assert await refusal(call) == (403, "auth.not_this_node")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("special = 6", "special = many"), "not TOML"),
        (("special = 6", "special = -6"), "points.city.special: "),
        (("special = 6", '"a b" = 6'), "points.city"),
        (("[routes]", "[rotues]"), "rotues"),
        (('effect = "year"', 'effect = "life"'), "deductions.withheld"),
        (("percent = 100", "percent = 101"), "deductions.untrue"),
    ],
)
async def test_a_wrong_file_is_refused_with_line_and_reason(
    network: Network, change: tuple[str, str], reason: str
) -> None:
    text = rules_text("2996-4", "2996-04-01", change)
    line = next(number for number, each in enumerate(text.splitlines(), start=1) if each.startswith(change[1]))
    with pytest.raises(CallError, match=f"^409 rules.invalid draft:{line}: {re.escape(reason)}"):
        await dry_run(network, text)


async def test_a_city_changes_its_own_rules_alone(network: Network) -> None:
    before = await versions(network, PROVINCE)
    await publish_rules(network, WUXI, rules_text("2996-5", "2996-05-01"))
    assert "2996-5" in await versions(network)
    assert await versions(network, PROVINCE) == before


async def versions(network: Network, hub: str = WUXI) -> list[str]:
    found = await asked(network, WUXI, "/api/v1/rules", hub=hub)
    return [each["rules"]["version"] for each in found["versions"]]


async def dry_run(network: Network, text: str, *, months: int | None = None, token: str = "") -> Any:
    body = {"content": text} | ({"months": months} if months else {})
    path = f"/api/v1/hubs/{WUXI}/rules/dry-run"
    return await network.people.request("scoring", "POST", path, token=token or network.tokens[WUXI], body=body)
