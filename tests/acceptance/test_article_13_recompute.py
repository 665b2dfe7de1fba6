"""Art. 13: whoever doubts a point follows the ledger anew, from the archive's messages or from those that they hold."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from msgspec import Struct
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.network.config import DATABASE
from services.kit.calendar import CHINA, month_of
from services.kit.ids import utc_now
from tests.acceptance.acts import Adopted, adopt, decide, inbox, ledger, read_as, report
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG
from tests.waiting import eventually

MONTH = month_of(utc_now())

INVENTED = """INSERT INTO entry (id, points, event, report, unit, hub, level, month, at, series, issue, kind, share, items, rule_version, rule)
SELECT $2, 50, event, report, unit, hub, level, month, at, series, issue, kind, share, items, rule_version, rule FROM entry WHERE id = $1"""


class Month(Struct, frozen=True):
    """A month in which something was adopted, merged, declined and taken back."""

    network: Network
    plain: Adopted  # Kunshan's, at its city
    entry: dict[str, Any]  # that stands for it


@pytest_asyncio.fixture(scope="module")
async def month() -> AsyncIterator[Month]:
    """A network of its own, since its ledger is tampered with."""
    network = await Network.start((PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG, REFORM))
    try:
        first = await report(network, KUNSHAN, SUZHOU, PROVINCE)
        plain = await adopt(network, SUZHOU, first)
        (entry,) = await ledger(network, plain.decision, 1)
        above = await adopt(network, PROVINCE, first, series="special")
        two = [await report(network, unit, PROVINCE) for unit in (REFORM, KUNSHAN)]
        merged = await adopt(network, PROVINCE, *two, shares=("0.6", "0.4"), series="research")
        taken = await adopt(network, SUZHOU, await report(network, ZHANGJIAGANG, SUZHOU))
        reversal = await decide(network, SUZHOU, "reversed", reverses=taken.decision, reason="【样例】数字有误")
        declined = await decide(
            network, SUZHOU, "declined", await report(network, KUNSHAN, SUZHOU), reason="【样例】已有报道"
        )
        for decision, count in ((above.decision, 1), (merged.decision, 2), (taken.decision, 1), (reversal, 1)):
            await ledger(network, decision, count)
        for hub, unit, decision in (
            (SUZHOU, KUNSHAN, plain.decision), (PROVINCE, KUNSHAN, above.decision), (PROVINCE, KUNSHAN, merged.decision),
            (SUZHOU, ZHANGJIAGANG, reversal), (SUZHOU, KUNSHAN, declined),
        ):  # fmt: skip
            await inbox(network, unit, decision)
            await eventually(lambda h=hub, d=decision: read_as(network, h, f"/api/v1/messages/{d}"), "in the archive")
        yield Month(network, plain, entry)
    finally:
        await network.stop()


async def score(network: Network, *words: Any, code: int = 0, token: str = "") -> Any:
    """Run ``yizhan score`` and return its JSON, which it gives where ledgers differ too."""
    return json.loads((await run(network, "score", *words, code=code, token=token)).stdout)


async def run(network: Network, *words: Any, code: int = 0, token: str = "") -> Any:
    """Run a command on the network's machine."""
    env = {
        "YIZHAN_VAR": str(network.place.var),
        "YIZHAN_PORT_BASE": str(network.place.ports.base),
        "YIZHAN_TOKEN": token,
    }
    result = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, words), "--json"], prog_name="yizhan", env=env)
    assert result.exit_code == code, result.output
    return result


def own(network: Network, unit: str, person: str = "officer") -> tuple[Any, ...]:
    return ("--node", unit, "--person", person, "--password-file", network.place.demo_password)


@asynccontextmanager
async def tampered(network: Network, statement: str, *values: Any) -> AsyncIterator[None]:
    """Change the ledger as only the database's owner can, its triggers switched off; put it back afterwards."""
    connection = await asyncpg.connect(
        network.postgres.url, database=DATABASE, server_settings={"search_path": "scoring"}
    )
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("CREATE TABLE kept AS SELECT * FROM entry")
        await connection.execute(statement, *values)
        yield
        await connection.execute("DELETE FROM entry")
        await connection.execute("INSERT INTO entry OVERRIDING SYSTEM VALUE SELECT * FROM kept")
        await connection.execute("DROP TABLE kept")
    finally:
        await connection.close()


async def test_the_archive_gives_the_same_ledger_entry_by_entry(month: Month) -> None:
    for hub, entries in ((SUZHOU, 3), (PROVINCE, 3)):
        for which in (("--month", MONTH), ()):
            found = await score(month.network, "recompute", "--hub", hub, *which)
            assert (found["equal"], found["entries"], found["differences"]) == (True, entries, [])
            assert found["messages"] > entries
            assert found["ignored"] == {}
    assert (await score(month.network, "recompute", "--hub", SUZHOU, "--month", "2026-01"))["entries"] == 0


async def test_a_unit_does_it_with_what_it_holds(month: Month) -> None:
    """At both of its hubs, as the operator's guest and with a token of its own; and each hub its own ledger."""
    for token in ("", month.network.tokens[KUNSHAN]):
        found = await score(month.network, "recompute", *own(month.network, KUNSHAN), token=token)
        assert (found["equal"], found["unit"], found["entries"]) == (True, KUNSHAN, 3)
    one = await score(month.network, "recompute", "--hub", SUZHOU, *own(month.network, KUNSHAN))
    assert (one["equal"], one["entries"]) == (True, 1)
    hub = await score(month.network, "recompute", "--hub", PROVINCE, *own(month.network, PROVINCE, "editor"))
    assert (hub["equal"], hub["entries"]) == (True, 3)


