"""Arts. 9, 13: a hub says what it wants reported; a report is tied to the point that it answers; who answered is seen."""

from typing import Any
from uuid import UUID

import pytest

from services.kit.calendar import month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import adopt, content, inbox, line_down, refusal, report
from tests.network import Network
from tests.places import FARMING, KUNSHAN, PROVINCE, SUZHOU, ZHANGJIAGANG
from tests.waiting import eventually

MONTH = month_of(utc_now())


async def say(network: Network, hub: str, *texts: str, **fields: Any) -> UUID:
    """Say key points, as an editor of a hub."""
    body = {"month": MONTH, "points": texts, **fields}
    answer = await network.people.call(hub, "editor", "POST", f"/api/v1/nodes/{hub}/key-points", body)
    return UUID(answer["message"])


async def names(network: Network, node: str, message: UUID) -> list[str]:
    """Return the names of the points of a message, as a unit or the hub itself lists them."""
    path = f"/api/v1/nodes/{node}/key-points?month={MONTH}"
    listed = await network.people.call(node, "officer", "GET", path)
    return [point["reference"] for each in listed if each["id"] == str(message) for point in each["points"]]


async def coverage(network: Network, hub: str, name: str) -> dict[str, tuple[int, int]]:
    """Return the reports and adoptions of each unit that was asked for a point."""
    found = await network.people.call(hub, "editor", "GET", f"/api/v1/nodes/{hub}/key-points/coverage?month={MONTH}")
    (point,) = [each for each in found["points"] if each["reference"] == name]
    return {unit["unit"]: (unit["reports"], unit["adopted"]) for unit in point["units"]}


async def covers(network: Network, hub: str, name: str, expected: dict[str, tuple[int, int]]) -> None:
    """Wait until a hub's coverage of a point is as expected."""
    await eventually(lambda: coverage(network, hub, name), name, wanted=lambda found: found == expected)


@pytest.mark.parametrize(("hub", "units"), [(PROVINCE, (KUNSHAN, FARMING)), (SUZHOU, (KUNSHAN, ZHANGJIAGANG))])
async def test_from_the_point_to_its_coverage(network: Network, hub: str, units: tuple[str, str]) -> None:
    """The province does it, and a city for its counties; a direct-report point is asked by both."""
    message = await say(network, hub, "【样例】岁末保供", "【样例】稳岗就业", units=sorted(units))
    for unit in units:
        received = (await inbox(network, unit, message))["message"]
        assert (received["month"], [point["text"] for point in received["points"]]) == (
            MONTH, ["【样例】岁末保供", "【样例】稳岗就业"],
        )  # fmt: skip
    first, second = await names(network, hub, message)
    assert await names(network, units[0], message) == [first, second]
    assert first.startswith(f"{hub}/{MONTH}/")

    reports = [await report(network, units[0], hub, answers=first, category="development") for _ in range(2)]
    assert (await inbox(network, hub, reports[0]))["content"]["answers"] == first
    await covers(network, hub, first, {units[0]: (2, 0), units[1]: (0, 0)})
    await covers(network, hub, second, {units[0]: (0, 0), units[1]: (0, 0)})
    await adopt(network, hub, reports[1])
    await covers(network, hub, first, {units[0]: (2, 1), units[1]: (0, 0)})


async def test_only_those_asked_can_name_a_point(network: Network) -> None:
    message = await say(network, PROVINCE, "【样例】县域经济", classes=["direct_report"])
    await inbox(network, KUNSHAN, message)
    (name,) = await names(network, KUNSHAN, message)
    assert await names(network, FARMING, message) == []
    assert await refusal(network.submit(FARMING, content(answers=name))) == (422, "report.key_point_unknown")
    await report(network, KUNSHAN, PROVINCE, SUZHOU, answers=name)
    await network.submit(FARMING, content(answers="省政府2026年1号文件"))


async def test_points_and_reports_that_wait_for_the_line(network: Network) -> None:
    """Both sides go on working offline; what they said arrives once, and counts once."""
    known = await say(network, PROVINCE, "【样例】安全生产", units=[FARMING])
    await inbox(network, FARMING, known)
    (name,) = await names(network, FARMING, known)
    async with line_down(network, PROVINCE):
        waiting = await say(network, PROVINCE, "【样例】秋冬种", units=[FARMING])
        (later,) = await names(network, PROVINCE, waiting)
        assert await names(network, FARMING, waiting) == []
        assert await refusal(network.submit(FARMING, content(answers=later))) == (422, "report.key_point_unknown")
        await network.submit(FARMING, content(answers=name))
    await inbox(network, FARMING, waiting)
    await covers(network, PROVINCE, name, {FARMING: (1, 0)})
    await report(network, FARMING, PROVINCE, answers=later)
    await covers(network, PROVINCE, later, {FARMING: (1, 0)})
