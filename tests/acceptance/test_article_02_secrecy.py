"""Art. 2: classified content stops at the originating node; of its text nothing remains anywhere, only that it happened."""

import asyncio
import contextlib
import mmap
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import asyncpg
import msgspec
import pytest
import pytest_asyncio

from proto.topology import DEAD_QUEUE
from tests.acceptance.acts import content, inbox, refusal, word
from tests.acceptance.bus_side import feed, rogue_report, router_refuses, told
from tests.network import Network
from tests.places import BEIJING, KUNSHAN, PROVINCE
from tests.waiting import eventually

UNIT = BEIJING
NODE = f"/api/v1/nodes/{UNIT}"
SECRET = word()  # stands in every classified text of this module, and nowhere else
FIELDS = ("秘密", "机密", "绝密", "秘密★1年", "机 密", "绝　密", "秘\u200b密", "机密（6个月）", "内部秘密事项")
TEXTS = (
    "秘密★1年", "机密★长期", "绝密★", "秘 密 ★ 5年", "机　密　★　６个月", "绝\u200b密★", "秘\ufeff密\u2060★1年", "机密☆3年", "秘密＊",
    "密级：机密", "密 级 ： 绝 密", "密级:[秘密]", "（机密）", "【绝密】", "《秘密》", "机密", "绝　密", "秘密 3年", "机密（6个月）", "000001\n机密★1年\n特急",
    "绝密★启用前", "【样例】机密★1年",
)  # fmt: skip
"""密级 as GB/T 9704 writes it at the head of the page, and as people write it and disguise it."""
PROSE = (
    "依法查处侵犯商业秘密案件12起", "开展保守国家秘密法宣传周活动", "选举采用无记名投票，设秘密写票处", "健全个人隐私和商业秘密保护制度",
    "完善定密管理，规范密级变更程序", "加强涉密人员教育培训", "制定《商业秘密保护办法》", "机关密码应用改造完成",
)  # fmt: skip


def classified() -> list[dict[str, object]]:
    """Return the classified contents: by field, and by text in body, title, sources, answers and attachment name."""
    told = f"【样例】{SECRET}有关情况"
    forms: list[dict[str, object]] = [{"marking": marking, "body": told} for marking in FIELDS]
    forms += [{"body": f"{text}\n{told}"} for text in TEXTS]
    forms += [{"body": f"{told}\n\n{text}\n\n以下从略"} for text in TEXTS]
    forms += [{"title": text.replace("\n", " "), "body": told} for text in TEXTS if "\n" not in text]
    forms += [{"sources": ["市统计局", text], "body": told} for text in TEXTS[:8]]
    forms.append({"answers": "机密★1年", "body": told})
    attached = {"name": "绝密★1年.pdf", "media_type": "application/pdf", "size": 1, "digest": "0" * 64}
    forms.append({"attachments": [attached], "body": told})
    forms.append({"title": f"{SECRET}机密★1年"})
    return forms


class Attempt(msgspec.Struct):
    """One classified content handed in one way, and what came of it."""

    way: str
    form: dict[str, object]
    outcome: tuple[int, str]


class Record(msgspec.Struct):
    """All attempts, with the statistics before and after, and a control report that is open."""

    attempts: list[Attempt]
    lines: list[dict[str, Any]]  # of the import
    before: int
    after: int
    control: str
    since: datetime


@pytest_asyncio.fixture(scope="module")
async def record(network: Network) -> AsyncIterator[Record]:
    """Hand in every form by every way, and an open report as a control."""
    since = datetime.now(UTC)
    before = await blocked(network)
    attempts: list[Attempt] = []
    for form in classified():
        text = content(**form)
        draft = {"content": msgspec.json.decode(text)}
        call = network.people.call(UNIT, "officer", "POST", f"{NODE}/items", draft)
        attempts.append(Attempt("draft", form, await refusal(call)))
        whole = {"content": text, "sign_offs": [msgspec.Raw(s.json()) for s in await network.sign(UNIT, text)]}
        call = network.people.call(UNIT, "officer", "POST", f"{NODE}/reports", whole)
        attempts.append(Attempt("whole", form, await refusal(call)))
    sheet = "\n".join(content(**form) for form in classified()).encode()
    lines = await network.people.call(UNIT, "officer", "POST", f"{NODE}/import", sheet)
    after = await blocked(network)
    control = word()
    message = await network.submit(UNIT, content(body=f"【样例】{control}有关情况"))
    await inbox(network, PROVINCE, message)
    await network.receipt(UNIT, message, "delivered")
    yield Record(attempts, lines, before, after, control, since)


