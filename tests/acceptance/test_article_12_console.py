"""Art. 12 at the console: 草稿 → 待审核 → 待签发 → 已签发 → 已报送, and 退回; with its history."""

from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
import pytest

from services.cli.network.sample.client import CallError
from tests.acceptance.acts import content, inbox, refusal
from tests.network import Network
from tests.places import BEIJING, KUNSHAN, PROVINCE, WUXI, ZHANGJIAGANG

UNIT = WUXI
ITEMS = f"/api/v1/nodes/{UNIT}/items"
ALLOWED = {
    "draft": {"edit", "submit"},
    "in_review": {"review", "return"},
    "awaiting_approval": {"approve", "return"},
    "approved": {"send", "return"},
    "sent": set[str](),
    "returned": {"edit"},
}
STEPS = ("submit", "review", "approve", "return", "send")
WHO = {"submit": "officer", "review": "lead", "approve": "lead", "return": "lead", "send": "officer"}


class Desk:
    """One item at the unit's console."""

    def __init__(self, network: Network, item: str) -> None:
        self._network = network
        self.item = item

    @classmethod
    async def draft(cls, network: Network, **changes: object) -> "Desk":
        """Write a draft."""
        body = {"content": msgspec.json.decode(content(**changes))}
        stored = await network.people.call(UNIT, "officer", "POST", ITEMS, body)
        assert (stored["state"], stored["message"]) == ("draft", None)
        return cls(network, stored["item"])

    async def step(self, step: str, person: str = "", **fields: Any) -> dict[str, Any]:
        """Take a step as a person, by default the right one with the right passphrase."""
        body = {"step": step, "passphrase": self._network.people.password, **fields}
        path = f"{ITEMS}/{self.item}/steps"
        done: dict[str, Any] = await self._network.people.call(UNIT, person or WHO[step], "POST", path, body)
        return done

    async def take(self, *steps: str) -> "Desk":
        """Take steps one after the other."""
        for step in steps:
            await self.step(step, **({"note": "数字请核对"} if step == "return" else {}))
        return self

    async def edit(self, **changes: object) -> None:
        """Change the draft."""
        body = {"content": msgspec.json.decode(content(**changes))}
        await self._network.people.call(UNIT, "officer", "PUT", f"{ITEMS}/{self.item}", body)

    async def view(self) -> dict[str, Any]:
        """Look at the item."""
        found: dict[str, Any] = await self._network.people.call(UNIT, "officer", "GET", f"{ITEMS}/{self.item}")
        return found


async def test_from_draft_to_sent(network: Network) -> None:
    desk = await Desk.draft(network, title="样例：长江禁渔执法情况")
    states = [(await desk.step(step))["state"] for step in ("submit", "review", "approve", "send")]
    assert states == ["in_review", "awaiting_approval", "approved", "sent"]
    view = await desk.view()
    assert [(e["step"], e["person"], e["state"]) for e in view["history"]] == [
        ("edit", "officer", "draft"),
        ("submit", "officer", "in_review"),
        ("review", "lead", "awaiting_approval"),
        ("approve", "lead", "approved"),
        ("send", "officer", "sent"),
    ]
    times = [e["at"] for e in view["history"]]
    assert times == sorted(times)
    received = await inbox(network, PROVINCE, UUID(view["message"]))
    assert (received["title"], received["origin"]) == ("样例：长江禁渔执法情况", UNIT)
    await network.receipt(UNIT, UUID(view["message"]), "accepted")


REACHED = {
    "draft": (),
    "in_review": ("submit",),
    "awaiting_approval": ("submit", "review"),
    "approved": ("submit", "review", "approve"),
    "sent": ("submit", "review", "approve", "send"),
    "returned": ("submit", "return"),
}


@pytest.mark.parametrize("state", list(REACHED))
async def test_illegal_steps_are_answered_with_the_allowed_ones(network: Network, state: str) -> None:
    desk = await (await Desk.draft(network)).take(*REACHED[state])
    view = await desk.view()
    assert (view["state"], set(view["steps"])) == (state, ALLOWED[state])
    legal = ALLOWED[state] | ({"reopen"} if state == "sent" else set())  # that one only where it was refused
    for step in set(STEPS) - ALLOWED[state]:
        with pytest.raises(CallError) as refused:
            await desk.step(step, note="意见")
        assert (refused.value.status, refused.value.code) == (409, "item.illegal_step"), step
        named = str(refused.value).partition(f"{state}: ")[2]
        assert {part for part in named.split(", ") if part != "-"} == legal
    if "edit" not in ALLOWED[state]:
        assert await refusal(desk.edit(title="样例：改动")) == (409, "item.illegal_step")
    assert await desk.view() == view


