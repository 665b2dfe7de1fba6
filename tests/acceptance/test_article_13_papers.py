"""Arts. 1, 13, 15: rules and bulletins with a lead's name under them, questions and appeals, by the command line throughout."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from click.testing import Result
from typer.testing import CliRunner

from proto.messages import BulletinContent, BulletinLine, BulletinType, UnitClass
from services.cli.app import app
from services.cli.failures import Exit
from services.kit.calendar import CHINA, month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import inbox, read_as, report
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually

RULES = Path(__file__).parents[2] / "deploy" / "sample" / "rules" / "default.toml"


def invoke(network: Network, *words: Any) -> Result:
    """Run a command with the demo password, for its JSON."""
    password = ("--password-file", network.place.demo_password, "--gateway", network.place.url("gateway"), "--json")
    return CliRunner().invoke(app, [*map(str, (*words, *password))], prog_name="yizhan")


async def run(network: Network, *words: Any, code: int = 0) -> Any:
    """Run a command with the demo password; return its JSON, or what it said where it must fail."""
    result = await asyncio.to_thread(invoke, network, *words)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else result.output


async def accepted(network: Network, hub: str, paper: str) -> dict[str, Any]:
    """Wait until the network has accepted a paper and return it."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await run(network, "paper", "show", hub, paper)
        outcomes = {one["outcome"] for one in found["receipts"]}
        assert "refused" not in outcomes, found["receipts"]
        return found if "accepted" in outcomes else None

    shown: dict[str, Any] = await eventually(look, "an accepted paper")
    return shown


async def test_rules_are_checked_approved_and_reach_every_unit(network: Network, tmp_path: Path) -> None:
    text = RULES.read_text(encoding="utf-8").replace('version = "2026-1"', 'version = "2998-1"')
    text = text.replace("effective_from = 2026-01-01", "effective_from = 2998-01-01")
    right, wrong = tmp_path / "right.toml", tmp_path / "wrong.toml"
    right.write_text(text, encoding="utf-8")
    wrong.write_text(f"no_such_key = 1\n{text}", encoding="utf-8")
    password = ("--approve-password-file", network.place.demo_password)
    said = await run(network, "rules", "publish", SUZHOU, wrong, *password, code=1)
    assert "rules.invalid" in said
    assert "no_such_key" in said
    done = [await run(network, "rules", "publish", SUZHOU, right, *password) for _ in range(2)]
    assert done[0]["message"] == done[1]["message"]
    await accepted(network, SUZHOU, done[0]["id"])
    for unit in (KUNSHAN, ZHANGJIAGANG):
        received = await inbox(network, unit, UUID(done[0]["message"]))
        assert received["message"]["content"] == text


async def test_what_the_score_would_ignore_is_not_approved(network: Network, tmp_path: Path) -> None:
    """The lead is told why, the paper stays a draft, and what was put right is approved under the same paper."""
    text = RULES.read_text(encoding="utf-8")
    used = text.replace('version = "2026-1"', 'version = "2026-7"').replace("= 2026-01-01", "= 2026-02-01")
    file = tmp_path / "used.toml"
    file.write_text(used, encoding="utf-8")
    drafted = await run(network, "paper", "add", SUZHOU, "rules", file)
    said = await run(network, "paper", "approve", SUZHOU, drafted["id"], code=1)
    assert "rules.used" in said
    assert "生效日期早于" in said
    assert (await run(network, "paper", "show", SUZHOU, drafted["id"]))["state"] == "draft"
    file.write_text(used.replace("= 2026-02-01", "= 2995-02-01").replace("2026-7", "2995-7"), encoding="utf-8")
    await run(network, "paper", "change", SUZHOU, drafted["id"], file)
    await run(network, "paper", "approve", SUZHOU, drafted["id"])
    await accepted(network, SUZHOU, drafted["id"])


async def test_while_the_score_is_away_a_paper_waits(network: Network, tmp_path: Path) -> None:
    """Nothing is approved that nobody could check; the draft is there when the score is back."""
    text = RULES.read_text(encoding="utf-8").replace('version = "2026-1"', 'version = "2994-1"')
    file = tmp_path / "later.toml"
    file.write_text(text.replace("effective_from = 2026-01-01", "effective_from = 2994-01-01"), encoding="utf-8")
    drafted = await run(network, "paper", "add", WUXI, "rules", file)
    since = len(network.events)
    await network.kill("scoring")
    said = await run(network, "paper", "approve", WUXI, drafted["id"], code=Exit.UNREACHABLE)
    assert "scoring.unreachable" in said
    await network.ready_again("scoring", since)

    async def approved() -> bool:
        words = ("paper", "approve", WUXI, drafted["id"])
        return (await asyncio.to_thread(invoke, network, *words)).exit_code == Exit.GOOD

    await eventually(approved, "approval when the score knows the directory again")
    await accepted(network, WUXI, drafted["id"])


