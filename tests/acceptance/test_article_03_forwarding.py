"""Art. 3: a city sends a county's report on with its signatures inside; both tiers decide; nothing forged goes up."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from proto.envelope import Envelope, digest_of, from_json
from services.kit.ids import new_id
from tests.acceptance.acts import adopt, content, decide, inbox, read_as, refusal, report, standing, verdict_at
from tests.acceptance.bus_side import rogue_report, router_refuses
from tests.network import Network
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually


async def draft(network: Network, *reports: UUID, shares: tuple[str, ...] = (), **fields: Any) -> str:
    """Draft a report of Suzhou that sends these on; return the item."""
    listed = [{"report": one, "share": share} for one, share in zip(reports, shares or ["1"], strict=True)]
    path = f"/api/v1/nodes/{SUZHOU}/forwards"
    return str((await network.people.call(SUZHOU, "editor", "POST", path, {"reports": listed, **fields}))["item"])


async def send(network: Network, item: str) -> UUID:
    """Take an item of Suzhou through review, approval and sending; return its message."""
    for step, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        body = {"step": step, "passphrase": network.people.password}
        path = f"/api/v1/nodes/{SUZHOU}/items/{item}/steps"
        answer = await network.people.call(SUZHOU, person, "POST", path, body)
    return UUID(answer["message"])


async def exported(network: Network, node: str, message: UUID) -> Envelope:
    """Return a message as a unit exports it."""
    found = await network.people.call(node, "officer", "GET", f"/api/v1/nodes/{node}/messages/{message}")
    return from_json(msgspec.json.encode(found))


async def selected(network: Network, node: str, message: UUID) -> dict[str, Any]:
    """Wait until a unit sees that its report went on."""

    async def look() -> dict[str, Any] | None:
        verdicts = (await network.item(node, message))["verdicts"]
        return next((v for v in verdicts if v["verdict"] == "selected"), None)

    verdict: dict[str, Any] = await eventually(look, f"{message} selected")
    return verdict


async def test_a_countys_item_reaches_the_province_with_its_chain_intact(network: Network) -> None:
    """The county's very bytes lie inside the city's report; both tiers adopt, and each tells the one who reported to it."""
    original = await report(network, ZHANGJIAGANG, SUZHOU, title="样例：县里的做法")
    forwarded = await send(network, await draft(network, original))
    assert (await network.receipt(SUZHOU, forwarded, "accepted"))["giver"] == "320000-router"
    received = await inbox(network, PROVINCE, forwarded)
    (inside,) = received["forwarded"]
    assert (received["origin"], inside["id"], inside["origin"]) == (SUZHOU, str(original), ZHANGJIAGANG)
    assert (inside["content"]["title"], inside["problem"]) == ("样例：县里的做法", "")
    assert [(one["role"], one["action"]) for one in inside["sign_offs"]] == [
        ("office_lead", "reviewed"), ("office_lead", "approved"),
    ]  # fmt: skip
    up = msgspec.json.decode((await exported(network, PROVINCE, forwarded)).payload)
    assert from_json(msgspec.json.encode(up["forwarded"][0])) == await exported(network, ZHANGJIAGANG, original)
    verdict = await selected(network, ZHANGJIAGANG, original)
    assert (verdict["hub"], verdict["level"], verdict["forwarded_as"]) == (SUZHOU, "province", str(forwarded))
    assert await standing(network, SUZHOU, original) == "selected"

    by_city = await adopt(network, SUZHOU, original)
    by_province = await adopt(network, PROVINCE, forwarded, series="special")
    at_county = await verdict_at(network, ZHANGJIAGANG, original, by_city.decision)
    at_city = await verdict_at(network, SUZHOU, forwarded, by_province.decision)
    assert (at_county["hub"], at_county["verdict"]) == (SUZHOU, "adopted")
    assert (at_city["hub"], at_city["verdict"], at_city["series"]) == (PROVINCE, "adopted", "special")


async def test_several_are_merged_with_their_shares(network: Network) -> None:
    parts = [await report(network, unit, SUZHOU) for unit in (ZHANGJIAGANG, KUNSHAN)]
    text = msgspec.json.decode(content(title="样例：两县综合"))
    forwarded = await send(network, await draft(network, *parts, shares=("0.7", "0.3"), content=text))
    received = await inbox(network, PROVINCE, forwarded)
    assert received["content"]["title"] == "样例：两县综合"
    assert [one["origin"] for one in received["forwarded"]] == [ZHANGJIAGANG, KUNSHAN]
    verdicts = [await selected(network, unit, part) for unit, part in zip((ZHANGJIAGANG, KUNSHAN), parts, strict=True)]
    assert len({one["decision"] for one in verdicts}) == 1
    told = await inbox(network, ZHANGJIAGANG, UUID(verdicts[0]["decision"]))
    assert [item["share"] for item in told["message"]["items"]] == ["0.7", "0.3"]


async def test_the_county_sees_its_report_inside_the_citys_only_through_the_decision(network: Network) -> None:
    """The link is told; the city's own report is not the county's to read."""
    original = await report(network, ZHANGJIAGANG, SUZHOU)
    forwarded = await send(network, await draft(network, original))
    await selected(network, ZHANGJIAGANG, original)
    call = network.people.call(ZHANGJIAGANG, "officer", "GET", f"/api/v1/nodes/{ZHANGJIAGANG}/inbox/{forwarded}")
    assert (await refusal(call))[0] == 404


async def test_once_until_reversed(network: Network) -> None:
    original = await report(network, ZHANGJIAGANG, SUZHOU)
    second = await draft(network, original)
    await send(network, await draft(network, original))
    assert await refusal(draft(network, original)) == (422, "selection.already")
    assert await refusal(send(network, second)) == (409, "selection.already")
    decision = UUID((await selected(network, ZHANGJIAGANG, original))["decision"])
    reversal = await decide(network, SUZHOU, "reversed", reverses=decision, reason="转报有误")
    assert (await verdict_at(network, ZHANGJIAGANG, original, reversal))["verdict"] == "reversed"
    body = {"step": "send"}
    path = f"/api/v1/nodes/{SUZHOU}/items/{second}/steps"
    again = await network.people.call(SUZHOU, "officer", "POST", path, body)
    await inbox(network, PROVINCE, UUID(again["message"]))


async def test_only_the_hubs_own(network: Network) -> None:
    elsewhere = await report(network, JIANGYIN, WUXI)
    assert await refusal(draft(network, elsewhere)) == (422, "decision.unknown_item")
    assert await refusal(draft(network, new_id())) == (422, "decision.unknown_item")


def altered(original: Envelope) -> Envelope:
    """Return an original in which one word is another."""
    payload = original.payload.replace("进展".encode(), "受阻".encode(), 1)
    assert payload != original.payload
    return Envelope(original.payload_type, payload, original.signatures)


@pytest.mark.parametrize("flaw", ["altered", "signed by the city", "not signed off", "of another city's county"])
async def test_forged_originals_are_refused(network: Network, flaw: str) -> None:
    """Whatever a rogue city seals under its own name: the router looks inside."""
    genuine = await rogue_report(network, ZHANGJIAGANG)
    match flaw:
        case "altered":
            original = altered(genuine)
        case "signed by the city":
            original = await rogue_report(network, ZHANGJIAGANG, key=network.node_key(SUZHOU))
        case "not signed off":
            original = await rogue_report(network, ZHANGJIAGANG, sign_offs=())
        case _:
            original = await rogue_report(network, JIANGYIN)
    forged = await rogue_report(network, SUZHOU, forwarded=(original,))
    assert await router_refuses(network, SUZHOU, forged) == "report.forwarded"
    call = network.people.call(PROVINCE, "editor", "GET", f"/api/v1/nodes/{PROVINCE}/inbox/{claimed(forged)}")
    assert (await refusal(call))[0] == 404


def claimed(envelope: Envelope) -> str:
    """Return the id in a payload."""
    return str(msgspec.json.decode(envelope.payload)["id"])


async def test_a_county_forwards_nothing(network: Network) -> None:
    """No unit below a hub carries another's report, whatever its own gateway says."""
    inside = await rogue_report(network, KUNSHAN)
    forged = await rogue_report(network, ZHANGJIAGANG, forwarded=(inside,))
    assert await router_refuses(network, ZHANGJIAGANG, forged) == "report.forwarded"


async def test_the_repository_keeps_what_went_up(network: Network) -> None:
    original = await report(network, ZHANGJIAGANG, SUZHOU)
    forwarded = await send(network, await draft(network, original))

    async def look() -> list[dict[str, Any]]:
        return list((await read_as(network, PROVINCE, f"/api/v1/trail/{forwarded}"))["steps"])

    steps = await eventually(look, "the trail of a forwarded report")
    assert all(step.get("problem") in (None, "") for step in steps)
    assert digest_of((await exported(network, SUZHOU, forwarded)).payload) == digest_of(
        (await exported(network, PROVINCE, forwarded)).payload
    )