async def blocked(network: Network) -> int:
    """Return how many items were stopped so far."""
    return int((await network.people.operator("gateway", "GET", "/api/v1/stats"))["blocked"])


def database(network: Network) -> str:
    """Return the superuser's URL of the services' database."""
    return urlunsplit(urlsplit(network.postgres.url)._replace(path="/yizhan"))


async def tables_with(network: Network, *texts: str) -> set[str]:
    """Return every table of any schema with a row that holds one of the texts, in whatever column and type."""
    connection = await asyncpg.connect(database(network))
    try:
        names = await connection.fetch(
            "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('information_schema', 'pg_catalog')"
        )
        assert {row["name"] for row in names} >= {"gateway.item", "gateway.sent", "archive.message", "archive.refused"}
        needles = [form for text in texts for form in (text, text.encode().hex())]  # bytea reads as hex
        found = set()
        for row in names:
            query = f"SELECT EXISTS (SELECT FROM {row['name']} t WHERE t::text ~ $1)"  # noqa: S608 - quoted by format
            if await connection.fetchval(query, "|".join(needles)):
                found.add(row["name"])
        return found
    finally:
        await connection.close()


async def files_with(network: Network, *texts: str) -> dict[str, set[str]]:
    """Return, by top folder of var, the files that hold one of the texts: data, WAL, queues, streams, logs."""
    connection = await asyncpg.connect(network.postgres.url)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return await asyncio.to_thread(_grep, network.place.var, re.compile("|".join(texts).encode()))


