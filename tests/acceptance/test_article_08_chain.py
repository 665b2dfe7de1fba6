"""Art. 8: first, follow-up, final, correction as a chain; the times of event, knowledge, sending and receipt."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from proto.messages import Stage
from services.kit.ids import new_id
from tests.acceptance.acts import content, found, inbox, line_down, read_as, refusal, report, word
from tests.acceptance.bus_side import feed, rogue_report, router_refuses
from tests.network import Network
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually

CONTINUED = ("follow_up", "final", "correction")


async def test_chain_from_first_to_correction(network: Network) -> None:
    mark = word()
    first = await report(network, KUNSHAN, SUZHOU, PROVINCE, title="样例：初报", body=f"【样例】{mark}")
    chain = [first]
    for stage in CONTINUED:
        chain.append(
            await report(
                network,
                KUNSHAN,
                SUZHOU,
                PROVINCE,
                about=chain[-1],
                stage=stage,
                title=f"样例：{stage}",
                body=f"【样例】{mark}",
            )
        )
    for hub in (SUZHOU, PROVINCE):
        for message, stage, about in zip(chain, ("first", *CONTINUED), [None, *chain[:-1]], strict=True):
            received = await inbox(network, hub, message)
            assert (received["content"]["stage"], received["about"]) == (stage, str(about) if about else None)
    assert {hit["id"] for hit in await found(network, PROVINCE, mark, 4)} == {str(message) for message in chain}


async def test_all_four_times_are_shown(network: Network) -> None:
    """Of event and knowledge by the unit, of sending by its clock, of receipt by the hub's."""
    event, known = "2026-11-20T06:30:00+08:00", "2026-11-20T07:10:00+08:00"
    message = await report(network, ZHANGJIAGANG, SUZHOU, event_at=event, known_at=known, category="emergency")
    received = await inbox(network, SUZHOU, message)
    shown = [time(received["content"]["event_at"]), time(received["content"]["known_at"])]
    assert shown == [time(event), time(known)]
    assert time(known) < time(received["sent_at"]) <= time(received["received_at"])
    head = (await network.people.call(SUZHOU, "officer", "GET", f"/api/v1/nodes/{SUZHOU}/inbox?kind=report&limit=1"))[0]
    assert (head["sent_at"], head["received_at"]) == (received["sent_at"], received["received_at"])


async def test_correction_links_and_never_overwrites(network: Network) -> None:
    first = await report(
        network, KUNSHAN, SUZHOU, PROVINCE, title="样例：受灾面积1200亩", body="【样例】受灾面积1200亩。"
    )
    before = [await exported(network, hub, first) for hub in (KUNSHAN, SUZHOU, PROVINCE)]
    fixed = {"stage": "correction", "title": "样例：受灾面积更正", "body": "【样例】受灾面积应为120亩。"}
    correction = await report(network, KUNSHAN, SUZHOU, PROVINCE, about=first, **fixed)
    assert [await exported(network, hub, first) for hub in (KUNSHAN, SUZHOU, PROVINCE)] == before
    assert (await inbox(network, PROVINCE, first))["content"]["body"] == "【样例】受灾面积1200亩。"
    assert (await inbox(network, PROVINCE, correction))["content"]["body"] == "【样例】受灾面积应为120亩。"

    async def linked() -> list[dict[str, Any]]:
        trail = await read_as(network, PROVINCE, f"/api/v1/trail/{first}")
        return [step for step in trail["steps"] if step["what"] == "continued"]

    (step,) = await eventually(linked, "the correction in the trail")
    assert (step["message"], step["detail"], step["verified"]) == (str(correction), "correction", True)


@pytest.mark.parametrize("stage", CONTINUED)
async def test_continuation_of_nothing_is_refused(network: Network, stage: str) -> None:
    call = network.submit(JIANGYIN, content(stage=stage))
    assert await refusal(call) == (422, "report.chain")
    rogue = await rogue_report(network, JIANGYIN, content(stage=stage))
    assert await router_refuses(network, JIANGYIN, rogue) == "report.chain"


async def test_first_report_about_another_is_refused(network: Network) -> None:
    first = await report(network, JIANGYIN, WUXI)
    assert await refusal(network.submit(JIANGYIN, content(), about=first)) == (422, "report.chain")
    rogue = await rogue_report(network, JIANGYIN, about=first)
    assert await router_refuses(network, JIANGYIN, rogue) == "report.chain"


_THROWN_AWAY = ("papers/{id}", "issues/{id}", "issues/{id}/items/{n}", "series/{series}")
"""Drafts, and a publication that never had an issue."""


async def test_nobody_upstream_can_delete(network: Network) -> None:
    """No address of any service takes a report away, from its unit, its hub or the repository."""
    message = await report(network, ZHANGJIAGANG, SUZHOU)
    for service in ("gateway", "archive"):
        document = await network.people.operator(service, "GET", "/api/openapi.json")
        deleting = {path for path, methods in document["paths"].items() if "delete" in methods}
        drafts = {f"/api/v1/nodes/{{code}}/{what}" for what in _THROWN_AWAY}
        assert deleting <= {"/api/v1/sessions/current", *drafts}, "what was not said yet may be thrown away, no report"
    for path in (f"inbox/{message}", f"messages/{message}", f"items/{new_id()}"):
        call = network.people.call(SUZHOU, "editor", "DELETE", f"/api/v1/nodes/{SUZHOU}/{path}")
        assert (await refusal(call))[0] == 405
    assert (await inbox(network, SUZHOU, message))["id"] == str(message)


async def test_line_down_for_a_while(network: Network) -> None:
    """The unit goes on; after that one copy of each, in the right order, with both times."""
    mark = word()
    async with line_down(network, KUNSHAN):
        sent = [await network.submit(KUNSHAN, content(body=f"【样例】{mark}"))]
        for stage in CONTINUED:
            sent.append(await network.submit(KUNSHAN, content(stage=stage, body=f"【样例】{mark}"), about=sent[-1]))
        cut = (await network.item(KUNSHAN, sent[-1]))["created_at"]
    wanted = [str(message) for message in sent]
    for hub in (SUZHOU, PROVINCE):
        received = [await inbox(network, hub, message) for message in sent]
        assert [r["content"]["stage"] for r in received] == [stage.value for stage in Stage]
        assert all(time(r["sent_at"]) <= time(cut) < time(r["received_at"]) for r in received)
        assert [r["received_at"] for r in received] == sorted(r["received_at"] for r in received)
        listed = await network.people.call(hub, "officer", "GET", f"/api/v1/nodes/{hub}/inbox?kind=report&limit=50")
        assert [r["id"] for r in listed if r["id"] in wanted] == wanted[::-1]
    assert {hit["id"] for hit in await found(network, PROVINCE, mark, 4)} == set(wanted)
    travelled = [body for body in await feed(network, sent[-1]) if mark.encode() in body]
    assert [next(n for n, m in enumerate(wanted) if f'"id":"{m}"'.encode() in body) for body in travelled] == [
        0,
        1,
        2,
        3,
    ]


def time(text: str) -> datetime:
    """Read an RFC 3339 time."""
    return datetime.fromisoformat(text)


async def exported(network: Network, node: str, message: UUID) -> bytes:
    """Return a message as a unit exports it."""
    found = await network.people.call(node, "officer", "GET", f"/api/v1/nodes/{node}/messages/{message}")
    return msgspec.json.encode(found)
