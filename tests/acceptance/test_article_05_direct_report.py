"""Art. 5(4): direct-report points: proposed on the year's record, decided by a lead, routed by the directory, points kept."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from proto.messages import Designation, DesignationContent, Standing
from services.kit.calendar import CHINA
from services.kit.ids import new_id, utc_now
from tests.acceptance.acts import adopt, decide, inbox, ledger, refusal, report
from tests.acceptance.bus_side import publish_nodes, publish_staff, rogue_report, router_refuses, seal, told
from tests.acceptance.past import (
    Past,
    approve_paper,
    asked,
    decision,
    draft_paper,
    entries_of,
    month_of_ledger,
    on,
)
from tests.network import Network
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG
from tests.waiting import eventually

HUB = f"/api/v1/hubs/{PROVINCE}"
TODAY = f"{datetime.now(CHINA):%Y-%m-%d}"


@pytest_asyncio.fixture(scope="module")
async def year(past: Past) -> None:
    """The second half of 2025: one point was adopted every month, the other never; a county that is no point, at its city."""
    made = []
    for month in range(6, 13):
        each = await past.report(JIANGYIN, on(f"2025-{month:02}-10"), PROVINCE)
        made.append(decision(PROVINCE, on(f"2025-{month:02}-11"), each, issue=f"2025-{month:03}"))
    county = await past.report(ZHANGJIAGANG, on("2025-07-10"))
    at_city = decision(SUZHOU, on("2025-07-11"), county, series="special")
    await past.say(*made, at_city)
    for one in made:
        await entries_of(past.network, PROVINCE, f"{one.sent_at:%Y-%m}", one.id, count=1)
    await entries_of(past.network, SUZHOU, "2025-07", at_city.id, count=1)


async def proposed(network: Network, **query: str) -> dict[str, dict[str, Any]]:
    """Return the proposal on 2025 by county; a point may leave an obligation unmet in six months."""
    found = await asked(network, PROVINCE, f"{HUB}/standing/2025", tolerated="6", **query)
    ranks = [each["rank"] for each in found["proposals"]]
    assert ranks == list(range(1, len(ranks) + 1))
    sums = [(Decimal(r["points"]), Decimal(r["city_points"])) for r in (each["record"] for each in found["proposals"])]
    assert sums == sorted(sums, reverse=True)
    return {each["record"]["unit"]: each for each in found["proposals"]}


def designation(unit: str, standing: Standing, **changes: str) -> dict[str, Any]:
    fields = {"unit": unit, "standing": standing, "effective_from": TODAY, "grounds": "【样例】据全年情况"} | changes
    return dict(msgspec.to_builtins(DesignationContent(**fields)))


async def designate(network: Network, unit: str, standing: Standing, **changes: str) -> dict[str, Any]:
    """Draft and approve a designation; return it as it arrived at the county."""
    paper = await draft_paper(network, PROVINCE, "designation", designation(unit, standing, **changes))
    approved = await approve_paper(network, PROVINCE, paper["id"])
    return await inbox(network, unit, UUID(approved["message"]))


@pytest_asyncio.fixture
async def directory(network: Network) -> AsyncIterator[None]:
    """Whatever a test makes of the county, in the end it is no point."""
    yield
    await point(network, ZHANGJIAGANG, direct=False)


async def point(network: Network, unit: str, *, direct: bool) -> None:
    """Let the directory follow a designation; return when the gateway and the score have read it."""
    node = network.state.node(unit)
    assert node is not None
    if node.direct_report != direct:
        await publish_nodes(network, msgspec.structs.replace(node, direct_report=direct))
    line = {
        "unit": unit,
        "month": "2998-12",
        "rule": "late",
    }  # refused either way: for the unit first, else for the month
    body = {"lines": [line], "reason": "【样例】"}

    async def known_to_gateway() -> bool:
        path = f"/api/v1/nodes/{PROVINCE}/adjustments"
        _, code = await refusal(network.people.call(PROVINCE, "lead", "POST", path, body))
        return code == ("adjustment.month" if direct else "adjustment.unit")

    async def known_to_score() -> bool:
        return (await proposed(network))[unit]["record"]["direct"] is direct

    for known in (known_to_gateway, known_to_score):
        await eventually(known, f"{unit} a point: {direct}")


@pytest.mark.usefixtures("year")
async def test_a_ranked_proposal_and_nothing_follows_by_itself(network: Network) -> None:
    """The one that was adopted every month stays, the other is to be warned, and a free place goes to the county with staff."""
    found = await proposed(network, places="3")
    steps = {unit: (each["step"], each["replaces"]) for unit, each in found.items()}
    assert steps == {JIANGYIN: (None, None), KUNSHAN: ("warned", None), ZHANGJIAGANG: ("designated", None)}
    assert found[JIANGYIN]["rank"] == 1
    record = found[ZHANGJIAGANG]["record"]
    assert (record["direct"], record["city_points"], record["staff"], record["city"]) == (False, "6", 2, SUZHOU)
    assert "市级积分 6" in found[ZHANGJIAGANG]["zh"]
    assert "6 at its city" in found[ZHANGJIAGANG]["en"]
    assert (await proposed(network))[ZHANGJIAGANG]["step"] is None, "two places are taken"
    envelope = await rogue_report(network, ZHANGJIAGANG, to=(PROVINCE,))
    assert await router_refuses(network, ZHANGJIAGANG, envelope) == "route.not_permitted"
    city = asked(network, SUZHOU, f"/api/v1/hubs/{SUZHOU}/standing/2025")
    assert await refusal(city) == (409, "designation.not_the_province")
    assert await refusal(asked(network, KUNSHAN, f"{HUB}/standing/2025")) == (403, "auth.not_this_node")


@pytest.mark.usefixtures("year")
async def test_warned_then_to_be_revoked_and_replaced(network: Network) -> None:
    letter = await designate(network, KUNSHAN, Standing.WARNED)
    assert msgspec.json.decode(letter["message"]["content"])["standing"] == "warned"

    async def step() -> dict[str, Any]:
        return (await proposed(network))[KUNSHAN]

    await eventually(step, "to be revoked", wanted=lambda found: found["step"] == "revoked")
    found = await proposed(network)
    assert (found[ZHANGJIAGANG]["step"], found[ZHANGJIAGANG]["replaces"]) == ("designated", KUNSHAN)
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE)  # until somebody decides, it is a point like before
    assert message


@pytest.mark.usefixtures("year")
async def test_no_staff_no_designation(network: Network, past: Past) -> None:
    """One full-time officer is too few: the county is not proposed, and a designation of it counts nothing."""
    officer = network.state.staff(ZHANGJIAGANG, "officer")
    assert officer is not None
    await publish_staff(network, ZHANGJIAGANG, msgspec.structs.replace(officer, full_time=False))
    try:
        found = await eventually(
            lambda: proposed(network, places="4"),
            "one officer",
            wanted=lambda p: p[ZHANGJIAGANG]["record"]["staff"] == 1,
        )
        assert found[ZHANGJIAGANG]["step"] is None
        assert "专职不足 2 人，不得设立" in found[ZHANGJIAGANG]["zh"]
        before = await ignored(network, "designation.no_staff")
        text = msgspec.json.encode(designation(ZHANGJIAGANG, Standing.DESIGNATED)).decode()
        await past.say(past.approval(PROVINCE, Designation, text, utc_now(), (ZHANGJIAGANG, SUZHOU)))
        await eventually(
            lambda: ignored(network, "designation.no_staff"), "refused", wanted=lambda count: count == before + 1
        )
    finally:
        await publish_staff(network, ZHANGJIAGANG, officer)


async def ignored(network: Network, code: str) -> int:
    found = await network.people.operator("scoring", "GET", "/api/v1/stats")
    return int(found["ignored"].get(code, 0))


async def test_a_lead_decides(network: Network) -> None:
    paper = await draft_paper(network, PROVINCE, "designation", designation(ZHANGJIAGANG, Standing.DESIGNATED))
    for person in ("officer", "editor"):
        assert await refusal(approve_paper(network, PROVINCE, paper["id"], person=person)) == (403, "auth.role")
    await network.people.call(PROVINCE, "editor", "DELETE", f"/api/v1/nodes/{PROVINCE}/papers/{paper['id']}")
    unsigned = Designation(
        id=new_id(), origin=PROVINCE, to=(ZHANGJIAGANG,), sent_at=utc_now(),
        content=msgspec.json.encode(designation(ZHANGJIAGANG, Standing.DESIGNATED)).decode(),
        approvals=await network.sign(PROVINCE, "another text"),
    )  # fmt: skip
    entry = await told(network, PROVINCE, "designation", seal(network, unsigned))
    assert (entry["outcome"], entry["reason"]) == ("refused", "sign_off.digest_mismatch")


@pytest.mark.parametrize(
    ("hub", "changes", "code"),
    [
        (SUZHOU, {}, "paper.province_only"),
        (PROVINCE, {"unit": REFORM}, "paper.no_county"),
        (PROVINCE, {"unit": SUZHOU}, "paper.no_county"),
        (PROVINCE, {"unit": "320999"}, "paper.no_county"),
        (PROVINCE, {"replaces": ZHANGJIAGANG}, "paper.replaces"),
        (PROVINCE, {"standing": "warned", "replaces": KUNSHAN}, "paper.replaces"),
        (PROVINCE, {"effective_from": "2026-02-30"}, "paper.no_such_day"),
        (PROVINCE, {"grounds": " "}, "paper.no_grounds"),
    ],
)
async def test_wrong_designations(network: Network, hub: str, changes: dict[str, str], code: str) -> None:
    content = designation(ZHANGJIAGANG, Standing.DESIGNATED) | changes
    assert await refusal(draft_paper(network, hub, "designation", content)) == (422, code)


@pytest.mark.usefixtures("directory")
async def test_routing_follows_the_directory_and_past_points_stay(network: Network) -> None:
    """Designated, reporting to both, adopted by the province; revoked, reporting to its city alone, and nothing is taken."""
    letter = await designate(network, ZHANGJIAGANG, Standing.DESIGNATED)
    assert set(letter["message"]["to"]) == {ZHANGJIAGANG, SUZHOU}
    await point(network, ZHANGJIAGANG, direct=True)
    first, second = [await report(network, ZHANGJIAGANG, SUZHOU, PROVINCE) for _ in range(2)]
    (earned,) = await ledger(network, (await adopt(network, PROVINCE, first, series="special")).decision, 1)
    assert (earned["hub"], earned["unit"], earned["points"]) == (PROVINCE, ZHANGJIAGANG, "10")
    line = await standing_line(network, earned["month"])
    assert line["unit_class"] == "direct_report"
    at_city = await adopt(network, SUZHOU, second)
    await ledger(network, at_city.decision, 1)

    revoked = await designate(network, ZHANGJIAGANG, Standing.REVOKED)
    assert msgspec.json.decode(revoked["message"]["content"])["standing"] == "revoked"
    await point(network, ZHANGJIAGANG, direct=False)
    third = await report(network, ZHANGJIAGANG, SUZHOU)
    await report(network, KUNSHAN, SUZHOU, PROVINCE)  # what came to the province after it is there
    there = network.people.call(PROVINCE, "officer", "GET", f"/api/v1/nodes/{PROVINCE}/inbox/{third}")
    assert await refusal(there) == (404, "message.unknown")
    envelope = await rogue_report(network, ZHANGJIAGANG, to=(SUZHOU, PROVINCE))
    assert await router_refuses(network, ZHANGJIAGANG, envelope) == "route.not_permitted"

    assert earned in await month_of_ledger(network, PROVINCE, earned["month"])
    after = await standing_line(network, earned["month"])
    assert (after["points"], after["year_points"]) == (line["points"], line["year_points"])
    why = await asked(
        network, ZHANGJIAGANG, f"/api/v1/explain/{ZHANGJIAGANG}/{earned['month']}", reader=ZHANGJIAGANG, hub=PROVINCE
    )
    assert [each["points"] for each in why["lines"] if each["entry"]["id"] == earned["id"]] == ["10"]
    reversal = await decide(network, PROVINCE, "reversed", reverses=UUID(earned["event"]), reason="【样例】误采")
    (taken,) = await ledger(network, reversal, 1)  # a mistake can still be put right
    assert (taken["reverses"], taken["points"]) == (earned["id"], "-10")


async def standing_line(network: Network, month: str) -> dict[str, Any]:
    """Return the county's line in the province's month."""
    table = await asked(network, PROVINCE, f"/api/v1/months/{PROVINCE}/{month}")
    (line,) = [each for each in table["lines"] if each["unit"] == ZHANGJIAGANG]
    return dict(line)
