"""Art. 13: an appeal about points is answered, the answer taken back and given anew; both sides see which holds, and the score follows."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from services.kit.calendar import month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import inbox, refusal
from tests.acceptance.past import asked
from tests.network import Network
from tests.places import BEIJING, PROVINCE
from tests.waiting import eventually

MONTH = month_of(utc_now())
ADJUSTMENTS = f"/api/v1/nodes/{PROVINCE}/adjustments"


async def say(network: Network, node: str, person: str, path: str, body: dict[str, Any]) -> UUID:
    return UUID((await network.people.call(node, person, "POST", path, body))["message"])


async def answer(network: Network, appeal: UUID, points: str) -> UUID:
    """Answer an appeal with points, and return when the unit has the answer."""
    line = {"unit": BEIJING, "month": MONTH, "rule": "appeal", "points": points}
    body = {"lines": [line], "reason": f"【样例】核增{points}分", "about": appeal}
    assert await refusal(say(network, PROVINCE, "editor", ADJUSTMENTS, body)) == (403, "auth.role")
    found = await say(network, PROVINCE, "lead", ADJUSTMENTS, body)
    assert (await inbox(network, BEIJING, found))["message"]["reason"] == body["reason"]
    assert await refusal(say(network, PROVINCE, "lead", ADJUSTMENTS, body)) == (409, "appeal.answered")
    return found


async def points(network: Network) -> Decimal:
    path = f"/api/v1/explain/{BEIJING}/{MONTH}"
    return Decimal((await asked(network, BEIJING, path, reader=BEIJING, hub=PROVINCE))["points"])


async def answers(network: Network, appeal: UUID) -> list[str | None]:
    """Return which answer to an appeal holds, by the hub, by the unit and by the score; and who lists it as open agrees."""
    seen = []
    for node, query in ((PROVINCE, "limit=200"), (BEIJING, "limit=200&made=true")):
        path = f"/api/v1/nodes/{node}/appeals?{query}"
        listed = {each["id"]: each["answer"] for each in await network.people.call(node, "officer", "GET", path)}
        waiting = await network.people.call(node, "officer", "GET", f"{path}&open=true")
        assert (str(appeal) in {each["id"] for each in waiting}) == (listed[str(appeal)] is None)
        seen.append(listed[str(appeal)])
    scored = (await asked(network, PROVINCE, f"/api/v1/hubs/{PROVINCE}/appeals"))["appeals"]
    return [*seen, next((each["answer"] for each in scored if each["id"] == str(appeal)), "not there yet")]


async def holds(network: Network, appeal: UUID, adjustment: UUID | None, counted: Decimal) -> None:
    """Wait until all agree on the answer that holds, and on the points."""
    expected = [str(adjustment) if adjustment else None] * 3
    await eventually(lambda: answers(network, appeal), "one answer for all", wanted=lambda found: found == expected)
    await eventually(lambda: points(network), "the points", wanted=lambda found: found == counted)


async def test_an_answer_is_taken_back_and_given_anew(network: Network) -> None:
    before = await points(network)
    body = {"month": MONTH, "text": "【样例】漏计一条"}
    appeal = await say(network, BEIJING, "officer", f"/api/v1/nodes/{BEIJING}/appeals", body)
    await inbox(network, PROVINCE, appeal)
    await holds(network, appeal, None, before)

    first = await answer(network, appeal, "1.5")
    await holds(network, appeal, first, before + Decimal("1.5"))

    path, why = f"{ADJUSTMENTS}/{first}/reverse", {"reason": "【样例】核对有误"}
    assert await refusal(say(network, PROVINCE, "editor", path, why)) == (403, "auth.role")
    reversal = await say(network, PROVINCE, "lead", path, why)
    told = await inbox(network, BEIJING, reversal)
    assert (told["title"], told["about"]) == ("积分调整冲正 / Adjustment taken back", str(first))
    assert (told["message"]["verdict"], told["message"]["reason"]) == ("reversed", why["reason"])
    await holds(network, appeal, None, before)
    assert await refusal(say(network, PROVINCE, "lead", path, why)) == (409, "adjustment.reversed")

    second = await answer(network, appeal, "2")
    await holds(network, appeal, second, before + 2)
