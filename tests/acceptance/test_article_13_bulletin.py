"""Art. 13: the monthly bulletin: a hand count, checked and issued by the hub, frozen, corrected by the next, answerable for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from proto.messages import (
    Action,
    Adjustment,
    AdjustmentLine,
    Bulletin,
    BulletinContent,
    DecidedItem,
    Instruction,
    Level,
    Report,
    Role,
    Verdict,
)
from services.kit.calendar import CHINA, month_of
from services.kit.ids import new_id, utc_now
from services.kit.trust.enrol import sign_off
from tests.acceptance.acts import inbox, read_as, refusal
from tests.acceptance.bus_side import seal, told
from tests.acceptance.past import Past, approve_paper, asked, decision, draft_paper, entries_of, on
from tests.network import Network
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually

MARCH, APRIL = "2025-03", "2025-04"
HUB = f"/api/v1/hubs/{PROVINCE}"
UNITS = (SUZHOU, WUXI, REFORM, FARMING, KUNSHAN, JIANGYIN, BEIJING)
COUNTED = [  # by hand: class, unit, place in its class, items adopted, points, obligations missed
    ("city", SUZHOU, 1, 1, "20", ["adopted"]),  # research 15, a governor's instruction on it 5; owes six items
    ("city", WUXI, 2, 0, "-2", ["research", "adopted"]),  # answered late: −2
    ("department", REFORM, 1, 2, "13", ["research"]),  # daily 3, special 10
    ("department", FARMING, 2, 1, "6", ["research"]),  # 0.6 of a special of 10
    ("direct_report", KUNSHAN, 1, 1, "4", []),  # 0.4 of it
    ("direct_report", JIANGYIN, 2, 0, "0", ["adopted"]),  # daily 3, taken back
    ("liaison", BEIJING, 1, 1, "3", []),  # daily 3, the only one that owes nothing
]
Month = Mapping[str, tuple[Report, UUID]]
"""By what it was: the report, and the event that scored it."""


@pytest_asyncio.fixture(scope="module")
async def march(network: Network, past: Past) -> Month:
    """The province's March 2025."""
    day = on("2025-03-10")
    origins = {
        "research": SUZHOU, "daily": REFORM, "special": REFORM, "joint": FARMING, "shared": KUNSHAN, "back": JIANGYIN,
        "liaison": BEIJING,
    }  # fmt: skip
    reports = {
        what: await past.report(unit, day, PROVINCE, research=what == "research", title=f"【样例】三月{what}")
        for what, unit in origins.items()
    }
    series = {"research": "research", "special": "special", "joint": "special"}
    made = {
        what: decision(PROVINCE, day, reports[what], series=series.get(what, "daily"), issue=f"2025-{number:03}")
        for number, what in enumerate(("research", "daily", "special", "back", "liaison"), start=1)
    }
    made["joint"] = decision(
        PROVINCE, day, reports["joint"], reports["shared"], shares=("0.6", "0.4"), series="special", issue="2025-009"
    )
    made["shared"] = made["joint"]
    reversal = decision(PROVINCE, on("2025-03-12"), reports["back"], verdict=Verdict.REVERSED, about=made["back"].id)
    instruction = Instruction(
        id=new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=on("2025-03-20"), about=reports["research"].id,
        level=Level.PROVINCE, leader="【样例】某副省长", rank="副省长", text="【样例】请研究。",
        items=(DecidedItem(report=reports["research"].id, origin=SUZHOU, share=Decimal(1)),),
    )  # fmt: skip
    late = Adjustment(
        id=new_id(), origin=PROVINCE, to=(WUXI,), sent_at=on("2025-03-25"), person="lead", reason="【样例】约稿逾期",
        lines=(AdjustmentLine(unit=WUXI, month=MARCH, rule="late"),),
    )  # fmt: skip
    events = [*{each.id: each for each in made.values()}.values(), reversal, instruction, late]
    await past.say(*events)
    await entries_of(network, PROVINCE, MARCH, *(each.id for each in events), count=10)
    return {what: (report, made[what].id) for what, report in reports.items()}


