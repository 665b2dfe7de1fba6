"""The command line against a real gateway."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from proto import codec
from proto.addresses import REGISTRY_ADDRESS
from proto.envelope import digest_of
from proto.topology import DELIVER
from services.cli import broker
from services.cli.app import app
from services.cli.enrolment import write_public
from services.cli.failures import CliError, Exit
from services.cli.network.reset import require_empty
from services.gateway.app import serve
from services.gateway.secrets import HASHER
from services.gateway.settings import GatewaySettings
from services.gateway.store.accounts import Account
from services.kit.bus import open_session
from services.kit.crypto import MACHINE_COST, write_secret
from tests.conftest import free_ports
from tests.world import KUNSHAN, SUZHOU, World

PASSWORD = "correct horse"
REPORT = {"title": "标题（样例）", "body": "【样例】正文", "category": "experience", "sources": ["样例"]}
DEADLINE = 20.0  # seconds
PAUSE = 0.05
T = TypeVar("T")


async def _run(*words: str) -> Any:
    """Run a command as its own process would: on another thread, with a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), prog_name="yizhan")


class Town:
    """A gateway that hosts one county, and files for its command line."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.folder = folder
        self.password = folder / "password"
        self.accounts = folder / "accounts.json"

    def officer(self) -> tuple[str, ...]:
        return ("--node", KUNSHAN, "--person", "officer", "--password-file", str(self.password), "--gateway", self.url)


@pytest_asyncio.fixture
async def town(
    tmp_path: Path, amqp_url: str, database_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    monkeypatch.setenv("YIZHAN_AMQP_URL", amqp_url)
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    write_secret(tmp_path / "secrets" / "operator-token", b"operator-token")
    (tmp_path / "access.json").write_bytes(msgspec.json.encode({digest_of(b"operator-token"): ["*"]}))
    (tmp_path / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    (tmp_path / "pass").write_text("node")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / f"{KUNSHAN}.pem").write_bytes(world.node_keys[KUNSHAN].to_pem("node", MACHINE_COST))
    (tmp_path / "password").write_text(PASSWORD)
    accounts = [
        Account(
            node=KUNSHAN, person=person, password_hash=HASHER.hash(PASSWORD),
            key_pem=world.staff_keys[KUNSHAN, person].to_pem(PASSWORD, MACHINE_COST),
        )
        for person in ("officer", "lead", "head")
    ]  # fmt: skip
    (tmp_path / "accounts.json").write_bytes(msgspec.json.encode(accounts))
    async with open_session(amqp_url, "test") as session:
        for envelope in world.registry():
            kind = world.state.apply(envelope).kind()
            key = f"{REGISTRY_ADDRESS}.{kind}"
            await session.publish(DELIVER, key, envelope.packed(), message_id=str(uuid4()), kind=kind)
    (port,) = free_ports(1)
    settings = GatewaySettings(
        port=port, amqp_url=amqp_url, database_url=database_url, root_key_file=str(tmp_path / "root.json"),
        nodes=(KUNSHAN,), keys_dir=str(tmp_path / "keys"), key_passphrase_file=str(tmp_path / "pass"),
        access_file=str(tmp_path / "access.json"), log_level="error",
    )  # fmt: skip
    stop = asyncio.Event()
    gateway = asyncio.create_task(serve(settings, stop), name="gateway")
    place = Town(tmp_path, f"http://127.0.0.1:{port}")
    try:
        await _enrolled(place.url)
        done = await _run("node", "publish", str(place.accounts), "--via", place.url, "--json")
        assert json.loads(done.stdout) == {"published": ["accounts 3"]}, done.stderr
        yield place
    finally:
        stop.set()
        await gateway


async def _enrolled(url: str) -> None:
    headers = {"Authorization": "Bearer operator-token"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def enrolled() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{url}/api/v1/nodes") as answer:
                    return bool((await answer.json())[0]["enrolled"])
            return False

        await _until(enrolled)


async def _until(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again until the answer is true, where nobody tells of the change."""
    for _ in range(int(DEADLINE / PAUSE)):
        if found := await ask():
            return found
        await asyncio.sleep(PAUSE)
    raise TimeoutError


