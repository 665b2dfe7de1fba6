"""The router on a real broker: deliver, receipt, refuse, park; and what it does when something fails in between."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace

from bench.measure import children
from proto.addresses import address_of
from proto.envelope import Signature, digest_of
from proto.messages import Action, Outcome, Receipt, Role
from proto.topology import ARCHIVE_QUEUE, DEAD_QUEUE, FEED, REFUSED, ROUTER_QUEUE, SUBMIT, inbox_of
from services.kit import broker_admin
from services.kit.ids import new_id, utc_now
from services.kit.session import open_session
from services.kit.trust.enrol import key_record
from services.router import handlers
from services.router.domain import Arrival, judge
from tests.assets.properties import UNREADABLE, properties, short
from tests.conftest import ADMIN_USER, free_ports
from tests.integration.routing import DEADLINE, Bench, Box, bench_of, line_of, publish_raw
from tests.places import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World


@pytest.fixture
def world() -> World:
    """A network whose gateway and router are the test's broker user."""
    return World.make(utc_now(), ADMIN_USER)


@pytest_asyncio.fixture
async def bench(world: World, amqp_url: str, tmp_path: Path, admin_url: str) -> AsyncIterator[Bench]:
    async with bench_of(world, amqp_url, tmp_path, admin_url) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a full queue in a third of a second."""
    monkeypatch.setattr(handlers, "_BACKOFF", 0.01)


async def test_several_recipients_are_one_publish(bench: Bench) -> None:
    message, envelope = bench.world.report(KUNSHAN)
    async with bench.router(), bench.inbox(SUZHOU) as city, bench.inbox(PROVINCE) as province:
        await bench.hand_in(message, envelope)
        for box in (city, province):
            await box.until(lambda b: b.messages, "the report")
            assert [m.body for m in box.messages] == [envelope.packed()]
    seen: list[str | None] = []
    receipt_seen = asyncio.Event()

    async def note(incoming: Any) -> None:
        seen.append(incoming.message_id)
        if incoming.routing_key.endswith(".receipt"):
            receipt_seen.set()

    await bench.session.read_stream(FEED, note, "first")
    await asyncio.wait_for(receipt_seen.wait(), 10)
    assert seen.count(str(message.id)) == 1


async def test_receipts_of_one_origin_are_coalesced(bench: Bench) -> None:
    reports = [bench.world.report(REFORM) for _ in range(100)]
    async with bench.router(receipt_interval=0.2), bench.inbox(REFORM) as box:
        await asyncio.gather(*(bench.hand_in(*report) for report in reports))
        await box.until(lambda b: len(b.entries()) >= 100, "100 entries")
        entries = box.entries()
        assert sorted(str(e.message) for e in entries) == sorted(str(m.id) for m, _ in reports)
        assert {e.outcome for e in entries} == {Outcome.ACCEPTED}
        assert {e.digest for e in entries} == {digest_of(envelope.packed()) for _, envelope in reports}
        assert len(box.messages) <= 20


async def test_refused_is_kept_and_receipted(bench: Bench) -> None:
    message, envelope = bench.world.report(ZHANGJIAGANG)
    forged = replace(envelope, signatures=(Signature(envelope.signatures[0].keyid, bytes(64)),))
    async with bench.router(), bench.inbox(ZHANGJIAGANG) as box, bench.box(ARCHIVE_QUEUE) as archive:
        await bench.hand_in(message, forged)
        (entry,) = await box.until(Box.entries, "the receipt")
        assert (entry.message, entry.outcome, entry.reason) == (message.id, Outcome.REFUSED, "signature.invalid")
        assert entry.digest == digest_of(forged.packed())
        evidence = await archive.until(lambda b: [m for m in b.messages if m.exchange == REFUSED], "the evidence")
        assert [m.body for m in evidence] == [forged.packed()]
        assert not [m for m in archive.messages if m.exchange != REFUSED and m.body == forged.packed()]


async def test_the_receipt_goes_to_whom_the_broker_vouches_for(bench: Bench) -> None:
    """Farming claims to be Reform: the refusal is told to the address that the broker let it use."""
    message, envelope = bench.world.report(REFORM)
    key = f"{_address(bench, FARMING)}.report"
    async with bench.router(), bench.inbox(FARMING) as box, bench.inbox(REFORM) as other:
        await bench.session.publish(SUBMIT, key, envelope.packed(), message_id=str(message.id))
        (entry,) = await box.until(Box.entries, "the receipt")
        assert entry.reason == "sender.wrong_gateway"
        assert not other.messages


async def test_garbage_and_unknown_keys_are_refused_like_the_rest(bench: Bench) -> None:
    async with bench.router(), bench.inbox(REFORM) as box:
        await bench.session.publish(SUBMIT, f"{_address(bench, REFORM)}.report", b"\xff\x00", message_id=str(new_id()))
        (entry,) = await box.until(Box.entries, "the receipt")
        assert (entry.message, entry.reason) == (None, "envelope.malformed")
        await bench.session.publish(SUBMIT, "no.such.key", b"lost?", message_id=str(new_id()))
        await bench.session.publish(SUBMIT, "32.00.00.fgw.nonsense", b"lost?", message_id=str(new_id()))
        await box.until(lambda b: len(b.entries()) == 2, "the receipt for an unknown kind")
    assert await bench.session.depth(DEAD_QUEUE) == 0, "nobody fills it from outside"
    assert await bench.session.depth(ROUTER_QUEUE) == 0


async def test_two_routers_share_the_work(bench: Bench) -> None:
    ports = free_ports(2)
    reports = [bench.world.report(REFORM) for _ in range(300)]
    async with (
        bench.router(name="a", port=ports[0], prefetch=20),
        bench.router(name="b", port=ports[1], prefetch=20),
        bench.inbox(PROVINCE) as box,
        bench.inbox(REFORM) as origin,
    ):
        await bench.until(lambda: _answers(ports), "both are ready")
        await asyncio.gather(*(bench.hand_in(*report) for report in reports))
        await box.until(lambda b: len(b.messages) >= 300, "300 reports")
        await origin.until(lambda b: len(b.entries()) >= 300, "300 receipts")
        assert sorted(m.body for m in box.messages) == sorted(e.packed() for _, e in reports)
        shares = [await _accepted(port) for port in ports]
    assert sum(shares) == 300
    assert all(shares)


async def test_a_dropped_line_before_the_confirm_brings_it_again(bench: Bench) -> None:
    message, envelope = bench.world.report(ZHANGJIAGANG)
    await bench.fill(inbox_of(SUZHOU))
    async with line_of(bench.url) as line, bench.router(amqp_url=line.url):
        await bench.hand_in(message, envelope)
        await bench.until(lambda: _held(bench), "the router holds it")
        line.cut()
        await bench.free(inbox_of(SUZHOU))
        async with bench.inbox(SUZHOU) as box, bench.inbox(ZHANGJIAGANG) as origin:
            await box.until(lambda b: envelope.packed() in [m.body for m in b.messages], "the report")
            (entry,) = await origin.until(Box.entries, "the receipt")
            assert entry.outcome is Outcome.ACCEPTED
    assert await bench.session.depth(DEAD_QUEUE) == 0


@pytest.mark.usefixtures("impatient")
async def test_a_full_inbox_is_parked_and_blocks_nobody(bench: Bench) -> None:
    stuck, stuck_envelope = bench.world.report(ZHANGJIAGANG)
    other, other_envelope = bench.world.report(REFORM)
    await bench.fill(inbox_of(SUZHOU))
    async with line_of(bench.url) as line, bench.router(amqp_url=line.url):
        async with bench.inbox(PROVINCE) as box, bench.inbox(REFORM) as origin:
            await bench.hand_in(stuck, stuck_envelope)
            await bench.hand_in(other, other_envelope)
            await box.until(lambda b: b.messages, "the other report")
            await origin.until(Box.entries, "its receipt")
        await bench.until(lambda: bench.session.depth(DEAD_QUEUE), "the parked one")
        await bench.until(line.acknowledged, "its acknowledgement")
        line.cut()  # acknowledged before, though nothing followed it: it does not come again
        async with bench.inbox(REFORM) as origin:
            await bench.hand_in(*bench.world.report(REFORM))
            await origin.until(Box.entries, "a receipt over the new line")
    assert await bench.session.depth(ROUTER_QUEUE) == 0
    async with bench.box(DEAD_QUEUE) as dead:
        await dead.until(lambda b: b.messages, "the parked one")
        assert [m.body for m in dead.messages] == [stuck_envelope.packed()]
        assert dead.messages[0].headers["x-yz-reason"] == "UnavailableError"


@pytest.mark.usefixtures("impatient")
async def test_a_sender_with_a_full_inbox_holds_up_no_others(bench: Bench) -> None:
    world = bench.world
    envelope = world.change_node(WUXI, gateway="elsewhere")  # a gateway that has been away for long
    await bench.announce(envelope, "directory")
    await bench.fill(inbox_of(WUXI))
    async with bench.router(), bench.inbox(REFORM) as origin, bench.box(DEAD_QUEUE) as dead:
        key = f"{_address(bench, WUXI)}.report"
        await bench.session.publish(SUBMIT, key, b"garbage", message_id=str(new_id()))
        for _ in range(3):
            await bench.hand_in(*world.report(REFORM))
        await origin.until(lambda b: len(b.entries()) == 3, "receipts of the others")
        await dead.until(lambda b: b.messages, "the receipt that nobody could be told")
        (parked,) = dead.read()
        assert isinstance(parked, Receipt)
        assert parked.entries[0].reason == "envelope.malformed"
    assert await bench.session.depth(ROUTER_QUEUE) == 0


async def test_a_roster_may_arrive_just_after_the_report(bench: Bench) -> None:
    """News about others come first: they must not end the wait."""
    world = bench.world
    staff = [s for s in world.state.staff_of(REFORM) if s.person == "lead"]
    key = world.staff_keys[REFORM, "deputy"] = world.new_key("deputy")
    record = replace(staff[0].keys[0], keyid=key.keyid, public=key.public)
    deputy = replace(staff[0], person="deputy", keys=(record,))
    others = world.change_staff(FARMING, "head", full_time=False)
    roster = world.publish_roster(REFORM, [*world.state.staff_of(REFORM), deputy])
    signs = (("deputy", Role.OFFICE_LEAD, Action.REVIEWED), ("deputy", Role.OFFICE_LEAD, Action.APPROVED))
    async with bench.router(registry_grace=10.0), bench.inbox(PROVINCE) as box, bench.inbox(REFORM) as origin:
        await bench.hand_in(*world.report(REFORM, sign=signs))
        await bench.until(lambda: _held(bench), "the router waits")
        await bench.announce(others, "roster")
        await bench.hand_in(*world.report(REFORM))
        await box.until(lambda b: len(b.messages) == 1, "a report of a known signer goes ahead")
        await bench.announce(roster, "roster")
        await box.until(lambda b: len(b.messages) == 2, "the deputy's report")
        await origin.until(lambda b: len(b.entries()) == 2, "both receipts")
        assert {e.outcome for e in origin.entries()} == {Outcome.ACCEPTED}


async def test_a_roster_may_overtake_the_directory_that_knows_its_key(bench: Bench) -> None:
    world = bench.world
    node = world.state.node(REFORM)
    assert node is not None
    key = world.node_keys[REFORM] = world.new_key("next")
    directory = world.change_node(REFORM, keys=(*node.keys, key_record(key.public, since=world.begun)))
    roster = world.publish_roster(REFORM, world.state.staff_of(REFORM))
    async with bench.router(registry_grace=10.0), bench.inbox(REFORM) as origin:
        await bench.session.publish(
            SUBMIT, f"{_address(bench, REFORM)}.roster", roster.packed(), message_id=str(new_id())
        )
        await bench.until(lambda: _held(bench), "the router waits")
        await bench.announce(directory, "directory")
        (entry,) = await origin.until(lambda b: b.entries(), "its receipt")
        assert (entry.outcome, entry.reason) == (Outcome.ACCEPTED, "")


async def test_a_flaw_of_ours_parks_one_message(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = judge

    def flawed(state: Any, arrival: Arrival, *rest: Any) -> Any:
        if arrival.body == b"trap":
            raise ZeroDivisionError
        return honest(state, arrival, *rest)

    monkeypatch.setattr("services.router.claims.judge", flawed)
    async with bench.router(), bench.inbox(PROVINCE) as box, bench.box(DEAD_QUEUE) as dead:
        await bench.session.publish(SUBMIT, f"{_address(bench, REFORM)}.report", b"trap", message_id=str(new_id()))
        await bench.hand_in(*bench.world.report(REFORM))
        await box.until(lambda b: b.messages, "the honest report")
        await dead.until(lambda b: b.messages, "the trap")
        assert dead.messages[0].headers["x-yz-reason"] == "ZeroDivisionError"


async def test_without_its_worker_process_it_goes_on_and_gets_another(bench: Bench) -> None:
    async with bench.router(), bench.inbox(PROVINCE) as box:
        for count in (1, 2, 3):
            await bench.hand_in(*bench.world.report(REFORM))
            await box.until(lambda b, count=count: len(b.messages) == count, "a report")
            if count == 1:
                for worker in _claim_workers():
                    os.kill(worker, signal.SIGKILL)
        assert _claim_workers(), "no other was started"


async def test_where_it_is_to_have_no_worker_it_checks_by_itself(bench: Bench) -> None:
    before = set(_claim_workers())  # of the routers of other tests
    async with bench.router(worker=False), bench.inbox(PROVINCE) as box:
        message, envelope = bench.world.report(FARMING)
        forged = replace(envelope, signatures=(Signature(keyid=envelope.signatures[0].keyid, sig=bytes(64)),))
        await bench.hand_in(message, forged)
        good, sealed = bench.world.report(REFORM)
        await bench.hand_in(good, sealed)
        await box.until(lambda b: b.messages, "the good report")
        assert [delivered.body for delivered in box.messages] == [sealed.packed()]
        assert set(_claim_workers()) <= before


def _claim_workers() -> list[int]:
    """Return the worker processes of this one that have not ended."""
    found = []
    for child in children(os.getpid()):
        with contextlib.suppress(FileNotFoundError):
            if b"anyio" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


async def test_unreadable_properties_stop_nobody(bench: Bench) -> None:
    """The broker passes properties on unread; what Python cannot hold must not end the router's connection."""
    key = f"{_address(bench, REFORM)}.report"
    async with bench.router(), bench.inbox(PROVINCE) as box, bench.inbox(REFORM) as origin:
        await bench.until(lambda: _held(bench), "the router is there")
        passed_on = {name: fields for name, fields in UNREADABLE.items() if name != "a header of no known type"}
        for fields in passed_on.values():
            await publish_raw(
                bench.url, SUBMIT, key, b"poison", properties(user_id=short(ADMIN_USER.encode()), **fields)
            )
        await origin.until(lambda b: len(b.entries()) == len(passed_on), "each is refused")
        await bench.hand_in(*bench.world.report(REFORM))
        await box.until(lambda b: b.messages, "the honest report")
        assert {entry.reason for entry in origin.entries()[: len(passed_on)]} == {"envelope.malformed"}