async def test_wrong_passphrase(network: Network) -> None:
    desk = await (await Desk.draft(network)).take("submit")
    assert await refusal(desk.step("review", passphrase="not-it")) == (403, "sign.wrong_passphrase")
    assert (await desk.view())["state"] == "in_review"


@pytest.mark.parametrize(
    ("reached", "step", "person"),
    [
        ((), "submit", "lead"),
        (("submit",), "review", "officer"),
        (("submit",), "return", "officer"),
        (("submit", "review"), "approve", "officer"),
        (("submit", "review"), "approve", "editor"),
        (("submit", "review", "approve"), "send", "head"),
    ],
)
async def test_wrong_role(network: Network, reached: tuple[str, ...], step: str, person: str) -> None:
    desk = await (await Desk.draft(network)).take(*reached)
    before = await desk.view()
    assert await refusal(desk.step(step, person, note="意见")) == (403, "auth.role")
    assert await desk.view() == before


async def test_important_item_needs_the_head(network: Network) -> None:
    desk = await (await Desk.draft(network, importance="important")).take("submit", "review")
    assert await refusal(desk.step("approve", "lead")) == (403, "auth.role")
    assert (await desk.step("approve", "head"))["state"] == "approved"
    message = UUID((await desk.step("send"))["message"])
    assert (await inbox(network, PROVINCE, message))["content"]["importance"] == "important"


async def test_returned_with_an_opinion(network: Network) -> None:
    desk = await (await Desk.draft(network)).take("submit", "review")
    assert await refusal(desk.step("return", note="  ")) == (422, "item.return_needs_note")
    assert (await desk.step("return", note="请补充数字来源"))["state"] == "returned"
    last = (await desk.view())["history"][-1]
    assert (last["step"], last["person"], last["note"]) == ("return", "lead", "请补充数字来源")


async def test_edit_drops_the_sign_offs(network: Network) -> None:
    """What was reviewed before the change counts no more: the way begins anew, and what is sent is what was signed."""
    desk = await (await Desk.draft(network, title="样例：初稿")).take("submit", "review", "return")
    await desk.edit(title="样例：改稿")
    assert (await desk.view())["state"] == "draft"
    assert await refusal(desk.step("send")) == (409, "item.illegal_step")
    await desk.take("submit", "review", "approve", "send")
    message = UUID((await desk.view())["message"])
    assert (await inbox(network, PROVINCE, message))["title"] == "样例：改稿"
    exported = await network.people.call(UNIT, "officer", "GET", f"/api/v1/nodes/{UNIT}/messages/{message}")
    report = msgspec.json.decode(msgspec.convert(exported["payload"], bytes))
    assert len(report["sign_offs"]) == 2


async def test_only_the_units_own_staff(network: Network) -> None:
    desk = await Desk.draft(network)
    call = network.people.call(ZHANGJIAGANG, "officer", "GET", f"{ITEMS}/{desk.item}")
    assert await refusal(call) == (403, "auth.not_this_node")
    under_another = f"/api/v1/nodes/{BEIJING}/items/{desk.item}"
    assert await refusal(network.people.call(BEIJING, "officer", "GET", under_another)) == (404, "item.unknown")


async def test_trying_again_makes_no_second_item(network: Network) -> None:
    body = {"id": uuid4(), "content": msgspec.json.decode(content())}
    first, again = [await network.people.call(UNIT, "officer", "POST", ITEMS, body) for _ in range(2)]
    assert first == again
    elsewhere = network.people.call(KUNSHAN, "officer", "POST", f"/api/v1/nodes/{KUNSHAN}/items", body)
    assert await refusal(elsewhere) == (409, "item.id_taken")


async def test_nobody_without_a_password(network: Network) -> None:
    async with aiohttp.ClientSession() as http:
        for person, password in (("officer", "wrong"), ("nobody", network.people.password)):
            body = {"node": UNIT, "person": person, "password": password}
            async with http.post(f"{network.place.url('gateway')}/api/v1/sessions", json=body) as answer:
                assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "auth.wrong")
