"""文稿: an editor drafts, a lead signs with the own key, and then it stands; wrong papers are refused and leave nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from proto import codec
from proto.envelope import unpack
from proto.messages import (
    BulletinContent,
    BulletinLine,
    BulletinType,
    Commendation,
    DesignationContent,
    Outcome,
    Rules,
    Standing,
    UnitClass,
)
from proto.messages.scoring import Approved
from services.kit.calendar import CHINA, month_of
from services.kit.trust.verify import verify_approved
from tests.integration.gateway_service import DEADLINE, PASSWORD, Answer, Gateway, entry, gateway_service
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually
from tests.world import World

RULES = 'version = "2026-1"\ntitle = "样例规则"\neffective_from = 2026-01-01\n'
ALL = (SUZHOU, WUXI, KUNSHAN, JIANGYIN, REFORM, FARMING, BEIJING)


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


def last_month(gateway: Gateway, months: int = 1) -> str:
    day = gateway.clock().astimezone(CHINA).replace(day=15)
    for _ in range(months):
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=15)
    return f"{day:%Y-%m}"


def bulletin(period: str, **changes: Any) -> BulletinContent:
    fields: dict[str, Any] = {
        "type": BulletinType.MONTHLY, "period": period, "rules": ("2026-1",), "text": "【样例】现将本月情况通报如下。",
        "lines": (BulletinLine(
            unit=SUZHOU, unit_class=UnitClass.CITY, adopted=1, points=Decimal(3), corrections=Decimal(0),
            year_points=Decimal(3),
        ),),
    }  # fmt: skip
    return BulletinContent(**fields | changes)


def designation(**changes: Any) -> DesignationContent:
    fields: dict[str, Any] = {
        "unit": KUNSHAN, "standing": Standing.WARNED, "effective_from": "2026-12-01", "grounds": "【样例】全年采用偏少",
    }  # fmt: skip
    return DesignationContent(**fields | changes)


async def draft(gateway: Gateway, kind: str, content: Any, *, hub: str = PROVINCE, person: str = "editor", id: UUID | None = None) -> Answer:  # fmt: skip
    return await gateway.call(hub, person, "POST", "/papers", {"kind": kind, "content": content, "id": id})


async def approve(gateway: Gateway, paper: str, *, hub: str = PROVINCE, person: str = "lead", passphrase: str = PASSWORD) -> Answer:  # fmt: skip
    seen = (await gateway.call(hub, "head", "GET", f"/papers/{paper}")).body["digest"]
    body = {"passphrase": passphrase, "digest": seen}
    return await gateway.call(hub, person, "POST", f"/papers/{paper}/approve", body)


async def message_of(gateway: Gateway, answer: Answer) -> Approved:
    assert answer.status == 200, answer
    body = await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", UUID(answer.body["message"]))
    message = codec.decode(unpack(body))
    assert isinstance(message, Approved)
    verify_approved(gateway.world.state, message, now=gateway.clock())
    return message


async def test_rules_go_to_all_units_that_report_here(gateway: Gateway) -> None:
    paper = (await draft(gateway, "rules", RULES)).body
    assert (paper["state"], paper["subject"], paper["author"]) == ("draft", "2026-1", "editor")
    answer = await approve(gateway, paper["id"])
    message = await message_of(gateway, answer)
    assert isinstance(message, Rules)
    assert (message.content, set(message.to)) == (RULES, set(ALL))
    assert codec.decode_sign_off(message.approvals[0]).person == "lead"
    assert (answer.body["state"], answer.body["approver"]) == ("approved", "lead")
    shown = (await gateway.call(PROVINCE, "lead", "GET", f"/papers/{paper['id']}")).body
    assert shown["content"] == RULES
    assert (await approve(gateway, paper["id"])).said == (409, "paper.approved")
    (listed,) = (await gateway.call(PROVINCE, "editor", "GET", "/papers?kind=rules&state=approved")).body
    assert (listed["id"], "content" in listed and listed["content"]) == (paper["id"], None)


async def test_a_city_has_its_own(gateway: Gateway) -> None:
    paper = (await draft(gateway, "rules", RULES, hub=SUZHOU)).body["id"]
    message = await message_of(gateway, await approve(gateway, paper, hub=SUZHOU, person="head"))
    assert set(message.to) == {KUNSHAN, ZHANGJIAGANG}


async def test_a_bulletin_is_issued_once(gateway: Gateway) -> None:
    content = bulletin(last_month(gateway))
    first, second = [(await draft(gateway, "bulletin", content)).body["id"] for _ in range(2)]
    message = await message_of(gateway, await approve(gateway, first))
    assert codec.decode_approved(message) == content
    assert (await approve(gateway, second)).said == (409, "paper.issued")
    assert (await draft(gateway, "bulletin", content)).said == (409, "paper.issued")
    assert (await draft(gateway, "bulletin", bulletin(last_month(gateway, 2)))).status == 201
    assert (await draft(gateway, "bulletin", content, hub=SUZHOU)).status == 201


async def test_two_leads_at_once_issue_one(gateway: Gateway) -> None:
    content = bulletin(last_month(gateway))
    papers = [(await draft(gateway, "bulletin", content)).body["id"] for _ in range(2)]
    calls = [approve(gateway, paper, person=person) for paper in papers for person in ("lead", "head")]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'bulletin'") == 1


async def test_what_the_score_could_not_see_beside_it_is_looked_at_again(gateway: Gateway) -> None:
    """Two papers approved at once might contradict each other: the score was asked about each as if it were alone."""
    months = [bulletin(last_month(gateway, ago)) for ago in (1, 2)]
    papers = [(await draft(gateway, "bulletin", content)).body["id"] for content in months]
    answers = await asyncio.gather(*(approve(gateway, paper) for paper in papers))
    assert sorted(answer.status for answer in answers) == [200, 409]
    (late,) = (answer for answer in answers if answer.status == 409)
    assert late.said == (409, "paper.another")
    assert (await approve(gateway, papers[answers.index(late)])).status == 200


async def test_one_that_the_network_refused_may_be_issued_again(gateway: Gateway) -> None:
    content = bulletin(last_month(gateway))
    paper = (await draft(gateway, "bulletin", content)).body["id"]
    message = UUID((await approve(gateway, paper)).body["message"])
    digest = await gateway.database.fetchval("SELECT digest FROM sent WHERE id = $1", message)
    told = entry(message, digest, Outcome.REFUSED, "registry.expired")
    receipt, envelope = gateway.world.receipt("320000-router", [PROVINCE], [told])
    await gateway.deliver(PROVINCE, receipt, envelope)
    await gateway.received(PROVINCE, receipt.id)
    again = (await draft(gateway, "bulletin", content)).body["id"]
    assert (await approve(gateway, again)).status == 200
    shown = (await gateway.call(PROVINCE, "lead", "GET", f"/papers/{paper}")).body
    assert [one["outcome"] for one in shown["receipts"]] == ["refused"]


async def test_a_designation_goes_to_the_county_and_its_city(gateway: Gateway) -> None:
    paper = (await draft(gateway, "designation", designation())).body["id"]
    assert set((await message_of(gateway, await approve(gateway, paper))).to) == {KUNSHAN, SUZHOU}
    new = designation(unit=ZHANGJIAGANG, standing=Standing.DESIGNATED, replaces=KUNSHAN)
    paper = (await draft(gateway, "designation", new)).body["id"]
    assert set((await message_of(gateway, await approve(gateway, paper))).to) == {ZHANGJIAGANG, SUZHOU}


async def test_nobody_approves_a_paper_of_their_own(gateway: Gateway) -> None:
    paper = (await draft(gateway, "rules", RULES, person="lead")).body["id"]
    assert (await approve(gateway, paper)).said == (403, "paper.own")
    same = {"kind": "rules", "content": RULES}
    assert (await gateway.call(PROVINCE, "editor", "PUT", f"/papers/{paper}", same)).status == 200
    assert (await approve(gateway, paper)).said == (403, "paper.own"), "another's name needs another text"
    assert (await approve(gateway, paper, person="editor")).said == (403, "auth.role")
    assert (await approve(gateway, paper, person="head", passphrase="x")).said == (403, "sign.wrong_passphrase")
    assert (await approve(gateway, paper, person="head")).status == 200


async def test_a_lead_signs_what_was_shown(gateway: Gateway) -> None:
    shown = (await draft(gateway, "rules", RULES)).body
    other = {"kind": "rules", "content": RULES.replace("样例规则", "样例规则二")}
    changed = await gateway.call(PROVINCE, "editor", "PUT", f"/papers/{shown['id']}", other)
    path, passphrase = f"/papers/{shown['id']}/approve", {"passphrase": PASSWORD}
    for digest, said in (
        ({"digest": shown["digest"]}, (409, "paper.changed")),
        ({"digest": ""}, (400, "request.invalid")),
        ({}, (400, "request.invalid")),
    ):
        assert (await gateway.call(PROVINCE, "lead", "POST", path, passphrase | digest)).said == said
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'rules'") == 0
    (listed,) = (await gateway.call(PROVINCE, "lead", "GET", "/papers")).body
    assert (listed["state"], listed["digest"]) == ("draft", "")
    seen = {"digest": changed.body["digest"]}
    done = await gateway.call(PROVINCE, "lead", "POST", path, passphrase | seen)
    assert (done.status, done.body["digest"]) == (200, changed.body["digest"])


async def test_drafts_change_and_go_what_is_approved_stands(gateway: Gateway) -> None:
    paper = (await draft(gateway, "rules", RULES)).body["id"]
    other = RULES.replace("2026-1", "2026-2")
    changed = await gateway.call(PROVINCE, "lead", "PUT", f"/papers/{paper}", {"kind": "rules", "content": other})
    assert (changed.body["subject"], changed.body["author"]) == ("2026-2", "lead")
    wrong = {"kind": "bulletin", "content": bulletin(last_month(gateway))}
    assert (await gateway.call(PROVINCE, "lead", "PUT", f"/papers/{paper}", wrong)).said == (409, "paper.kind")
    gone = (await draft(gateway, "rules", other)).body["id"]
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/papers/{gone}")).status == 204
    assert (await gateway.call(PROVINCE, "editor", "GET", f"/papers/{gone}")).said == (404, "paper.unknown")
    assert (await approve(gateway, paper, person="head")).status == 200
    for method, body in (("PUT", {"kind": "rules", "content": RULES}), ("DELETE", None)):
        assert (await gateway.call(PROVINCE, "editor", method, f"/papers/{paper}", body)).said == (
            409,
            "paper.approved",
        )
    for change in ("UPDATE paper SET content = ''", "DELETE FROM paper"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await gateway.database.execute(change)
    assert (await draft(gateway, "rules", other)).said == (409, "paper.version_used")


async def test_trying_again_makes_one(gateway: Gateway) -> None:
    paper = uuid4()
    answers = [await draft(gateway, "rules", RULES, id=paper) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].body == answers[1].body
    assert (await draft(gateway, "rules", RULES + "# \n", id=paper)).said == (409, "paper.differs")
    assert (await draft(gateway, "rules", RULES, id=paper, hub=SUZHOU)).said == (409, "paper.id_taken")


WRONG: dict[str, tuple[str, Any, tuple[int, str]]] = {
    "rules no TOML": ("rules", "version = ", (422, "paper.not_toml")),
    "rules deeply nested": ("rules", "x = " + "[" * 5_000, (422, "paper.not_toml")),
    "rules of no version": ("rules", "title = 'x'", (422, "paper.no_version")),
    "rules as an object": ("rules", {"version": "1"}, (422, "payload.malformed")),
    "rules classified": ("rules", RULES + "# 秘密★1年\n", (422, "report.classified")),
    "rules too long": ("rules", RULES + "#" * 1_000_000, (422, "envelope.too_large")),
    "bulletin as a text": ("bulletin", "{}", (422, "payload.malformed")),
    "bulletin with an unknown field": ("bulletin", {"such": 1}, (422, "payload.malformed")),
    "bulletin of no period": ("bulletin", bulletin("2026-13"), (422, "paper.period")),
    "bulletin of a year as a month": ("bulletin", bulletin("2025"), (422, "paper.period")),
    "bulletin of an odd year": ("bulletin", bulletin("20²5", type=BulletinType.YEARLY), (422, "paper.period")),
    "bulletin of the future": ("bulletin", bulletin("2999-11"), (422, "paper.period_open")),
    "bulletin of the last year": ("bulletin", bulletin("2999", type=BulletinType.YEARLY), (422, "paper.period_open")),
    "bulletin with a unit in two classes": ("bulletin", bulletin("2026-01", lines=(
        *bulletin("").lines, msgspec.structs.replace(bulletin("").lines[0], unit_class=UnitClass.COUNTY),
    )), (422, "paper.unit_twice")),
    "bulletin with a unit twice": ("bulletin", bulletin("2026-01", lines=bulletin("").lines * 2), (422, "paper.unit_twice")),
    "bulletin about a stranger": (
        "bulletin", bulletin("2026-01", commended=(Commendation(unit="321199", person="张三", title="先进"),)), (422, "paper.unknown_unit"),
    ),
    "bulletin classified": ("bulletin", bulletin("2026-01", text="【样例】\n机密★1年"), (422, "report.classified")),
    "bulletin with NUL": ("bulletin", bulletin("2026-01", text="\x00"), (422, "payload.malformed")),
    "designation of a city": ("designation", designation(unit=SUZHOU), (422, "paper.no_county")),
    "designation of nobody": ("designation", designation(unit="321199"), (422, "paper.no_county")),
    "designation without grounds": ("designation", designation(grounds=" "), (422, "paper.no_grounds")),
    "designation on no day": ("designation", designation(effective_from="2026-02-30"), (422, "paper.no_such_day")),
    "warning in another's place": ("designation", designation(replaces=ZHANGJIAGANG), (422, "paper.replaces")),
}  # fmt: skip


async def test_wrong_papers_leave_nothing(gateway: Gateway) -> None:
    for name, (kind, content, said) in WRONG.items():
        assert (await draft(gateway, kind, content)).said == said, name
    this_month = bulletin(month_of(gateway.clock()))
    assert (await draft(gateway, "bulletin", this_month)).said == (422, "paper.period_open")
    assert (await draft(gateway, "designation", designation(), hub=SUZHOU)).said == (422, "paper.province_only")
    assert (await draft(gateway, "rules", RULES, person="officer")).said == (403, "auth.role")
    assert (await draft(gateway, "rules", RULES, hub=ZHANGJIAGANG, person="lead")).said == (403, "auth.not_a_hub")
    assert await gateway.database.fetchval("SELECT count(*) FROM paper") == 0
    codes = {row["code"] for row in await gateway.database.fetch("SELECT code FROM event")}
    assert codes == {"report.classified"}


async def test_a_month_is_over_by_the_clock_of_the_country(gateway: Gateway) -> None:
    """A draft of the month that just ended is taken; the day before it is not."""
    now = gateway.clock().astimezone(CHINA)
    first = (now.replace(day=28) + timedelta(days=4)).replace(day=1, hour=0, minute=0, second=30, microsecond=0)
    content = bulletin(f"{now:%Y-%m}")
    gateway.later = first - now - timedelta(minutes=1)
    assert (await draft(gateway, "bulletin", content)).said == (422, "paper.period_open")
    gateway.later = first - now
    assert (await draft(gateway, "bulletin", content)).status == 201


async def test_an_approval_lost_with_the_process_leaves_nothing_half_done(gateway: Gateway) -> None:
    """The message, its outbox row and the paper's state are one transaction."""
    paper = (await draft(gateway, "rules", RULES)).body["id"]
    await gateway.database.execute("ALTER TABLE paper ADD CONSTRAINT broken CHECK (state <> 'approved')")
    assert (await approve(gateway, paper)).status == 500
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'rules'") == 0
    await gateway.database.execute("ALTER TABLE paper DROP CONSTRAINT broken")
    await message_of(gateway, await approve(gateway, paper))

    async def relayed() -> bool:
        return await gateway.database.fetchval("SELECT count(*) FROM outbox") == 0

    await eventually(relayed, "relayed", DEADLINE)
