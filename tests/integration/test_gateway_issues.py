"""Issues: opened with numbers, filled, undone without a trace, and made final in one transaction."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
import pytest_asyncio

from proto.errors import Reason
from proto.messages import Decision, Publication, Verdict
from tests.integration.gateway_service import Gateway, gateway_service
from tests.integration.hub_room import DAILY, add, final, good, opened, reported, said, state_of
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, SUZHOU, KUNSHAN), amqp_url, database_url) as running:
        yield running


async def nothing_said(gateway: Gateway) -> bool:
    return not await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind <> 'receipt'")


async def test_numbers_go_on_within_the_year_and_in_all(gateway: Gateway) -> None:
    path = "/series/daily"
    set_up = DAILY | {"first_number": 12, "first_total": 217}
    await good(gateway.call(PROVINCE, "lead", "PUT", path, set_up))
    numbers = []
    for fields in ({"day": "2026-11-20"}, {"day": "2026-12-31"}, {"day": "2026-12-31", "number": 14}, {"day": "2027-01-04"}, {"day": "2026-12-31"}):  # fmt: skip
        one = await good(gateway.call(PROVINCE, "editor", "POST", f"{path}/issues", fields), 201)
        numbers.append((one["issue"], one["total"]))
    assert numbers == [("2026-012", 217), ("2026-013", 218), ("2026-014", 219), ("2027-001", 220), ("2026-015", 221)]
    for taken in ({"day": "2026-12-31", "number": 12}, {"total": 217}):
        answer = await gateway.call(PROVINCE, "editor", "POST", f"{path}/issues", taken)
        assert answer.said == (409, "issue.number_taken")
    listed = await good(gateway.call(PROVINCE, "editor", "GET", "/issues?limit=2"))
    rest = await good(gateway.call(PROVINCE, "editor", "GET", f"/issues?before={listed[-1]['id']}"))
    assert [each["total"] for each in (*listed, *rest)] == [221, 220, 219, 218, 217]
    assert (await good(gateway.call(PROVINCE, "editor", "GET", path)))["readers"]["down"] == [SUZHOU]
    assert [each["series"] for each in await good(gateway.call(PROVINCE, "editor", "GET", "/series"))] == ["daily"]


async def test_two_editors_at_once_get_two_numbers(gateway: Gateway) -> None:
    await good(gateway.call(PROVINCE, "editor", "PUT", "/series/daily", DAILY))
    calls = (gateway.call(PROVINCE, "editor", "POST", "/series/daily/issues", {}) for _ in range(8))
    issues = [answer.body for answer in await asyncio.gather(*calls)]
    assert sorted(each["number"] for each in issues) == list(range(1, 9))


async def test_trying_again_opens_one_issue_and_adds_one_item(gateway: Gateway) -> None:
    issue, item, report = uuid4(), uuid4(), await reported(gateway)
    first = await opened(gateway, id=issue, number=7)
    again = await gateway.call(PROVINCE, "editor", "POST", "/series/daily/issues", {"id": issue, "number": 7})
    assert (again.status, again.body) == (200, first)
    other = await gateway.call(PROVINCE, "editor", "POST", "/series/daily/issues", {"id": issue, "number": 8})
    assert other.said == (409, "issue.id_taken")
    added = await good(add(gateway, str(issue), report, id=item), 201)
    assert (await add(gateway, str(issue), report, id=item)).status == 200
    assert await good(add(gateway, str(issue), report, id=item)) == added
    assert (await add(gateway, str(issue), await reported(gateway), id=item)).said == (409, "issue.item_id_taken")
    for text in ({"title": "【样例】另题"}, {"body": "【样例】另文"}):
        assert (await add(gateway, str(issue), report, id=item, **text)).said == (409, "issue.item_id_taken")
    worded: dict[str, Any] = {"id": uuid4(), "title": "【样例】题", "body": "【样例】文"}
    second = await reported(gateway)
    written = await good(add(gateway, str(issue), second, **worded), 201)
    assert (await add(gateway, str(issue), second, id=worded["id"])).said == (409, "issue.item_id_taken")
    await good(final(gateway, str(issue)))
    assert await good(add(gateway, str(issue), report, id=item)) == added
    assert await good(add(gateway, str(issue), second, **worded)) == written
    assert len(await said(gateway, PROVINCE, "decision")) == 2


async def test_what_is_undone_leaves_no_trace(gateway: Gateway) -> None:
    issue = await opened(gateway)
    one, two = await reported(gateway), await reported(gateway)
    await good(add(gateway, issue["id"], one, two, shares=("0.3", "0.7")), 201)
    assert await state_of(gateway, one) == "in_issue"
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/1")).status == 204
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/1")).said == (
        404,
        "issue.item_unknown",
    )
    assert [await state_of(gateway, each) for each in (one, two)] == ["pending", "pending"]
    second = await good(add(gateway, issue["id"], one), 201)
    assert second["n"] == 2
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}")).said == (409, "issue.not_empty")
    await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/2")
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}")).status == 204
    assert (await opened(gateway))["number"] == 1
    assert await nothing_said(gateway)


async def test_final_tells_readers_and_origins_at_once(gateway: Gateway) -> None:
    issue = await opened(gateway)
    single = await reported(gateway, title="【样例】原题", body="【样例】原文")
    county, department = await reported(gateway), await reported(gateway, origin=REFORM)
    await good(add(gateway, issue["id"], single), 201)
    merged = await good(
        add(
            gateway,
            issue["id"],
            county,
            department,
            shares=("0.4", "0.6"),
            title="【样例】综合",
            body="【样例】综合正文",
        ),
        201,
    )
    text = {"title": "【样例】改题", "body": "【样例】改文", "after": 0}
    await good(gateway.call(PROVINCE, "editor", "PUT", f"/intake/{single}/text", text))
    order = {"items": [merged["n"], 1]}
    arranged = await good(gateway.call(PROVINCE, "editor", "PUT", f"/issues/{issue['id']}/order", order))
    assert [item["title"] for item in arranged["items"]] == ["【样例】综合", "【样例】改题"]
    assert await nothing_said(gateway)
    done = await good(final(gateway, issue["id"]))
    assert (done["final"], done["final_by"]) == (True, "lead")
    (publication,) = await said(gateway, PROVINCE, "publication")
    assert isinstance(publication, Publication)
    assert (publication.to, publication.issue, publication.total) == ((SUZHOU, WUXI), issue["issue"], issue["total"])
    assert [(a.title, a.body, a.units) for a in publication.articles] == [
        ("【样例】综合", "【样例】综合正文", (KUNSHAN, REFORM)), ("【样例】改题", "【样例】改文", (KUNSHAN,)),
    ]  # fmt: skip
    decisions = [d for d in await said(gateway, PROVINCE, "decision") if isinstance(d, Decision)]
    assert [(d.verdict, d.to, [i.share for i in d.items]) for d in decisions] == [
        (Verdict.MERGED, (KUNSHAN, REFORM), [Decimal("0.4"), Decimal("0.6")]), (Verdict.ADOPTED, (KUNSHAN,), [1]),
    ]  # fmt: skip
    assert {(d.publication.series, d.publication.issue) for d in decisions if d.publication} == {
        ("daily", issue["issue"])
    }
    assert [UUID(item["decision"]) for item in done["items"]] == [d.id for d in decisions]
    assert done["publication"] == str(publication.id)
    states = [await state_of(gateway, each) for each in (single, county, department)]
    assert states == ["adopted", "merged", "merged"]


async def test_a_final_issue_does_not_change(gateway: Gateway) -> None:
    issue = await opened(gateway)
    report, late = await reported(gateway), await reported(gateway)
    await good(add(gateway, issue["id"], report), 201)
    done = await good(final(gateway, issue["id"]))
    path = f"/issues/{issue['id']}"
    for call in (
        final(gateway, issue["id"]), add(gateway, issue["id"], late),
        gateway.call(PROVINCE, "editor", "DELETE", f"{path}/items/1"), gateway.call(PROVINCE, "editor", "DELETE", path),
        gateway.call(PROVINCE, "editor", "PUT", f"{path}/order", {"items": [1]}),
    ):  # fmt: skip
        assert (await call).said == (409, "issue.final")
    await good(
        gateway.call(
            PROVINCE,
            "editor",
            "PUT",
            f"/intake/{report}/text",
            {"title": "【样例】晚", "body": "【样例】晚", "after": 0},
        )
    )
    await good(
        gateway.call(PROVINCE, "editor", "PUT", "/series/daily", DAILY | {"name": "【样例】改名", "readers": {}})
    )
    assert await good(gateway.call(PROVINCE, "editor", "GET", path)) == done
    reversal = {"verdict": "reversed", "reverses": done["items"][0]["decision"], "reason": "有误"}
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", reversal), 201)
    assert await state_of(gateway, report) == "pending"
    again = await opened(gateway)
    await good(add(gateway, again["id"], report), 201)
    await good(final(gateway, again["id"]))
    assert len(await said(gateway, PROVINCE, "decision")) == 3


async def test_final_twice_at_once_tells_once(gateway: Gateway) -> None:
    issue = await opened(gateway)
    await good(add(gateway, issue["id"], await reported(gateway)), 201)
    answers = await asyncio.gather(*(final(gateway, issue["id"]) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert len(await said(gateway, PROVINCE, "decision")) == len(await said(gateway, PROVINCE, "publication")) == 1


async def test_one_report_two_editors_two_issues(gateway: Gateway) -> None:
    first, second, report = await opened(gateway), await opened(gateway), await reported(gateway)
    answers = await asyncio.gather(*(add(gateway, issue["id"], report) for issue in (first, second, first, second)))
    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
    assert {answer.said[1] for answer in answers if answer.status == 422} == {"decision.in_issue"}


@pytest.mark.parametrize("verdict", ["returned", "declined"])
async def test_what_a_draft_holds_is_not_returned(gateway: Gateway, verdict: str) -> None:
    issue, report = await opened(gateway), await reported(gateway)
    await good(add(gateway, issue["id"], report), 201)
    body = {"verdict": verdict, "items": [{"report": report}], "reason": "略"}
    assert (await gateway.call(PROVINCE, "editor", "POST", "/decisions", body)).said == (422, "decision.in_issue")
    await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/1")
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", body), 201)
    assert (await add(gateway, issue["id"], report)).said == (422, "decision.already_decided")


@pytest.mark.parametrize(("verdict", "code"), [("adopted", "needs_issue"), ("merged", "needs_issue"), ("selected", "needs_forward")])  # fmt: skip
async def test_decisions_says_where_adopting_is_done(gateway: Gateway, verdict: str, code: str) -> None:
    body = {"verdict": verdict, "items": [{"report": await reported(gateway)}], "reason": "略"}
    assert (await gateway.call(PROVINCE, "editor", "POST", "/decisions", body)).said == (422, f"decision.{code}")


async def test_only_a_lead_makes_final_and_only_what_holds_something(gateway: Gateway) -> None:
    issue = await opened(gateway)
    assert (await final(gateway, issue["id"])).said == (422, "issue.empty")
    await good(add(gateway, issue["id"], await reported(gateway)), 201)
    for person in ("editor", "officer"):
        assert (await final(gateway, issue["id"], person)).said == (403, "auth.role")
    assert (
        await gateway.call(SUZHOU, "lead", "POST", f"/issues/{issue['id']}/final", {"digest": issue["digest"]})
    ).said == (404, "issue.unknown")
    assert await nothing_said(gateway)
    await good(final(gateway, issue["id"], "head"))


async def test_wrong_series_items_and_orders(gateway: Gateway) -> None:
    put = ("PUT", "/series/daily")
    for readers in ({"down": [PROVINCE]}, {"up": ["110000"]}, {"across": ["320000-router"]}):
        answer = await gateway.call(PROVINCE, "editor", *put, DAILY | {"readers": readers})
        assert answer.said == (422, "series.unknown_reader")
    for name in ("a%20b", "a%00b", "x" * 41):
        answer = await gateway.call(PROVINCE, "editor", "PUT", f"/series/{name}", DAILY)
        assert answer.said == (400, "request.invalid")
    assert (await gateway.call(PROVINCE, "editor", "POST", "/series/none/issues", {})).said == (404, "series.unknown")
    issue, report = await opened(gateway), await reported(gateway)
    for fields, code in (
        ({"title": "机密★1年"}, "report.classified"), ({"items": []}, "decision.no_items"),
        ({"items": [{"report": uuid4()}]}, "decision.unknown_item"), ({"verdict": "merged"}, "decision.two_items"),
        ({"items": [{"report": report, "share": "0.5"}]}, "decision.one_item"),
    ):  # fmt: skip
        assert (await add(gateway, issue["id"], report, **fields)).said == (422, code)
    assert (await add(gateway, issue["id"], report, title="\x00")).said == (400, "request.invalid")
    assert (await add(gateway, str(uuid4()), report)).said == (404, "issue.unknown")
    await good(add(gateway, issue["id"], report), 201)
    for order in ([], [2], [1, 1]):
        answer = await gateway.call(PROVINCE, "editor", "PUT", f"/issues/{issue['id']}/order", {"items": order})
        assert answer.said == (422, "issue.order")
    for n in ("0", "x", "9" * 10, "%C2%B2"):
        answer = await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/{n}")
        assert answer.said == (400, "request.invalid")


async def test_an_issue_too_large_to_travel_is_refused_whole(gateway: Gateway) -> None:
    issue = await opened(gateway)
    for _ in range(8):
        await good(add(gateway, issue["id"], await reported(gateway, body="【样例】" + "文" * 49_000)), 201)
    assert (await final(gateway, issue["id"])).said == (422, Reason.ENVELOPE_TOO_LARGE.value)
    assert await nothing_said(gateway)
    assert not (await good(gateway.call(PROVINCE, "editor", "GET", f"/issues/{issue['id']}")))["final"]


async def test_a_series_without_readers_sends_decisions_alone(gateway: Gateway) -> None:
    await good(gateway.call(PROVINCE, "editor", "PUT", "/series/quiet", DAILY | {"readers": {}}))
    issue = await good(gateway.call(PROVINCE, "editor", "POST", "/series/quiet/issues", {}), 201)
    await good(add(gateway, issue["id"], await reported(gateway)), 201)
    assert (await good(final(gateway, issue["id"])))["publication"] is None
    assert await said(gateway, PROVINCE, "publication") == []
    assert len(await said(gateway, PROVINCE, "decision")) == 1


async def test_what_was_decided_meanwhile_is_named_and_nothing_is_told(gateway: Gateway) -> None:
    """As by a process of an earlier version, which knows no issues, beside this one."""
    issue, report, other = await opened(gateway), await reported(gateway), await reported(gateway)
    await good(add(gateway, issue["id"], report), 201)
    await good(add(gateway, issue["id"], other), 201)
    await gateway.database.execute("INSERT INTO decided VALUES ($1, $2, $3, 'declined')", PROVINCE, report, uuid4())
    answer = await final(gateway, issue["id"])
    assert answer.said == (409, "issue.item_decided")
    assert answer.body["detail"] == str(report)
    assert await nothing_said(gateway)
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/1")).status == 204
    await good(final(gateway, issue["id"]))
    assert [await state_of(gateway, each) for each in (report, other)] == ["declined", "adopted"]


async def test_a_draft_is_printed_as_the_final_issue_will_be(gateway: Gateway) -> None:
    issue = await opened(gateway)
    await good(add(gateway, issue["id"], await reported(gateway), title="【样例】<b>题</b>"), 201)
    url = f"http://127.0.0.1:{gateway.port}/api/v1/nodes/{PROVINCE}/issues/{issue['id']}/document"
    token = (await gateway.sign_in(PROVINCE, "editor")).body["token"]

    async def printed(form: str) -> tuple[str, bytes]:
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(url, params={"form": form}) as answer:
            assert answer.status == 200, await answer.text()
            return answer.content_type, await answer.read()

    kind, draft = await printed("html")
    assert kind == "text/html"
    assert "昆山市".encode() in draft
    assert b"<b>" not in draft
    for form, begins in (("docx", b"PK"), ("pdf", b"%PDF-")):
        assert (await printed(form))[1].startswith(begins)
    await good(final(gateway, issue["id"]))
    assert (await printed("html"))[1] == draft
    assert (await gateway.call(PROVINCE, "editor", "GET", f"/issues/{issue['id']}/document?form=odt")).said == (400, "request.invalid")  # fmt: skip
    assert (await gateway.call(PROVINCE, "editor", "GET", f"/issues/{uuid4()}/document")).said == (404, "issue.unknown")