def _grep(root: Path, pattern: re.Pattern[bytes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in root.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the servers remove files of their own meanwhile
            if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
                continue
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if pattern.search(data):
                    parts = path.relative_to(root).parts
                    found.setdefault(parts[0], set()).add("/".join(parts[1:]))
    return found


async def dead_letters(network: Network) -> list[bytes]:
    """Return the bodies in yz.dead and leave them there."""
    connection = await aio_pika.connect(network.amqp_url("operator"))
    async with connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.get_queue(DEAD_QUEUE, ensure=False)
        bodies = []
        while (letter := await queue.get(fail=False)) is not None:
            bodies.append(letter.body)
        return bodies


@pytest.mark.parametrize("way", ["draft", "whole"])
def test_every_form_is_refused(record: Record, way: str) -> None:
    attempts = [a for a in record.attempts if a.way == way]
    assert len(attempts) == len(classified())
    assert [a.form for a in attempts if a.outcome != (422, "report.classified")] == []


def test_every_line_of_an_import_is_refused(record: Record) -> None:
    assert [line["code"] for line in record.lines] == ["report.classified"] * len(classified())
    assert all(line["item"] == "" for line in record.lines)


def test_one_event_for_each(record: Record) -> None:
    assert record.after - record.before == len(record.attempts) + len(record.lines)


async def test_the_event_has_no_content(network: Network, record: Record) -> None:
    connection = await asyncpg.connect(database(network))
    try:
        events = await connection.fetch("SELECT * FROM gateway.event WHERE at >= $1", record.since)
    finally:
        await connection.close()
    assert len(events) == record.after - record.before
    assert {tuple(event.keys()) for event in events} == {("id", "at", "node", "person", "code")}
    assert {(e["node"], e["person"], e["code"]) for e in events} == {(UNIT, "officer", "report.classified")}


async def test_trying_again_leaves_one_event(network: Network) -> None:
    before = await blocked(network)
    body = {"id": uuid4(), "content": msgspec.json.decode(content(marking="机密"))}
    for _ in range(3):
        assert (await refusal(network.people.call(UNIT, "officer", "POST", f"{NODE}/items", body)))[
            1
        ] == "report.classified"
    assert await blocked(network) == before + 1


async def test_an_edit_is_stopped_too(network: Network) -> None:
    body = {"content": msgspec.json.decode(content())}
    item = (await network.people.call(UNIT, "officer", "POST", f"{NODE}/items", body))["item"]
    secret = {"content": msgspec.json.decode(content(body=f"机密★1年\n{SECRET}"))}
    call = network.people.call(UNIT, "officer", "PUT", f"{NODE}/items/{item}", secret)
    assert await refusal(call) == (422, "report.classified")
    kept = await network.people.call(UNIT, "officer", "GET", f"{NODE}/items/{item}")
    assert kept["content"]["body"] == body["content"]["body"]


async def test_the_text_is_in_no_table(network: Network, record: Record) -> None:
    assert await tables_with(network, SECRET) == set()
    control = await tables_with(network, record.control)
    assert control >= {"gateway.item", "gateway.sent", "gateway.inbox", "archive.message", "archive.document"}


async def test_the_text_is_in_no_stream_and_no_dead_letter(network: Network, record: Record) -> None:
    end = await network.submit(UNIT, content())
    await inbox(network, PROVINCE, end)
    bodies = await feed(network, end)
    assert sum(SECRET.encode() in body for body in bodies) == 0
    assert sum(record.control.encode() in body for body in bodies) == 1
    assert not any(SECRET.encode() in body for body in await dead_letters(network))


async def test_the_text_is_in_no_file(network: Network, record: Record) -> None:
    """The same search finds an open report in PostgreSQL's data and WAL and in the broker's files, but in no log."""
    assert await files_with(network, SECRET) == {}
    control = await files_with(network, record.control)
    assert control.keys() == {"postgres", "rabbitmq"}
    assert any(name.startswith("data/pg_wal/") for name in control["postgres"])
    assert any(name.startswith("data/base/") for name in control["postgres"])
    assert "log" in await files_with(network, "line_up")  # logs are searched


async def test_router_refuses_what_a_rogue_gateway_lets_pass(network: Network) -> None:
    """The reason is told, the text is not kept; of an open report that is refused, it is."""
    hidden, shown = word(), word()
    for form in ({"marking": "绝密"}, {"title": "机密★1年"}, {"sources": ["秘密★1年"]}, {}):
        body = f"【样例】{hidden}" if form else f"秘\u200b密★5年\n{hidden}"
        envelope = await rogue_report(network, KUNSHAN, content(**form | {"body": body}))
        entry = await told(network, KUNSHAN, "report", envelope)
        assert (entry["outcome"], entry["reason"], entry["detail"]) == ("refused", "report.classified", "")
    open_one = await rogue_report(network, KUNSHAN, content(body=f"【样例】{shown}"), sign_offs=())
    assert await router_refuses(network, KUNSHAN, open_one) == "sign_off.missing"
    assert await tables_with(network, hidden) == set()
    assert await tables_with(network, shown) == {"archive.refused"}
    assert "log" not in await files_with(network, hidden, shown)
    assert not any(hidden.encode() in body for body in await dead_letters(network))

    async def counted() -> bool:
        stats = await network.people.operator("archive", "GET", "/api/v1/stats")
        return bool(stats["refused"].get("report.classified", 0) >= 4)

    await eventually(counted, "the refusals in the statistics")


async def test_prose_about_secrets_passes(network: Network) -> None:
    sent = [await network.submit(UNIT, content(title=text, body=f"【样例】{text}。", sources=[text])) for text in PROSE]
    sent += [await network.submit(UNIT, content(marking=marking)) for marking in ("", "无", "公开", "非密")]
    for message in sent:
        await network.receipt(UNIT, message, "accepted")
