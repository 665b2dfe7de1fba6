"""``yizhan adopt``, ``issue``, ``appeal`` and ``adjust`` against a real gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.failures import Exit
from services.kit.calendar import month_of
from tests.integration.gateway_service import PASSWORD, Gateway, gateway_service
from tests.integration.hub_room import bring, good, reported, said, state_of
from tests.places import KUNSHAN, PROVINCE, SUZHOU
from tests.world import World


class Office:
    """The province's office at its command line."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.password = folder / "password"
        self.password.write_text(PASSWORD)

    async def run(self, *words: Any, code: int = Exit.GOOD) -> Any:
        """Run a command on another thread, with a loop of its own; return its JSON, or the line on stderr."""
        url = f"http://127.0.0.1:{self.gateway.port}"
        line = [*map(str, words), "--password-file", str(self.password), "--gateway", url]
        if "document" not in line:
            line.append("--json")
        result = await asyncio.to_thread(CliRunner().invoke, app, line, prog_name="yizhan")
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout) if result.stdout else result.stderr


@pytest_asyncio.fixture
async def office(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    async with gateway_service(tmp_path, world, (PROVINCE, KUNSHAN), amqp_url, database_url) as gateway:
        office = Office(gateway, tmp_path)
        await office.run(
            "issue", "series", PROVINCE, "daily", "--name", "【样例】要情", "--organ", "【样例】处", "--down", SUZHOU
        )
        yield office


async def test_from_open_to_final(office: Office, tmp_path: Path) -> None:
    one, two, three = [await reported(office.gateway) for _ in range(3)]
    issue = await office.run("issue", "open", PROVINCE, "daily", "--issue", 7)
    assert (issue["number"], issue["count"]) == (7, 0)
    await office.run("issue", "add", PROVINCE, issue["id"], one)
    filled = await office.run(
        "issue", "add", PROVINCE, issue["id"], two, three, "--share", "0.3", "--share", "0.7", "--title", "【样例】综合"
    )
    assert [(i["verdict"], i["title"]) for i in filled["items"]][1] == ("merged", "【样例】综合")
    left = await office.run("issue", "drop", PROVINCE, issue["id"], 1)
    assert [item["n"] for item in left["items"]] == [2]
    shown = await office.run("issue", "show", PROVINCE, issue["id"])
    assert shown == left
    seen = ("issue", "final", PROVINCE, issue["id"], "--digest")
    assert "issue.changed" in await office.run(*seen, filled["digest"], code=Exit.NOT_SO)
    done = await office.run(*seen, shown["digest"])
    assert done["final"]
    assert [await state_of(office.gateway, each) for each in (one, two, three)] == ["pending", "merged", "merged"]
    (listed,) = await office.run("issue", "list", PROVINCE, "--final")
    assert listed["id"] == issue["id"]
    await office.run("issue", "document", PROVINCE, issue["id"], tmp_path / "issue.html")
    assert "【样例】综合" in (tmp_path / "issue.html").read_text(encoding="utf-8")


async def test_adopting_takes_the_draft_or_opens_the_next(office: Office) -> None:
    one, two, three = [await reported(office.gateway) for _ in range(3)]
    first = await office.run("adopt", PROVINCE, one, "--series", "daily")
    second = await office.run("adopt", PROVINCE, two, "--series", "daily")
    assert (first["issue"], first["item"], second["item"], second["decision"]) == (second["issue"], 1, 2, None)
    final = ("--series", "daily", "--final", "--lead-password-file", office.password)
    line = await office.run("adopt", PROVINCE, three, *final, code=Exit.NOT_SO)
    assert "adopt.issue_holds_more" in line
    assert f"yizhan issue final {PROVINCE} {first['issue']}" in line
    assert await state_of(office.gateway, three) == "pending"
    assert "issue.number_not_next" in await office.run("adopt", PROVINCE, three, *final, "--issue", 3, code=Exit.NOT_SO)
    other = await office.run("adopt", PROVINCE, three, *final, "--issue", 2)
    assert other["number"].endswith("-002")
    (decision,) = await said(office.gateway, PROVINCE, "decision")
    assert other["decision"] == str(decision.id)
    reversed_ = await office.run("adopt", PROVINCE, "--reverse", decision.id, "--reason", "有误")
    assert reversed_ == {
        "verdict": "reversed",
        "decision": str((await said(office.gateway, PROVINCE, "decision"))[1].id),
    }
    assert await state_of(office.gateway, three) == "pending"


async def test_what_is_refused_leaves_no_issue_behind(office: Office) -> None:
    report = await reported(office.gateway)
    await office.run("adopt", PROVINCE, report, "--decline", "--reason", "重复")
    line = await office.run("adopt", PROVINCE, report, "--series", "daily", code=Exit.NOT_SO)
    assert "decision.already_decided" in line
    assert await office.run("issue", "list", PROVINCE) == []
    line = await office.run("adopt", PROVINCE, report, "--series", "none", code=Exit.NOT_SO)
    assert "series.unknown" in line
    assert "daily" in line
    empty = await office.run("issue", "open", PROVINCE, "daily")
    assert await office.run("issue", "drop", PROVINCE, empty["id"]) == {"dropped": empty["id"]}
    assert await good(office.gateway.call(PROVINCE, "editor", "GET", "/issues")) == []


async def test_an_appeal_is_answered_and_the_answer_taken_back(office: Office) -> None:
    month = month_of(office.gateway.clock())
    made = await office.run("appeal", KUNSHAN, "【样例】漏计一条", "--month", month, "--hub", PROVINCE)
    (appeal,) = await said(office.gateway, KUNSHAN, "appeal")
    assert made["message"] == str(appeal.id)
    await bring(office.gateway, PROVINCE, appeal)
    granted = ("--unit", KUNSHAN, "--month", month, "--points", "1.5")
    answer = await office.run("adjust", PROVINCE, "【样例】经核", "--appeal", appeal.id, *granted)
    assert await office.run("appeal", PROVINCE, "--open", "--person", "editor") == []
    line = await office.run("adjust", PROVINCE, " ", "--reverse", answer["message"], code=Exit.NOT_SO)
    assert "adjustment.no_reason" in line
    await office.run("adjust", PROVINCE, "【样例】有误", "--reverse", answer["message"])
    (reversal,) = await said(office.gateway, PROVINCE, "decision")
    assert str(reversal.about) == answer["message"]
    (waiting,) = await office.run("appeal", PROVINCE, "--open", "--person", "editor")
    assert (waiting["id"], waiting["answer"]) == (str(appeal.id), None)
