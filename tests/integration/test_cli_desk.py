"""The editors' daily work by command, from the queue to the final issue, against a real gateway."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from services.cli import helptext
from services.cli.app import app
from services.cli.failures import Exit
from tests.integration.gateway_service import gateway_service
from tests.integration.hub_room import good, reported, state_of
from tests.integration.test_cli_issues import Office
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI
from tests.world import World

LONG = "【样例】" + "全市秋粮收购进展顺利，" * 20


@pytest_asyncio.fixture
async def office(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    async with gateway_service(tmp_path, world, (PROVINCE, SUZHOU, KUNSHAN), amqp_url, database_url) as gateway:
        yield Office(gateway, tmp_path)


async def shown(office: Office, *words: Any) -> str:
    """Return what people see of a command."""
    url = f"http://127.0.0.1:{office.gateway.port}"
    line = [*map(str, words), "--password-file", str(office.password), "--gateway", url]
    result = await asyncio.to_thread(CliRunner().invoke, app, line, prog_name="yizhan")
    assert result.exit_code == Exit.GOOD, result.stderr
    text = str(result.stdout)
    assert max(map(helptext.columns, text.splitlines())) <= 120, text
    return text


async def test_every_filter_of_the_queue(office: Office) -> None:
    county = str(await reported(office.gateway, origin=KUNSHAN, title="【样例】秋粮收购进度", body=LONG))
    urgent = str(await reported(office.gateway, origin=SUZHOU, urgency="urgent", category="emergency", body=LONG))
    research = str(await reported(office.gateway, origin=REFORM, research=True, category="problem"))
    await office.run("intake", "assign", PROVINCE, urgent, "editor")
    for words, wanted in (
        ((), [research, urgent, county]),
        (("--state", "pending", "--unit", SUZHOU), [urgent, county]),
        (("--state", "adopted"), []),
        (("--category", "emergency"), [urgent]),
        (("--urgency", "routine"), [research, county]),
        (("--research",), [research]),
        (("--no-research", "--limit", 1), [urgent]),
        (("--direct",), [county]),
        (("--not-direct",), [research, urgent]),
        (("--assigned", "editor"), [urgent]),
        (("--unassigned",), [research, county]),
        (("--before", urgent), [county]),
        (("--similar", county, "--category", "emergency"), [urgent]),
    ):
        assert [one["id"] for one in await office.run("intake", PROVINCE, *words)] == wanted, words
        assert [one["id"] for one in await office.run("intake", "list", PROVINCE, *words)] == wanted, words
    table = await shown(office, "intake", PROVINCE, "--similar", county)
    for part in (urgent, "急件 / urgent", "待采编 / pending", "相似 / alike", "苏州市"):
        assert part in table.replace("\n", "") if part == "苏州市" else part in table, (part, table)


async def test_a_report_is_looked_after(office: Office, tmp_path: Path) -> None:
    report = await reported(office.gateway, title="【样例】原题", body=LONG)
    await office.run("intake", "assign", PROVINCE, report, "editor")
    said = await office.run("intake", "opinion", PROVINCE, report, "【样例】宜早用")
    assert said["person"] == "editor"
    text = tmp_path / "text.txt"
    await shown(office, "intake", "show", PROVINCE, report, "--out", text)
    text.write_text(text.read_text(encoding="utf-8").replace("原题", "改题"), encoding="utf-8")
    assert await office.run("intake", "edit", PROVINCE, report, text, "--after", 0) == {"version": 1}
    text.write_text("【样例】又改\r\n\r\n　　第一段\r\n第二段\r\n", encoding="utf-8", newline="")
    assert "intake.text_changed" in await office.run("intake", "edit", PROVINCE, report, text, "--after", 0, code=1)
    page = await shown(office, "intake", "edit", PROVINCE, report, text)
    assert "【样例】改题" in page  # what is replaced was shown
    found = await office.run("intake", "show", PROVINCE, report)
    assert found["text"] == {"title": "【样例】又改", "body": "　　第一段\n第二段"}
    assert (found["content"]["title"], found["content"]["body"]) == ("【样例】原题", LONG)
    page = await shown(office, "intake", "show", PROVINCE, report)
    for part in ("第二段", "【样例】改题", "【样例】宜早用", "责任编辑 / editor in charge", "(--after)"):
        assert part in page
    assert LONG[:20] not in page
    assert LONG[:20] in await shown(office, "intake", "show", PROVINCE, report, "--original")
    assert (await office.run("intake", "assign", PROVINCE, report))["assigned"] is None
    assert (await office.run("intake", "show", PROVINCE, report))["report"]["assigned"] is None


async def test_a_publication_changes_only_where_it_is_told_to(office: Office) -> None:
    series = ("issue", "series", PROVINCE, "daily")
    assert "series.unknown" in await office.run(*series, code=Exit.NOT_SO)
    assert "series.no_name" in await office.run(*series, "--up", SUZHOU, code=Exit.USAGE)
    assert await office.run("issue", "series", PROVINCE) == []
    (made,) = await office.run(*series, "--name", "【样例】要情", "--down", SUZHOU, "--down", KUNSHAN, "--first", 7)
    assert made["organ"] == "江苏省人民政府办公厅"
    assert (made["first_number"], made["first_total"], made["readers"]["down"]) == (7, 1, [SUZHOU, KUNSHAN])
    assert await office.run(*series) == await office.run("issue", "series", PROVINCE) == [made]
    (renamed,) = await office.run(*series, "--name", "【样例】每日要情")
    assert renamed == made | {"name": "【样例】每日要情"}
    (read,) = await office.run(*series, "--across", WUXI, "--down", "")
    assert read == renamed | {"readers": {"up": [], "down": [], "across": [WUXI]}}
    assert "【样例】每日要情" in await shown(office, *series)
    assert await office.run(*series, "--remove") == [{"removed": "daily"}]
    assert await office.run("issue", "series", PROVINCE) == []


async def test_an_issue_is_put_in_order_and_shown_whole(office: Office) -> None:
    named = ("--name", "【样例】要情", "--organ", "【样例】处", "--down", SUZHOU)
    await office.run("issue", "series", PROVINCE, "daily", *named)
    reports = [await reported(office.gateway, title=f"【样例】第{n}件", body=f"{n}{LONG}") for n in range(3)]
    for report in reports:
        issue = (await office.run("adopt", PROVINCE, report, "--series", "daily"))["issue"]
    done = await office.run("issue", "order", PROVINCE, issue, 3, 1, 2)
    assert [item["n"] for item in done["items"]] == [3, 1, 2]
    for wrong in ((1, 2), (1, 2, 3, 4)):
        line = await office.run("issue", "order", PROVINCE, issue, *wrong, code=Exit.NOT_SO)
        assert "[issue.order]" in line
        assert "3 1 2" in line
    assert "3 1 2" in await office.run("issue", "drop", PROVINCE, issue, 9, code=Exit.NOT_SO)
    await shown(office, "issue", "list", PROVINCE)
    page = await shown(office, "issue", "show", PROVINCE, issue)
    for part in ("发 / down", "苏州市", "【样例】第2件", "2【样例】全市秋粮", str(reports[0])):
        assert part in page
    page = await shown(office, "issue", "final", PROVINCE, issue)  # all that goes out comes first
    assert page.index("发 / down") < page.index("2【样例】全市秋粮") < page.index("采编结果 / decision")
    assert await state_of(office.gateway, reports[0]) == "adopted"
    assert (await good(office.gateway.call(PROVINCE, "lead", "GET", f"/issues/{issue}")))["final"]
