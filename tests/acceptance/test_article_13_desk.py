"""Art. 13: what lies before the editors, from waiting to final; origins learn of it when it is final, or returned."""

from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.acts import (
    adopt,
    decide,
    draft,
    inbox,
    make_final,
    put_in,
    report,
    standing,
    verdict_at,
)
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, SUZHOU


async def desk(network: Network, hub: str, method: str, path: str, body: Any = None, person: str = "editor") -> Any:
    return await network.people.call(hub, person, method, f"/api/v1/nodes/{hub}/{path}", body)


async def verdicts(network: Network, message: UUID) -> list[str]:
    return [each["verdict"] for each in (await network.item(KUNSHAN, message))["verdicts"]]


async def test_waiting_in_issue_final_reversed(network: Network) -> None:
    """Undone before it is final, nobody learns of it; after that only a reversal takes it back, and is told."""
    message = await report(network, KUNSHAN, SUZHOU)
    assert await standing(network, SUZHOU, message) == "pending"
    issue = await draft(network, SUZHOU)
    draft_id = UUID(issue["id"])
    n = await put_in(network, SUZHOU, draft_id, message)
    assert await standing(network, SUZHOU, message) == "in_issue"
    await desk(network, SUZHOU, "DELETE", f"issues/{draft_id}/items/{n}")
    assert await standing(network, SUZHOU, message) == "pending"
    n = await put_in(network, SUZHOU, draft_id, message)
    told = await decide(network, SUZHOU, "returned", other := await report(network, KUNSHAN, SUZHOU), reason="请补充")
    await verdict_at(network, KUNSHAN, other, told)  # what is returned is told at once, and the same way
    assert await verdicts(network, message) == []
    done = await make_final(network, SUZHOU, draft_id)
    assert await standing(network, SUZHOU, message) == "adopted"
    (decision,) = [UUID(item["decision"]) for item in done["items"]]
    assert (await verdict_at(network, KUNSHAN, message, decision))["issue"] == issue["issue"]
    assert (await inbox(network, KUNSHAN, decision))["message"]["editor"] == "editor"
    reversal = await decide(network, SUZHOU, "reversed", reverses=decision, reason="数字有误")
    await verdict_at(network, KUNSHAN, message, reversal)
    assert await standing(network, SUZHOU, message) == "pending"
    assert await verdicts(network, message) == ["adopted", "reversed"]
    again = await adopt(network, SUZHOU, message)
    await verdict_at(network, KUNSHAN, message, again.decision)
    assert await standing(network, SUZHOU, message) == "adopted"


@pytest.mark.parametrize("verdict", ["returned", "declined"])
async def test_returned_or_declined_at_once(network: Network, verdict: str) -> None:
    message = await report(network, KUNSHAN, SUZHOU)
    decision = await decide(network, SUZHOU, verdict, message, reason="已有同类信息")
    assert await standing(network, SUZHOU, message) == verdict
    assert (await verdict_at(network, KUNSHAN, message, decision))["reason"] == "已有同类信息"


async def test_merged_is_told_to_each_origin(network: Network) -> None:
    one, two = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    merged = await adopt(network, SUZHOU, one, two, shares=("0.5", "0.5"))
    assert [await standing(network, SUZHOU, each) for each in (one, two)] == ["merged", "merged"]
    for each in (one, two):
        assert (await verdict_at(network, KUNSHAN, each, merged.decision))["verdict"] == "merged"


async def test_an_editors_work_on_a_report_stays_in_the_hub(network: Network) -> None:
    """Responsible editor, opinions, edited text: the issue carries the edited text, the original stays as signed."""
    message = await report(network, KUNSHAN, SUZHOU, PROVINCE, title="样例：原题")
    await desk(network, SUZHOU, "POST", f"intake/{message}/assign", {"person": "editor"}, person="lead")
    await desk(network, SUZHOU, "POST", f"intake/{message}/opinions", {"text": "【样例】建议采用"})
    await desk(
        network, SUZHOU, "PUT", f"intake/{message}/text", {"title": "样例：改题", "body": "【样例】改文", "after": 0}
    )
    mine = await desk(network, SUZHOU, "GET", "intake?assigned=editor&state=pending&unit=320583")
    assert str(message) in {each["id"] for each in mine}
    seen = await desk(network, SUZHOU, "GET", f"intake/{message}")
    assert (seen["content"]["title"], seen["text"]["title"], len(seen["opinions"])) == ("样例：原题", "样例：改题", 1)
    others = await desk(network, PROVINCE, "GET", f"intake/{message}")
    assert (others["text"]["title"], others["opinions"], others["report"]["assigned"]) == ("样例：原题", [], None)
    issue = await draft(network, SUZHOU, "daily", down=[KUNSHAN])
    await put_in(network, SUZHOU, UUID(issue["id"]), message)
    done = await make_final(network, SUZHOU, UUID(issue["id"]))
    printed = (await inbox(network, KUNSHAN, UUID(done["publication"])))["message"]["articles"]
    assert [(a["title"], a["body"]) for a in printed] == [("样例：改题", "【样例】改文")]
    assert (await network.item(KUNSHAN, message))["content"]["title"] == "样例：原题"


async def test_like_reports_are_found(network: Network) -> None:
    body = "【样例】开发区建成零碳园区，屋顶光伏全年发电一亿二千万千瓦时，绿电占比达到四成五，企业用能成本下降一成。"
    first = await report(network, KUNSHAN, SUZHOU, body=body)
    second = await report(network, KUNSHAN, SUZHOU, body=f"{body}下一步将扩建储能。")
    alike = await desk(network, SUZHOU, "GET", f"intake?similar_to={first}")
    scores = {UUID(each["id"]): each["score"] for each in alike}
    assert scores[second] > 0.7
    assert first not in scores