async def drafted(network: Network, period: str, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = await asked(network, PROVINCE, f"{HUB}/bulletins/draft", period=period, **query)
    return found


def line_of(content: Mapping[str, Any], unit: str) -> dict[str, Any]:
    (line,) = [each for each in content["lines"] if each["unit"] == unit]
    return dict(line)


async def issue(network: Network, content: Any) -> dict[str, Any]:
    """Put a draft of the scoring service before the lead, who approves it; return when it is frozen there."""
    paper = await draft_paper(network, PROVINCE, "bulletin", content)
    approved = await approve_paper(network, PROVINCE, paper["id"])

    async def frozen() -> dict[str, Any] | None:
        found = await asked(network, PROVINCE, f"{HUB}/bulletins", year="2025")
        return next((each for each in found["bulletins"] if each["id"] == approved["message"]), None)

    await eventually(frozen, "frozen")
    return approved


@pytest.mark.usefixtures("march")
async def test_the_draft_is_the_hand_count(network: Network) -> None:
    found = await drafted(network, MARCH, preview="true")
    content = found["content"]
    lines = [
        (line["unit_class"], line["unit"], line["rank"], line["adopted"], line["points"], line["missed"])
        for line in content["lines"]
    ]
    assert lines == COUNTED
    assert {line["corrections"] for line in content["lines"]} == {"0"}
    assert [line["year_points"] for line in content["lines"]] == [points for *_, points, _ in COUNTED]
    assert content["rules"] == ["2024-1"]
    assert "列入通报单位7个，采用信息6条，计44分。未完成报送任务的单位5个。" in content["text"]
    for line in msgspec.convert(content, BulletinContent).lines:
        assert sum(item.points for item in line.items) == line.points


async def test_each_point_leads_to_item_issue_and_rule(network: Network, march: Month) -> None:
    """By what any unit can read for itself."""
    content = msgspec.convert((await drafted(network, MARCH, preview="true"))["content"], BulletinContent)
    rules = await asked(network, REFORM, "/api/v1/rules", hub=PROVINCE)
    (tables,) = [each["rules"]["points"] for each in rules["versions"] if each["rules"]["version"] == "2024-1"]
    seen = set()
    for what, (report, event) in march.items():
        found = [item for line in content.lines for item in line.items if item.report == report.id]
        if what == "back":
            assert found == [], "what was taken back is not listed"
            continue
        item = next(item for item in found if item.event == event)
        version, rule = item.rule.split("/")
        _, level, series = rule.split(".")
        assert (version, level, series) == ("2024-1", "province", item.series)
        share = {"joint": Decimal("0.6"), "shared": Decimal("0.4")}.get(what, Decimal(1))
        assert Decimal(str(tables[level][series])) * share == item.points
        trail = await read_as(network, report.origin, f"/api/v1/trail/{report.id}")
        steps = [step for step in trail["steps"] if step["by"] == PROVINCE and step["what"] in {"adopted", "merged"}]
        assert len(steps) == 1
        assert item.issue in steps[0]["detail"]
        seen.add(what)
    assert seen == set(march) - {"back"}
    why = await asked(network, SUZHOU, f"/api/v1/explain/{SUZHOU}/{MARCH}", reader=SUZHOU, hub=PROVINCE)
    assert [line["zh"] for line in why["lines"]] == [
        "省级采用于《调研专刊》2025年第1期：15 分（规则 2024-1 省级采用·调研专刊）",
        "省级批示：5 分（规则 2024-1 省级领导批示）",
    ]
    assert {line["entry"]["report"] for line in why["lines"]} == {str(march["research"][0].id)}


async def test_who_may_not_draft_or_issue_one(network: Network, march: Month) -> None:
    assert march
    content = (await drafted(network, MARCH, preview="true"))["content"]
    for reader in (SUZHOU, REFORM):
        call = asked(network, reader, f"{HUB}/bulletins/draft", period=MARCH)
        assert await refusal(call) == (403, "auth.not_this_node")
    call = draft_paper(network, PROVINCE, "bulletin", content, person="officer")
    assert await refusal(call) == (403, "auth.role")
    paper = await draft_paper(network, PROVINCE, "bulletin", content)
    for person in ("officer", "editor"):
        assert await refusal(approve_paper(network, PROVINCE, paper["id"], person=person)) == (403, "auth.role")
    own = await draft_paper(network, PROVINCE, "bulletin", content, person="head")
    assert await refusal(approve_paper(network, PROVINCE, own["id"], person="head")) == (403, "paper.own")
    text = msgspec.json.encode(msgspec.convert(content, BulletinContent)).decode()
    for role, reason in ((Role.EDITOR, "sign_off.missing"), (Role.OFFICE_LEAD, "sign_off.role_not_held")):
        signed = sign_off(
            text, node=PROVINCE, person="editor", role=role, action=Action.APPROVED, at=utc_now(),
            key=await network.people.key(PROVINCE, "editor"),
        )  # fmt: skip
        message = Bulletin(id=new_id(), origin=PROVINCE, to=UNITS, sent_at=utc_now(), content=text, approvals=(signed,))
        entry = await told(network, PROVINCE, "bulletin", seal(network, message))
        assert (entry["outcome"], entry["reason"]) == ("refused", reason)
    assert (await asked(network, PROVINCE, f"{HUB}/bulletins", year="2025"))["bulletins"] == []
    for each in (paper, own):
        await network.people.call(PROVINCE, "editor", "DELETE", f"/api/v1/nodes/{PROVINCE}/papers/{each['id']}")


async def test_an_open_month_has_a_preview_and_no_bulletin(network: Network) -> None:
    now = datetime.now(CHINA)
    following = f"{now.replace(day=28) + timedelta(days=5):%Y-%m}"
    for period, code in (
        (f"{now:%Y-%m}", "bulletin.month_open"), (following, "bulletin.month_open"), ("2025-13", "bulletin.period"),
        ("2025", "bulletin.period"), ("三月", "bulletin.period"),
    ):  # fmt: skip
        call = asked(network, PROVINCE, f"{HUB}/bulletins/draft", period=period)
        assert await refusal(call) == (409, code), period
    preview = await drafted(network, f"{now:%Y-%m}", preview="true")
    assert preview["forbidden"] == "bulletin.month_open"
    assert {line["unit"] for line in preview["content"]["lines"]} >= set(UNITS)
    content = preview["content"]
    for change, code in (
        ({}, "paper.period_open"), ({"period": following}, "paper.period_open"), ({"period": "2025-13"}, "paper.period"),
        ({"period": MARCH, "lines": content["lines"] * 2}, "paper.unit_twice"),
        ({"period": MARCH, "lines": [content["lines"][0] | {"unit": "320999"}]}, "paper.unknown_unit"),
    ):  # fmt: skip
        assert await refusal(draft_paper(network, PROVINCE, "bulletin", content | change)) == (422, code), change


async def test_issued_frozen_appealed_and_corrected_by_the_next(network: Network, past: Past, march: Month) -> None:
    content = (await drafted(network, MARCH))["content"]
    approved = await issue(network, content)
    message = UUID(approved["message"])
    for unit in UNITS:
        received = await inbox(network, unit, message)
        assert msgspec.json.decode(received["message"]["content"]) == content
    assert await refusal(drafted(network, MARCH)) == (409, "bulletin.issued")
    assert await refusal(draft_paper(network, PROVINCE, "bulletin", content)) == (409, "paper.issued")

    # a decision that comes late, a reversal of April, and an appeal: nothing of it touches March's bulletin
    report, event = march["special"]
    late_report = await past.report(FARMING, on("2025-03-31"))
    late = decision(PROVINCE, on("2025-03-31", 23), late_report)
    back = decision(PROVINCE, on("2025-04-02"), report, verdict=Verdict.REVERSED, about=event)
    await past.say(late, back)
    await entries_of(network, PROVINCE, MARCH, late.id, count=1)
    await entries_of(network, PROVINCE, APRIL, back.id, count=1)
    given = await answered(network, past, KUNSHAN, message, points="1.5")
    refused = await answered(network, past, BEIJING, message, points=None)
    await entries_of(network, PROVINCE, MARCH, given, count=1)
    kept = (await asked(network, PROVINCE, f"{HUB}/bulletins", year="2025"))["bulletins"]
    assert [(each["id"], each["content"]) for each in kept] == [(str(message), content)]

    april = (await drafted(network, APRIL))["content"]
    corrections = {line["unit"]: line["corrections"] for line in april["lines"]}
    assert corrections == dict.fromkeys(UNITS, "0") | {REFORM: "-10", FARMING: "3", KUNSHAN: "1.5"}
    for line in april["lines"]:
        points = Decimal(line_of(content, line["unit"])["points"])
        assert points + Decimal(line["corrections"]) + Decimal(line["points"]) == Decimal(line["year_points"])
    await issue(network, april)
    assert await refusal(drafted(network, "2025-02")) == (409, "bulletin.passed")
    may = (await drafted(network, "2025-05"))["content"]
    assert {line["corrections"] for line in may["lines"]} == {"0"}, "what a bulletin corrected is stated"

    appeals = {each["id"]: each for each in (await asked(network, PROVINCE, f"{HUB}/appeals"))["appeals"]}
    answers = {each["answer"]: (each["unit"], each["points"], each["reason"]) for each in appeals.values()}
    assert answers[str(given)] == (KUNSHAN, "1.5", "【样例】经核")
    assert answers[str(refused)] == (BEIJING, "0", "【样例】经核")
    why = await asked(network, KUNSHAN, f"/api/v1/explain/{KUNSHAN}/{MARCH}", reader=KUNSHAN, hub=PROVINCE)
    assert [line["points"] for line in why["lines"] if line["entry"]["event"] == str(given)] == ["1.5"]


async def answered(network: Network, past: Past, unit: str, bulletin: UUID, *, points: str | None) -> UUID:
    """Let a unit appeal about a bulletin and the province answer, with points or with a reason alone.

    The desk looks at no points of more than a year ago: the answer is one of then.
    """
    body = {"month": month_of(utc_now()), "text": "【样例】漏计一条", "about": bulletin}
    path = f"/api/v1/nodes/{unit}/appeals"
    appeal = UUID((await network.people.call(unit, "officer", "POST", path, body))["message"])
    await inbox(network, PROVINCE, appeal)
    lines = (AdjustmentLine(unit=unit, month=MARCH, rule="appeal", points=Decimal(points)),) if points else ()
    answer = Adjustment(
        id=new_id(), origin=PROVINCE, to=(unit,), sent_at=on("2025-04-20"), about=appeal, lines=lines, person="lead",
        reason="【样例】经核",
    )  # fmt: skip
    await past.say(answer)
    assert (await inbox(network, unit, answer.id))["message"]["reason"] == "【样例】经核"

    async def known() -> bool:
        found = await asked(network, PROVINCE, f"{HUB}/appeals")
        return any(each["id"] == str(appeal) and each["answer"] for each in found["appeals"])

    await eventually(known, "the answer in the score")
    return answer.id


async def test_who_is_not_concerned_cannot_appeal(network: Network) -> None:
    path = f"/api/v1/nodes/{ZHANGJIAGANG}/appeals"
    for change, code in (
        ({"month": "2024-01"}, "appeal.month"), ({"about": str(new_id())}, "appeal.about"), ({"hub": PROVINCE}, "appeal.which_hub"), ({"text": " "}, "appeal.no_text"),
    ):  # fmt: skip
        body = {"month": month_of(utc_now()), "text": "【样例】漏计"} | change
        assert await refusal(network.people.call(ZHANGJIAGANG, "officer", "POST", path, body)) == (422, code)
