"""``yizhan rules``, ``paper``, ``appeal`` and ``adjust`` at a hub's desk: what goes wrong once can be put right."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from proto.messages import Adjustment, BulletinType
from services.cli.app import app
from services.cli.failures import Exit
from services.kit.calendar import month_of
from tests.integration.gateway_service import PASSWORD, Gateway, gateway_service
from tests.integration.hub_room import bring, said
from tests.integration.test_gateway_papers import bulletin, designation, draft, last_month
from tests.places import KUNSHAN, PROVINCE, SUZHOU
from tests.world import World

RULES = Path(__file__).parents[2] / "deploy" / "sample" / "rules" / "default.toml"


class Office:
    """The province's office at its command line."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.folder = folder
        self.password = folder / "password"
        self.password.write_text(PASSWORD)

    async def run(self, *words: Any, code: int = Exit.GOOD) -> Result:
        """Run a command on another thread, with a loop of its own."""
        url = f"http://127.0.0.1:{self.gateway.port}"
        line = [*map(str, words), "--password-file", str(self.password), "--gateway", url]
        result = await asyncio.to_thread(CliRunner().invoke, app, line, prog_name="yizhan")
        assert result.exit_code == code, result.output
        return result

    async def publish(self, *words: Any, code: int = Exit.GOOD) -> Result:
        """Publish the default rules."""
        return await self.run(
            "rules", "publish", PROVINCE, RULES, "--approve-password-file", self.password, *words, code=code
        )

    async def papers(self) -> list[dict[str, Any]]:
        return list((await self.gateway.call(PROVINCE, "lead", "GET", "/papers")).body)


@pytest_asyncio.fixture
async def office(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    async with gateway_service(tmp_path, world, (PROVINCE, KUNSHAN), amqp_url, database_url) as gateway:
        yield Office(gateway, tmp_path)


async def test_rules_that_their_approver_would_write_leave_no_draft(office: Office) -> None:
    refused = await office.publish("--person", "lead", code=Exit.USAGE)
    assert "[paper.own] lead" in refused.stderr
    assert await office.papers() == []
    done = await office.publish("--json")
    again = await office.publish("--json")
    assert json.loads(again.stdout)["message"] == json.loads(done.stdout)["message"]
    assert ("已发布，未再发送" in done.stderr, "已发布，未再发送" in again.stderr) == (False, True)


async def test_a_draft_by_the_approver_is_named_and_can_be_put_right(office: Office) -> None:
    await office.publish(
        "--person", "lead", "--approve-as", "head", "--approve-password-file", "/dev/null", code=Exit.USAGE
    )
    await office.run("paper", "add", PROVINCE, "rules", RULES, "--person", "lead")
    assert len(await office.papers()) == 1
    (office.folder / "wrong").write_text("x" * 12)
    left = ("--person", "lead", "--approve-as", "head", "--approve-password-file", office.folder / "wrong")
    await office.publish(*left, code=Exit.NOT_SO)  # the draft is made, and stays the lead's
    mine = max(await office.papers(), key=lambda one: one["created_at"])["id"]
    refused = await office.publish(code=Exit.NOT_SO)
    assert "[paper.own]" in refused.stderr
    hint = f"yizhan paper drop {PROVINCE} {mine}"
    assert hint in refused.stderr
    dropped = await office.run(*hint.split()[1:])
    assert mine in dropped.stderr
    assert json.loads((await office.publish("--json")).stdout)["state"] == "approved"


async def test_nobody_is_shown_a_paper_of_their_own_to_approve(office: Office) -> None:
    file = office.folder / "bulletin.json"
    file.write_bytes(msgspec.json.encode(bulletin(last_month(office.gateway))))
    added = await office.run("paper", "add", PROVINCE, "bulletin", file, "--person", "lead", "--json")
    paper = json.loads(added.stdout)["id"]
    refused = await office.run("paper", "approve", PROVINCE, paper, code=Exit.NOT_SO)
    assert (refused.stdout, f"yizhan paper drop {PROVINCE} {paper}" in refused.stderr) == ("", True)


async def test_what_is_to_be_approved_is_shown_in_words(office: Office) -> None:
    content = bulletin(last_month(office.gateway))
    paper = (await draft(office.gateway, "bulletin", content)).body["id"]
    shown = await office.run("paper", "show", PROVINCE, paper)
    approved = await office.run("paper", "approve", PROVINCE, paper)
    for result in (shown, approved):
        assert "设区市 / city" in result.stdout
        assert '"year_points"' not in result.stdout
    paper = (await draft(office.gateway, "designation", designation())).body["id"]
    shown = await office.run("paper", "show", PROVINCE, paper)
    assert "预警 / warn" in shown.stdout
    assert "effective_from" not in shown.stdout


async def test_wrong_drafts_say_what_is_wrong(office: Office) -> None:
    nobody = bulletin("2026", type=BulletinType.COMMENDATION, lines=())
    for kind, content, part in (
        ("designation", {"unit": KUNSHAN}, "content: Object missing required field `standing`"),
        ("bulletin", msgspec.to_builtins(nobody) | {"period": "2025"}, "[bulletin.nobody]"),
    ):
        file = office.folder / "draft.json"
        file.write_bytes(msgspec.json.encode(content))
        assert part in (await office.run("paper", "add", PROVINCE, kind, file, code=Exit.NOT_SO)).stderr


async def test_an_answer_takes_unit_and_month_from_the_appeal(office: Office) -> None:
    month = month_of(office.gateway.clock())
    await office.run("appeal", KUNSHAN, "【样例】漏计一条", "--month", month, "--hub", PROVINCE)
    (appeal,) = await said(office.gateway, KUNSHAN, "appeal")
    await bring(office.gateway, PROVINCE, appeal)
    await office.run("adjust", PROVINCE, "【样例】经核", "--appeal", appeal.id, "--points", "1.50")
    (answer,) = await said(office.gateway, PROVINCE, "adjustment")
    assert isinstance(answer, Adjustment)
    assert [(line.unit, line.month, line.rule, str(line.points)) for line in answer.lines] == [
        (KUNSHAN, month, "appeal", "1.50")
    ]
    await bring(office.gateway, KUNSHAN, answer)
    listed = await office.run("appeal", KUNSHAN, "--made")
    assert "给分 / points" in listed.stdout
    assert "1.5 " in listed.stdout
    unknown = await office.run(
        "adjust", PROVINCE, "【样例】经核", "--appeal", answer.id, "--points", "1", code=Exit.NOT_SO
    )
    assert "[appeal.unknown]" in unknown.stderr
    assert SUZHOU not in listed.stdout
