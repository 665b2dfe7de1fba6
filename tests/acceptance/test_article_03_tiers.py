"""Art. 3: each tier adopts for itself; what is printed goes to readers up, down and across."""

from decimal import Decimal
from uuid import UUID

from tests.acceptance.acts import (
    adopt,
    draft,
    found,
    inbox,
    ledger,
    make_final,
    put_in,
    report,
    standing,
    verdict_at,
    word,
)
from tests.network import Network
from tests.places import FARMING, KUNSHAN, PROVINCE, SUZHOU, WUXI


async def test_one_county_item_adopted_by_city_and_by_province(network: Network) -> None:
    """Two outcomes, two scores."""
    mark = word()
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE, body=f"【样例】{mark}")
    made = {
        SUZHOU: (await adopt(network, SUZHOU, message, series="special"), "special", "city", 6),
        PROVINCE: (await adopt(network, PROVINCE, message, series="daily"), "daily", "province", 3),
    }
    for hub, (adopted, series, level, worth) in made.items():
        verdict = await verdict_at(network, KUNSHAN, message, adopted.decision)
        assert (verdict["hub"], verdict["series"], verdict["issue"]) == (hub, series, adopted.number)
        (entry,) = await ledger(network, adopted.decision, 1)
        assert (entry["hub"], entry["rule"]) == (hub, f"points.{level}.{series}")
        assert Decimal(str(entry["points"])) == worth
    assert len((await network.item(KUNSHAN, message))["verdicts"]) == 2
    (hit,) = await found(network, PROVINCE, mark, 1, adopted="true")
    assert hit["id"] == str(message)


async def test_what_one_tier_decides_leaves_the_other_free(network: Network) -> None:
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE)
    await adopt(network, SUZHOU, message)
    assert (await standing(network, SUZHOU, message), await standing(network, PROVINCE, message)) == (
        "adopted",
        "pending",
    )


async def test_an_issue_goes_up_down_and_across(network: Network) -> None:
    """And tells each reader what it was made of; nobody else has it."""
    single, first, second = [await report(network, KUNSHAN, SUZHOU) for _ in range(3)]
    issue = await draft(network, SUZHOU, "special", up=[PROVINCE], down=[KUNSHAN], across=[WUXI])
    draft_id = UUID(issue["id"])
    await put_in(network, SUZHOU, draft_id, single)
    await put_in(
        network, SUZHOU, draft_id, first, second, shares=("0.5", "0.5"), title="样例：综合", body="【样例】综合正文"
    )
    done = await make_final(network, SUZHOU, draft_id)
    for reader in (PROVINCE, KUNSHAN, WUXI):
        received = await inbox(network, reader, UUID(done["publication"]))
        message = received["message"]
        assert (received["kind"], received["title"]) == ("publication", f"【样例】special {issue['issue']}")
        assert (message["series"], message["issue"], message["total"]) == ("special", issue["issue"], issue["total"])
        assert [(a["title"], a["reports"], a["units"]) for a in message["articles"]] == [
            ("样例：秋粮收购进度", [str(single)], [KUNSHAN]), ("样例：综合", [str(first), str(second)], [KUNSHAN]),
        ]  # fmt: skip
    listed = await network.people.call(FARMING, "officer", "GET", f"/api/v1/nodes/{FARMING}/inbox?kind=publication")
    assert done["publication"] not in {each["id"] for each in listed}