async def test_a_report_is_drafted_signed_and_sent(town: Town) -> None:
    path = town.folder / "report.json"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    drafted = await _run("submit", str(path), *town.officer(), "--json")
    assert drafted.exit_code == Exit.GOOD, drafted.stderr
    assert json.loads(drafted.stdout)["state"] == "in_review"
    sign = ("--sign-as", "lead", "--sign-password-file", str(town.password))
    sent = await _run("submit", str(path), *town.officer(), *sign, "--json")
    assert sent.exit_code == Exit.GOOD, sent.stderr
    answer = json.loads(sent.stdout)
    assert answer["state"] == "sent"
    assert answer["message"]


async def test_trying_again_with_the_same_id_goes_on_and_sends_once(town: Town) -> None:
    path = town.folder / "report.json"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    submit = ("submit", str(path), *town.officer(), "--json")
    begun = await _run(*submit)
    item = json.loads(begun.stdout)["item"]
    assert item in begun.stderr  # said before the steps, so that it is known whatever becomes of them
    again = await _run(*submit, "--id", item)
    assert (again.exit_code, json.loads(again.stdout)["state"]) == (Exit.GOOD, "in_review"), again.stderr
    sign = ("--sign-as", "lead", "--sign-password-file", str(town.password))
    sent = [await _run(*submit, "--id", item, *sign) for _ in range(2)]
    assert [(one.exit_code, json.loads(one.stdout)["state"]) for one in sent] == [(Exit.GOOD, "sent")] * 2
    assert len({json.loads(one.stdout)["message"] for one in sent}) == 1
    own = str(uuid4())
    new = await _run(*submit, "--id", own)
    assert (json.loads(new.stdout)["item"], new.stderr) == (own, "")


async def test_a_reset_refuses_servers_that_hold_a_network(amqp_url: str, database_url: str, town: Town) -> None:
    assert town.url  # the gateway has made its schema
    with pytest.raises(CliError) as refused:
        await require_empty(amqp_url="", database_url=database_url)
    assert (refused.value.code, refused.value.detail) == ("reset.database_not_empty", "gateway")
    with pytest.raises(CliError) as refused:
        await require_empty(amqp_url=amqp_url, database_url="")
    assert (refused.value.code, refused.value.detail) == ("reset.broker_not_empty", "yz.router, yz.registry")


async def test_an_important_report_needs_the_unit_leads_approval(town: Town) -> None:
    path = town.folder / "report.json"
    path.write_text(json.dumps(REPORT | {"importance": "important"}), encoding="utf-8")
    sign = ("--sign-as", "lead", "--sign-password-file", str(town.password))
    refused = await _run("submit", str(path), *town.officer(), *sign)
    assert refused.exit_code == Exit.NOT_SO
    assert "auth.role" in refused.stderr
    head = ("--approve-as", "head", "--approve-password-file", str(town.password))
    sent = await _run("submit", str(path), *town.officer(), *sign, *head)
    assert sent.exit_code == Exit.GOOD, sent.stderr
    assert "sent" in sent.stdout


async def test_classified_text_is_stopped_by_the_node(town: Town) -> None:
    path = town.folder / "report.json"
    path.write_text(json.dumps(REPORT | {"marking": "秘密"}), encoding="utf-8")
    result = await _run("submit", str(path), *town.officer(), "--json")
    assert (result.exit_code, result.stdout) == (Exit.NOT_SO, "")
    assert "涉密内容不得上网 / Classified content must not be sent [report.classified]" in result.stderr


async def test_an_import_tells_which_lines_were_refused(town: Town) -> None:
    path = town.folder / "drafts.jsonl"
    lines = [json.dumps(REPORT), "", json.dumps(REPORT | {"category": ""}), json.dumps(REPORT)]
    path.write_text("\n".join(lines), encoding="utf-8")
    result = await _run("import", str(path), *town.officer(), "--json")
    assert result.exit_code == Exit.NOT_SO
    answer = json.loads(result.stdout)
    assert (answer["taken"], answer["known"], answer["refused"]) == (1, 1, 1)
    assert [(x["line"], x["code"]) for x in answer["lines"] if x["code"]] == [(3, "report.no_category")]
    path.write_text(json.dumps(REPORT | {"event_at": "2026-11-23T08:00:00"}), encoding="utf-8")
    told = (await _run("import", str(path), *town.officer())).stdout
    assert "时间缺少时区 / A time has no zone [payload.naive_time] $.event_at" in told