async def test_a_bulletin_reaches_every_unit_and_can_be_printed(network: Network, tmp_path: Path) -> None:
    month = utc_now().astimezone(CHINA).replace(day=1) - timedelta(days=1)
    line = BulletinLine(
        unit=SUZHOU, unit_class=UnitClass.CITY, adopted=1, points=Decimal(3), corrections=Decimal(0),
        year_points=Decimal(3),
    )  # fmt: skip
    content = BulletinContent(
        type=BulletinType.MONTHLY, period=f"{month:%Y-%m}", lines=(line,), rules=("2026-1",), text="【样例】现予通报。"
    )
    file = tmp_path / "bulletin.json"
    file.write_bytes(msgspec.json.encode(content))
    drafted = await run(network, "paper", "add", PROVINCE, "bulletin", file)
    approved = await run(network, "paper", "approve", PROVINCE, drafted["id"])
    assert (approved["state"], approved["approver"]) == ("approved", "lead")
    await accepted(network, PROVINCE, drafted["id"])
    received = await inbox(network, SUZHOU, UUID(approved["message"]))
    assert msgspec.json.decode(received["message"]["content"], type=BulletinContent) == content
    assert "paper.approved" in await run(network, "paper", "approve", PROVINCE, drafted["id"], code=1)
    assert "paper.issued" in await run(network, "paper", "add", PROVINCE, "bulletin", file, code=1)
    assert drafted["id"] in {one["id"] for one in await run(network, "paper", "list", PROVINCE, "--kind", "bulletin")}
    page = tmp_path / "bulletin.html"
    shown = ("paper", "show", PROVINCE, drafted["id"], "--document", page)
    words = [*shown, "--password-file", network.place.demo_password, "--gateway", network.place.url("gateway")]
    result = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, words)], prog_name="yizhan")
    assert result.exit_code == 0, result.output
    assert "江苏省人民政府办公厅" in page.read_text(encoding="utf-8")


async def test_a_doubtful_fact_is_asked_about_and_answered(network: Network) -> None:
    message = await report(network, ZHANGJIAGANG, SUZHOU)
    deadline = utc_now() + timedelta(hours=2)
    asked = await run(
        network,
        "query",
        SUZHOU,
        message,
        "【样例】同比口径是否一致",
        "--deadline",
        deadline.isoformat(),
        "--person",
        "editor",
    )
    question = await inbox(network, ZHANGJIAGANG, UUID(asked["message"]))
    assert (question["kind"], question["about"]) == ("solicitation", str(message))
    given = await run(network, "answer", ZHANGJIAGANG, asked["message"], "【样例】口径一致", "--person", "officer")
    await inbox(network, SUZHOU, UUID(given["message"]))
    (listed,) = await run(network, "query", SUZHOU, message, "--person", "editor")
    assert [one["text"] for one in listed["answers"]] == ["【样例】口径一致"]
    assert [one["id"] for one in (await network.item(ZHANGJIAGANG, message))["queries"]] == [asked["message"]]


async def test_an_appeal_is_answered_with_a_reason(network: Network) -> None:
    month = month_of(utc_now())
    made = await run(network, "appeal", ZHANGJIAGANG, "【样例】漏计一条", "--month", month)
    await inbox(network, SUZHOU, UUID(made["message"]))
    waiting = await run(network, "appeal", SUZHOU, "--open")
    assert made["message"] in {one["id"] for one in waiting}
    answer = await run(network, "adjust", SUZHOU, "【样例】该条未刊用", "--appeal", made["message"])
    await inbox(network, ZHANGJIAGANG, UUID(answer["message"]))
    (own,) = [one for one in await run(network, "appeal", ZHANGJIAGANG, "--made") if one["id"] == made["message"]]
    assert (own["answer"], own["reason"]) == (answer["message"], "【样例】该条未刊用")


async def test_forwarded_and_selected_from_the_command_line(network: Network) -> None:
    message = await report(network, ZHANGJIAGANG, SUZHOU)
    signs = ("--sign-as", "lead", "--sign-password-file", network.place.demo_password)
    sent = await run(network, "forward", SUZHOU, message, *signs)
    assert (sent["state"], [one["report"] for one in sent["forwards"]]) == ("sent", [str(message)])
    await inbox(network, PROVINCE, UUID(sent["message"]))
    selection = await run(network, "select", PROVINCE, sent["message"])
    outcome = ("--outcome", selection["message"], "--series", "国办专报", "--issue", "3")
    told = await run(network, "select", PROVINCE, *outcome)
    verdicts = await eventually(
        lambda: _verdicts(network, UUID(sent["message"])), "the national outcome", wanted=lambda found: len(found) == 2
    )
    assert [(one["verdict"], one["level"], one["series"]) for one in verdicts] == [
        ("selected", "national", ""), ("adopted", "national", "国办专报"),
    ]  # fmt: skip
    assert verdicts[1]["decision"] == told["message"]
    assert await read_as(network, PROVINCE, f"/api/v1/trail/{sent['message']}")


async def _verdicts(network: Network, message: UUID) -> list[dict[str, Any]]:
    return list((await network.item(SUZHOU, message))["verdicts"])
