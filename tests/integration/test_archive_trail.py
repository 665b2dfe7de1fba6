"""The way of a message, proven anew from what is stored; the operator's counts; the process itself."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from openapi_spec_validator import validate

from proto.addresses import ROUTER_CODE, routing_key
from proto.errors import Reason
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, Stage, Verdict
from services.archive.store import trail as trail_store
from services.kit.lifecycle import EXIT_SETTINGS
from tests.integration.archive_room import DEADLINE, OPERATOR, Room, entry, publish_registry, settings_for
from tests.waiting import eventually
from tests.world import KUNSHAN, PROVINCE, SUZHOU, WUXI, ZHANGJIAGANG, World


@pytest_asyncio.fixture
async def room(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Room]:
    async with Room.open(settings_for(tmp_path, world, amqp_url, database_url), world) as opened:
        yield opened


async def trail(room: Room, id: Any, reader: str = KUNSHAN) -> list[Any]:
    answer = await room.get(f"/api/v1/trail/{id}", reader, reader=reader)
    steps: list[Any] = answer["steps"]
    assert [s["at"] for s in steps] == sorted(s["at"] for s in steps)
    return steps


async def test_from_the_first_sign_off_to_the_adoption(room: Room) -> None:
    w = room.world
    report, sent = w.report(KUNSHAN)
    follow = w.report(KUNSHAN, about=report.id, stage=Stage.FOLLOW_UP, sent_at=w.now + timedelta(minutes=1))
    decision = w.decision(SUZHOU, [report], verdict=Verdict.ADOPTED, sent_at=w.now + timedelta(minutes=2))
    await room.send(
        (report, sent),
        w.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)]),
        w.receipt(SUZHOU, [KUNSHAN], [entry(report, sent, Outcome.DELIVERED), entry(report, sent, Outcome.OPENED)]),
        follow,
        decision,
    )
    steps = await trail(room, report.id)
    assert all(step["verified"] for step in steps), steps
    assert [(s["what"], s["by"], s["person"]) for s in steps] == [
        ("signed_off", KUNSHAN, "lead"),
        ("signed_off", KUNSHAN, "lead"),
        ("sent", KUNSHAN, None),
        ("accepted", ROUTER_CODE, None),
        ("delivered", SUZHOU, None),
        ("opened", SUZHOU, None),
        ("continued", KUNSHAN, None),
        ("adopted", SUZHOU, "editor"),
    ]
    assert steps[0]["role"] == "office_lead"
    assert steps[-1]["detail"] == "daily 1"
    assert steps[-1]["message"] == str(decision[0].id)


async def test_what_does_not_verify_is_shown_with_its_reason(room: Room) -> None:
    w = room.world
    report, sent = w.report(KUNSHAN)
    other, other_sent = w.report(KUNSHAN)
    wrong = msgspec.structs.replace(entry(other, other_sent, Outcome.REFUSED), message=report.id)
    receipt, _ = w.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)])
    forged = w.seal(receipt, ROUTER_CODE, key=w.node_keys[ZHANGJIAGANG])
    await room.send((report, sent), w.receipt(ROUTER_CODE, [KUNSHAN], [wrong]), (receipt, forged))
    problems = {s["what"]: s["problem"] for s in await trail(room, report.id)}
    assert problems["refused"] == "receipt.other_bytes"
    assert problems["accepted"] == Reason.KEY_NOT_OF_ORIGIN.value


async def test_a_receipt_counts_only_of_whom_it_is_to_say_so(room: Room) -> None:
    """Wuxi has nothing to do with the report, the province is a recipient and not the router."""
    w = room.world
    report, sent = w.report(KUNSHAN)
    other_bytes = msgspec.structs.replace(entry(*w.report(KUNSHAN), Outcome.DELIVERED), message=report.id)
    known_id = msgspec.structs.replace(entry(*w.report(KUNSHAN), Outcome.REFUSED, "x"), message=report.id)
    forged = [entry(report, sent, outcome, "x" * (outcome is Outcome.REFUSED)) for outcome in Outcome]
    await room.send(
        (report, sent),
        w.receipt(WUXI, [KUNSHAN], [*forged, known_id]),
        w.receipt(PROVINCE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED), other_bytes, known_id]),
        w.receipt(KUNSHAN, [KUNSHAN], forged),
    )
    stats = await room.get("/api/v1/stats")
    assert (stats["accepted"], stats["delivered"], stats["opened"], stats["refused"]) == (0, 0, 0, {})
    assert {s["what"] for s in await trail(room, report.id)} == {"signed_off", "sent"}
    honest = [
        w.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)]),
        w.receipt(PROVINCE, [KUNSHAN], [entry(report, sent, Outcome.DELIVERED), entry(report, sent, Outcome.OPENED)]),
    ]
    await room.send(*honest)
    stats = await room.get("/api/v1/stats")
    assert (stats["accepted"], stats["delivered"], stats["opened"], stats["refused"]) == (1, 1, 1, {})
    said = {(s["what"], s["by"]) for s in await trail(room, report.id) if s["verified"]}
    assert said >= {("accepted", ROUTER_CODE), ("delivered", PROVINCE), ("opened", PROVINCE)}


async def test_the_reason_of_a_refusal_is_the_routers(room: Room) -> None:
    w = room.world
    report, _ = w.report(KUNSHAN)
    spoilt = w.seal(report, KUNSHAN, key=w.node_keys[ZHANGJIAGANG])
    await room.refuse(spoilt.packed(), routing_key(KUNSHAN, "report"))
    await room.send(w.receipt(WUXI, [KUNSHAN], [entry(report, spoilt, Outcome.REFUSED, "made.up")]))
    await eventually(lambda: room.has_refused(1), "the refused one")
    (listed,) = (await room.get("/api/v1/refused"))["refused"]
    assert listed["reason"] is None
    assert [s["what"] for s in await trail(room, report.id)] == ["signed_off", "signed_off", "sent"]


async def test_what_is_said_again_and_again_hides_nothing(room: Room) -> None:
    w = room.world
    report, sent = w.report(KUNSHAN)
    again = w.receipt(SUZHOU, [KUNSHAN], [entry(report, sent, Outcome.DELIVERED)] * MAX_RECEIPTS)
    refused = [  # somebody else sent other bytes under this id, many times
        msgspec.structs.replace(entry(report, sent, Outcome.REFUSED, "x"), digest=f"{number:064x}")
        for number in range(MAX_RECEIPTS)
    ]
    honest = w.receipt(ROUTER_CODE, [KUNSHAN], [entry(report, sent, Outcome.ACCEPTED)])
    await room.send((report, sent), again, w.receipt(ROUTER_CODE, [KUNSHAN], refused), honest)
    verified = [s["what"] for s in await trail(room, report.id) if s["verified"]]
    assert sorted(verified) == ["accepted", "delivered", "sent", "signed_off", "signed_off"]


async def test_messages_are_exported_page_by_page_to_whoever_may_see_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = room.world
    later = [
        w.report(unit, sent_at=w.now + timedelta(minutes=n)) for n, unit in ((3, KUNSHAN), (1, ZHANGJIAGANG), (2, WUXI))
    ]
    same = [w.report(KUNSHAN, sent_at=w.now) for _ in range(2)]
    await room.send(*later, *same, w.decision(SUZHOU, [same[0][0]], verdict=Verdict.ADOPTED))
    order = sorted([*later, *same], key=lambda pair: (pair[0].sent_at, pair[0].id))

    async def exported(token: str, limit: int, **query: Any) -> list[Any]:
        messages, after = [], {}
        while True:
            page = await room.get("/api/v1/messages", token, kind="report", limit=limit, **after, **query)
            messages += page["messages"]
            if page["next"] is None:
                assert page["messages"] == []
                return messages
            after = {"after": page["next"]}

    everything = [json.loads(envelope.json()) for _, envelope in order]
    for limit in (1, 2, 500):
        assert await exported(OPERATOR, limit) == everything
    own = [json.loads(sent.json()) for message, sent in order if message.origin == KUNSHAN]
    assert await exported(KUNSHAN, 2, reader=KUNSHAN) == own
    monkeypatch.setattr(trail_store, "PAGE_BYTES", 1)  # a page of large messages ends early, and none is passed over
    assert await exported(OPERATOR, 500) == everything
    assert (await room.get("/api/v1/messages", KUNSHAN, kind="report", status=403))["code"] == "forbidden"
    await room.get("/api/v1/messages", KUNSHAN, kind="report", reader=WUXI, status=403)
    await room.get("/api/v1/messages", kind="receipt", status=400)


async def test_a_receipt_that_units_share_is_given_to_none_of_them_whole(room: Room) -> None:
    w = room.world
    first, second = w.report(KUNSHAN), w.report(ZHANGJIAGANG)
    entries = [entry(*first, Outcome.ACCEPTED), entry(*second, Outcome.ACCEPTED)]
    shared = w.receipt(ROUTER_CODE, [KUNSHAN, ZHANGJIAGANG], entries)
    own = w.receipt(ROUTER_CODE, [KUNSHAN], entries[:1])
    await room.send(first, second, shared, own)
    path = f"/api/v1/messages/{shared[0].id}"
    for reader in (KUNSHAN, ZHANGJIAGANG):
        assert (await room.get(path, reader, reader=reader, status=403))["code"] == "receipt.shared"
    await room.get(path, WUXI, reader=WUXI, status=404)
    assert await room.get(path, reader=ROUTER_CODE)  # the operator, as the one who gave it
    assert await room.get(f"/api/v1/messages/{own[0].id}", KUNSHAN, reader=KUNSHAN)
    for reader, (message, _) in ((KUNSHAN, first), (ZHANGJIAGANG, second)):
        assert "accepted" in {s["what"] for s in await trail(room, message.id, reader)}


async def test_a_key_that_is_revoked_later_proves_the_past(room: Room) -> None:
    w = room.world
    before, before_sent = w.report(KUNSHAN)
    await room.send((before, before_sent))
    node = w.state.node(KUNSHAN)
    assert node is not None
    stored_at = await room.database.fetchval("SELECT stored_at FROM message WHERE id = $1", before.id)
    key = msgspec.structs.replace(node.keys[0], revoked_from=stored_at + timedelta(microseconds=1))
    directory = w.change_node(KUNSHAN, keys=(key,))
    await publish_registry(room.bus, directory)
    after, after_sent = w.report(KUNSHAN)
    await room.send((after, after_sent))
    assert all(step["verified"] for step in await trail(room, before.id))

    async def revoked() -> bool:
        return "key.revoked" in {step["problem"] for step in await trail(room, after.id)}

    await eventually(revoked, "the revocation")


async def test_a_refused_message_has_a_way_too_for_its_sender(room: Room) -> None:
    w = room.world
    report, _ = w.report(KUNSHAN)
    spoilt = w.seal(report, KUNSHAN, key=w.node_keys[ZHANGJIAGANG])
    receipt = w.receipt(
        ROUTER_CODE, [KUNSHAN], [entry(report, spoilt, Outcome.REFUSED, Reason.KEY_NOT_OF_ORIGIN.value)]
    )
    await room.refuse(spoilt.packed(), routing_key(KUNSHAN, "report"))
    await room.send(receipt)
    await eventually(lambda: room.has_refused(1), "the refused one")
    by_step = {s["what"]: s for s in await trail(room, report.id)}
    assert by_step["sent"]["problem"] == Reason.KEY_NOT_OF_ORIGIN.value
    assert by_step["refused"]["verified"]
    await room.get(f"/api/v1/trail/{report.id}", SUZHOU, reader=SUZHOU, status=404)
    (listed,) = (await room.get("/api/v1/refused"))["refused"]
    assert (listed["claimed_id"], listed["claimed_origin"], listed["reason"]) == (
        str(report.id), KUNSHAN, Reason.KEY_NOT_OF_ORIGIN.value,
    )  # fmt: skip


async def test_a_directory_is_proven_by_being_in_force(room: Room) -> None:
    first = room.world.state.directory
    (sent,) = await trail(room, first.id, first.origin)
    assert sent["verified"]
    await publish_registry(room.bus, room.world.change_node(KUNSHAN, name="【样例】昆山"))

    async def replaced() -> bool:
        return bool((await trail(room, first.id, first.origin))[0]["problem"] == "directory.not_in_force")

    await eventually(replaced, "the next directory")


async def test_counts(room: Room) -> None:
    w = room.world
    old, old_sent = w.report(KUNSHAN, sent_at=w.now - timedelta(days=2))
    unheard, unheard_sent = w.report(KUNSHAN)
    new, new_sent = w.report(KUNSHAN)
    entries = [entry(old, old_sent, Outcome.ACCEPTED), entry(new, new_sent, Outcome.ACCEPTED)]
    entries.append(entry(*w.report(KUNSHAN), Outcome.REFUSED, Reason.SIGN_OFF_MISSING.value))
    await room.send(
        (old, old_sent),
        (new, new_sent),
        (unheard, unheard_sent),
        w.receipt(ROUTER_CODE, [KUNSHAN], entries),
        w.receipt(SUZHOU, [KUNSHAN], [entry(new, new_sent, Outcome.DELIVERED)]),
        w.decision(SUZHOU, [new], verdict=Verdict.ADOPTED),
    )
    stats = await room.get("/api/v1/stats")
    assert stats["messages"]["report"] == stats["archived"] == stats["searchable"] == 3
    assert (stats["accepted"], stats["delivered"], stats["opened"], stats["adopted"]) == (2, 1, 0, 1)
    assert stats["refused"] == {Reason.SIGN_OFF_MISSING.value: 1}
    assert stats["latency_ms"]["p99"] > stats["latency_ms"]["p50"] > 0
    recent = await room.get("/api/v1/stats", since=(w.now - timedelta(hours=1)).isoformat())
    assert (recent["archived"], recent["accepted"], recent["searchable"]) == (2, 1, 2)
    future = await room.get("/api/v1/stats", since=(w.now + timedelta(days=1)).isoformat())
    assert future["latency_ms"] == {"p50": None, "p99": None}
    assert future["accepted"] == 0
    await room.get("/api/v1/stats", since="2026-11-01T00:00:00", status=400)
    assert (await room.get("/api/v1/stats", since="0999-11-01T00:00:00Z", status=400))["detail"].startswith(
        "since: year"
    )


async def test_metrics_and_the_api_document(room: Room) -> None:
    await room.send(room.world.report(KUNSHAN))
    async with room.http.get(f"{room.base}/metrics") as answer:
        numbers = await answer.text()
    assert 'yizhan_archive_messages_total{kind="report"} 1.0' in numbers
    assert "yizhan_archive_report_seconds_count 1.0" in numbers
    document = await room.get("/api/openapi.json")
    validate(document)
    assert set(document["paths"]) == {
        "/api/v1/search", "/api/v1/messages", "/api/v1/messages/{id}", "/api/v1/trail/{id}", "/api/v1/stats", "/api/v1/refused",
    }  # fmt: skip


async def test_the_process_starts_and_drains(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> None:
    settings = settings_for(tmp_path, world, amqp_url, database_url)
    config = tmp_path / "yizhan.toml"
    paths = f'root_key_file = "{settings.root_key_file}"\naccess_file = "{settings.access_file}"\n'
    config.write_text(f'[archive]\namqp_url = "{amqp_url}"\n{paths}', encoding="utf-8")
    environ = {**os.environ, "YIZHAN_CONFIG": str(config), "YIZHAN_DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.archive", env=environ, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE):
        async for line in process.stderr:
            if msgspec.json.decode(line)["event"] == "line_up":
                break
        process.send_signal(signal.SIGTERM)
        await process.stderr.read()
        assert await process.wait() == 0


async def test_wrong_settings_stop_the_start_with_one_line(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.archive", "--config", str(tmp_path / "none.toml"),
        env=environ, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode == EXIT_SETTINGS
    assert said.decode().count("\n") == 1


async def test_a_reader_of_the_province_sees_the_trail(room: Room) -> None:
    report, sent = room.world.report(KUNSHAN)
    await room.send((report, sent))
    assert [s["what"] for s in await trail(room, report.id, PROVINCE)] == ["signed_off", "signed_off", "sent"]