async def test_a_wrong_password_and_a_dead_address_differ(town: Town) -> None:
    path = town.folder / "report.json"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    (town.folder / "wrong").write_text("wrong")
    who = ("--node", KUNSHAN, "--person", "officer")
    wrong = await _run("submit", str(path), *who, "--password-file", str(town.folder / "wrong"), "--gateway", town.url)
    assert (wrong.exit_code, "auth.wrong" in wrong.stderr) == (Exit.NOT_SO, True)
    (port,) = free_ports(1)
    nobody = f"http://127.0.0.1:{port}"
    dead = await _run("submit", str(path), *who, "--password-file", str(town.password), "--gateway", nobody)
    assert (dead.exit_code, "http.unreachable" in dead.stderr) == (Exit.UNREACHABLE, True)


async def test_status_reports_what_is_down_and_counts_what_waits(town: Town) -> None:
    result = await _run("status", "--gateway", town.url, "--json")
    assert result.exit_code == Exit.UNREACHABLE  # router, scoring and archive do not run here
    answer = json.loads(result.stdout)
    assert answer["services"]["gateway"] == "ready"
    assert answer["services"]["router"] == "down"
    assert answer["online"] is True
    assert answer["queues"]["yz.dead"] == 0
    assert [node["code"] for node in answer["nodes"]] == [KUNSHAN]
    assert "yz.router" in (await _run("status", "--gateway", town.url)).stdout


async def test_the_status_of_what_is_down_is_unknown_rather_than_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("YIZHAN_AMQP_URL", f"amqp://x@127.0.0.1:{port}/")
    status = ("status", "--gateway", f"http://127.0.0.1:{port}")
    assert town.url
    answer = json.loads((await _run(*status, "--json")).stdout)
    unknown = {name: answer[name] for name in ("online", "outbox", "inboxes", "queues", "nodes")}
    assert unknown == dict.fromkeys(unknown)
    told = await _run(*status)
    assert (
        told.stderr
        == "消息总线 / broker: 无法连接消息总线 / The broker cannot be reached [broker.unreachable] AMQPConnectionError\n"
    )
    assert told.stdout.count("—") == 3


async def test_a_rotation_is_published_and_a_strange_roster_is_not(town: Town, world: World, amqp_url: str) -> None:
    """The directory's origin must be hosted here, so this gateway's county stands in for the province."""
    write_secret(town.folder / "keys" / "root.pem", world.root.to_pem("root", MACHINE_COST))
    write_secret(town.folder / "secrets" / "root-passphrase", b"root")
    directory = world.publish_directory(origin=KUNSHAN)
    write_public(town.folder / "registry" / "directory.json", directory.json())
    passphrase = ("--passphrase-file", str(town.folder / "pass"))
    keys = ("--keys", str(town.folder / "keys"))
    rotated = await _run("node", "rotate", KUNSHAN, *passphrase, *keys, "--via", town.url, "--json")
    assert rotated.exit_code == Exit.GOOD, rotated.stderr
    assert json.loads(rotated.stdout)["published"] is True
    refused = await _run("node", "publish", str(await _roster_of_suzhou(town, world)), "--via", town.url)
    assert (refused.exit_code, "node.not_hosted" in refused.stderr) == (Exit.NOT_SO, True)
    async with broker.connected(amqp_url, "test") as connection:

        async def submitted() -> bool:
            return (await broker.depths(connection, ["yz.router"]))["yz.router"] == 1

        assert await _until(submitted)  # the directory, waiting for the router


async def _roster_of_suzhou(town: Town, world: World) -> Path:
    path = town.folder / "roster.json"
    path.write_bytes(next(e for e in world.registry() if codec.decode(e).origin == SUZHOU).json())
    return path