async def test_told_to_stop_it_leaves_nothing_to_be_done_again(bench: Bench) -> None:
    reports = [bench.world.report(REFORM) for _ in range(200)]
    async with bench.inbox(PROVINCE) as box:
        async with bench.router(receipt_interval=5.0):
            await asyncio.gather(*(bench.hand_in(*report) for report in reports))
            await box.until(lambda b: len(b.messages) >= 20, "some reports")
        async with bench.router(), bench.inbox(REFORM) as origin:
            await origin.until(lambda b: len(b.entries()) >= 200, "all receipts")
        assert len(box.messages) == 200, "delivered twice for having been told to stop"


async def test_a_consumer_that_the_broker_cancels_begins_anew(bench: Bench) -> None:
    """Its queue is deleted and made anew: without its consumer a line that is up would stay silent for ever."""
    async with bench.router(), bench.inbox(PROVINCE) as box:
        await bench.hand_in(*bench.world.report(REFORM))
        await box.until(lambda b: b.messages, "the first report")
        async with open_session(bench.url, "witness") as witness:
            told = asyncio.Event()
            witness._consuming.on_consumer_cancel_callbacks.add(lambda _: told.set())
            await witness.consume(ROUTER_QUEUE, box.take)
            await bench.manage("DELETE", f"queues/{{vhost}}/{ROUTER_QUEUE}")
            await asyncio.wait_for(told.wait(), DEADLINE)
        await broker_admin.declare(bench.url, bench.world.units)
        await bench.hand_in(*bench.world.report(REFORM))
        await box.until(lambda b: len(b.messages) == 2, "the second report")


def _address(bench: Bench, code: str) -> str:
    assert bench.world.state.node(code) is not None
    return address_of(code)


async def _answers(ports: list[int]) -> bool:
    try:
        return all([await _get(port, "readyz") for port in ports])
    except aiohttp.ClientError:
        return False


async def _accepted(port: int) -> float:
    lines = (await _get(port, "metrics")).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("yizhan_router_accepted_total"))


async def _get(port: int, path: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/{path}") as answer:
        return await answer.text() if answer.ok else ""


async def _held(bench: Bench) -> bool:
    """Whether the router holds all that was handed in: confirmed by the broker, and no longer waiting in the queue."""
    return await bench.session.depth(ROUTER_QUEUE) == 0