async def test_exported_messages_are_enough(month: Month, tmp_path: Path) -> None:
    file = tmp_path / "held.jsonl"
    read = await score(month.network, "recompute", "--hub", SUZHOU, "--keep", file)
    assert len(file.read_bytes().splitlines()) == read["messages"]
    assert (await score(month.network, "recompute", "--hub", SUZHOU, "--from", file))["equal"]
    without = [line for line in file.read_bytes().splitlines() if b"decision" not in line]
    file.write_bytes(b"\n".join(without))
    found = await score(month.network, "recompute", "--hub", SUZHOU, "--from", file, code=1)
    assert [(each["what"], each["held"]) for each in found["differences"]] == [("unfounded", False)] * 3
    assert "所据报文不在其中" in found["differences"][0]["zh"]
    file.write_bytes(b"\n".join([*without, b"{}"]))
    said = (await run(month.network, "score", "recompute", "--hub", SUZHOU, "--from", file, code=1)).stderr
    assert f"held.jsonl:{len(without) + 1}" in said


async def test_a_changed_a_removed_and_an_invented_entry_are_named(month: Month) -> None:
    entry, invented = month.entry["id"], "00000000-0000-5000-8000-00000000000f"
    for what, statement, values, fields in (
        ("otherwise", "UPDATE entry SET points = 300 WHERE id = $1", (entry,), ["points"]),
        ("missing", "DELETE FROM entry WHERE id = $1", (entry,), []),
        ("unfounded", INVENTED, (entry, invented), []),
    ):
        async with tampered(month.network, statement, *values):
            for how in (("--month", MONTH), own(month.network, KUNSHAN)):
                found = await score(month.network, "recompute", "--hub", SUZHOU, *how, code=1)
                (one,) = found["differences"]
                assert (one["id"], one["what"], one["held"], one["fields"]) == (values[-1], what, True, fields)
                either = one["kept"] or one["recomputed"]
                assert (either["unit"], either["event"]) == (KUNSHAN, str(month.plain.decision))
                if fields:
                    assert "points 300 ≠ 2" in one["zh"]
            assert (await score(month.network, "recompute", "--hub", PROVINCE))["equal"]
    assert (await score(month.network, "recompute", "--hub", SUZHOU))["equal"]


async def test_an_entry_moved_to_another_month_or_unit_is_found_in_both(month: Month) -> None:
    entry = month.entry["id"]
    async with tampered(month.network, "UPDATE entry SET month = '2026-01' WHERE id = $1", entry):
        for which in (MONTH, "2026-01"):
            (one,) = (await score(month.network, "recompute", "--hub", SUZHOU, "--month", which, code=1))["differences"]
            assert one["fields"] == ["month"]
    async with tampered(month.network, "UPDATE entry SET unit = $2 WHERE id = $1", entry, ZHANGJIAGANG):
        for unit, what in ((KUNSHAN, "missing"), (ZHANGJIAGANG, "unfounded")):
            (one,) = (await score(month.network, "recompute", *own(month.network, unit), code=1))["differences"]
            assert (one["id"], one["what"]) == (entry, what)


async def test_each_point_is_explained_with_item_issue_and_rule(month: Month) -> None:
    found = await score(month.network, "explain", KUNSHAN, MONTH, "--hub", SUZHOU)
    (line,) = found["lines"]
    assert line["entry"]["id"] == month.entry["id"]
    assert (line["entry"]["issue"], line["points"]) == (month.plain.number, "2")
    assert "市级采用·每日要情" in line["zh"]
    back = await score(month.network, "explain", ZHANGJIAGANG, MONTH)
    assert [(each["why"], each["points"]) for each in back["lines"]] == [("reversed", "0")] * 2
    assert "已冲正，不计" in back["lines"][0]["zh"]
    table = await score(month.network, "month", SUZHOU)
    assert {each["unit"]: each["points"] for each in table["lines"]} == {KUNSHAN: "2", ZHANGJIAGANG: "0"}


async def test_the_draft_of_a_bulletin_is_shown_and_printed(month: Month, tmp_path: Path) -> None:
    page = tmp_path / "bulletin.html"
    found = await score(month.network, "bulletin", PROVINCE, MONTH, "--preview", "--document", page)
    assert found["forbidden"] == "bulletin.month_open"
    assert {line["unit"]: line["points"] for line in found["content"]["lines"]}[KUNSHAN] == "16"
    text = page.read_text(encoding="utf-8")
    assert "江苏省人民政府办公厅" in text
    assert "样例：秋粮收购进度" in text  # a title, from the archive


async def test_a_draft_is_saved_approved_and_stands(month: Month) -> None:
    network, password = month.network, ("--password-file", month.network.place.demo_password)
    last = f"{datetime.now(CHINA).replace(day=1) - timedelta(days=1):%Y-%m}"
    saved = [await score(network, "bulletin", PROVINCE, last, "--save", *password) for _ in range(2)]
    assert saved[0]["paper"] == saved[1]["paper"]  # the same draft again
    shown = json.loads((await run(network, "paper", "show", PROVINCE, saved[0]["paper"], *password)).stdout)
    assert (shown["state"], shown["subject"]) == ("draft", f"monthly/{last}")
    await run(network, "paper", "approve", PROVINCE, saved[0]["paper"], *password)

    async def refused() -> bool:
        with contextlib.suppress(AssertionError):
            return "bulletin.issued" in (await run(network, "score", "bulletin", PROVINCE, last, code=1)).stderr
        return False

    await eventually(refused, "a bulletin that stands")
