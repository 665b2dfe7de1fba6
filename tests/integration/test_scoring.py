"""From the bus to the ledger, with real servers: redelivery, order, reversals, what does not count, month ends."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from proto.addresses import routing_key
from proto.messages import Outcome, Verdict
from proto.topology import DEAD_QUEUE
from services.kit.bus import open_session
from services.kit.calendar import CHINA
from services.kit.db import migrate
from services.kit.trust import enrol
from services.scoring.app import SQL
from tests.integration.scoring_service import Scoring, scoring_service, settings_for, share_of, shuffled
from tests.waiting import eventually
from tests.world import FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, World


@pytest_asyncio.fixture
async def scoring(amqp_url: str, database_url: str, world: World, tmp_path: Path) -> AsyncIterator[Scoring]:
    async with scoring_service(settings_for(tmp_path, amqp_url, database_url, world), world) as service:
        yield service


async def test_decisions_become_points_once_however_often_they_come(scoring: Scoring, world: World) -> None:
    county, department = world.report(KUNSHAN)[0], world.report(REFORM)[0]
    adopted = world.decision(PROVINCE, [county], verdict=Verdict.ADOPTED, publication=("special", "7"))
    in_city = world.decision(SUZHOU, [county], verdict=Verdict.ADOPTED)
    items = [share_of("0.4", county), share_of("0.6", department)]
    merged = world.decision(PROVINCE, items, verdict=Verdict.MERGED)
    declined = world.decision(PROVINCE, [department], verdict=Verdict.DECLINED, reason="【样例】已有同类信息")
    for _ in range(3):
        await scoring.deliver(adopted, in_city, merged, declined)
    await scoring.settled(decisions=4, entries=4, points="15", adopted_reports=2, ignored={})
    await _drained(scoring, world)
    rows = await scoring.rows("SELECT unit, hub, points::text, rule FROM entry ORDER BY hub, unit, points")
    assert [tuple(row.values()) for row in rows] == [
        (REFORM, PROVINCE, "1.8000", "points.province.daily"),
        (KUNSHAN, PROVINCE, "1.2000", "points.province.daily"),
        (KUNSHAN, PROVINCE, "10.0000", "points.province.special"),
        (KUNSHAN, SUZHOU, "2.0000", "points.city.daily"),
    ]  # fmt: skip


async def test_a_reversal_may_come_before_its_decision(scoring: Scoring, world: World) -> None:
    report = world.report(FARMING)[0]
    adopted = world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED)
    back = world.decision(PROVINCE, [report], verdict=Verdict.REVERSED, about=adopted[0].id, reason="【样例】误采")
    await scoring.deliver(back, back)
    await scoring.settled(decisions=1, entries=0, waiting_reversals=1)
    await scoring.deliver(adopted, back, adopted)
    await scoring.settled(decisions=2, entries=2, points="0", adopted_reports=0, waiting_reversals=0)
    rows = await scoring.rows("SELECT id, reverses, items, points FROM entry ORDER BY items DESC")
    assert [row["items"] for row in rows] == [1, -1]
    assert rows[1]["reverses"] == rows[0]["id"]
    assert rows[1]["points"] == -3


async def test_the_database_itself_refuses_to_change_the_ledger(scoring: Scoring, world: World) -> None:
    await scoring.deliver(world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED))
    await scoring.settled(entries=1)
    before = await scoring.rows("SELECT * FROM entry")
    tables = (
        "entry",
        "fact",
        "ref",
        "ignored",
        "rules",
        "report",
        "bulletin",
        "designation",
        "appeal",
        "rules_again",
        "entry_0001",
    )
    for table in tables:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):  # noqa: S608
            with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
                await scoring.rows(statement)
    for statement in ("UPDATE entry SET points = 99", "UPDATE fact SET hub = '320500'"):
        with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
            await scoring.rows(statement)
    assert await scoring.rows("SELECT * FROM entry") == before


async def test_what_does_not_count_is_recorded_with_its_reason(scoring: Scoring, world: World) -> None:
    wuxi_unit, farming = world.report(JIANGYIN)[0], world.report(FARMING)[0]
    adopted, sealed = world.decision(PROVINCE, [farming], verdict=Verdict.ADOPTED)
    weekly = world.decision(PROVINCE, [farming], verdict=Verdict.ADOPTED, publication=("weekly", "1"))
    long_ago = world.decision(
        PROVINCE, [farming], verdict=Verdict.DECLINED, reason="x", sent_at=datetime(2003, 1, 1, tzinfo=UTC)
    )
    message = replace(adopted, id=world.new_id())
    not_asked = replace(world.decision(SUZHOU, [wuxi_unit], verdict=Verdict.ADOPTED)[0], to=(KUNSHAN,))
    await scoring.deliver(
        (not_asked, world.seal(not_asked, SUZHOU)),
        weekly,
        weekly,
        long_ago,
        (message, world.seal(message, PROVINCE, key=world.node_keys[SUZHOU])),
        (adopted, replace(sealed, payload=sealed.payload.replace(b'"issue":"1"', b'"issue":"2"'))),
        world.decision(PROVINCE, [share_of("0.5", farming)], verdict=Verdict.ADOPTED),
    )
    key = routing_key(FARMING, "decision")
    await scoring.put(b"not an envelope", key)
    await scoring.put(
        world.receipt(PROVINCE, [REFORM], [world.entry(adopted, sealed, Outcome.OPENED)])[1].packed(), key
    )
    totals = await scoring.settled(
        decisions=1,  # the weekly one: rules that know it may come yet
        ignored={
            "scoring.not_its_unit": 1,
            "scoring.series_unknown": 1,
            "key.not_valid_then": 1,
            "key.not_of_origin": 1,
            "signature.invalid": 1,
            "scoring.shares": 1,
            "envelope.malformed": 1,
            "scoring.not_scored": 1,
        },
    )
    assert totals["entries"] == 0
    rows = await scoring.rows("SELECT reason, detail, hub FROM ignored WHERE reason LIKE '%its_unit'")
    assert rows == [{"reason": "scoring.not_its_unit", "detail": JIANGYIN, "hub": SUZHOU}]
    _, page = await scoring.get("/metrics")
    assert 'yizhan_scoring_ignored_total{reason="scoring.series_unknown"} 1.0' in page


async def test_only_the_hub_that_decided_may_reverse_and_an_id_belongs_to_one_decision(
    scoring: Scoring, world: World
) -> None:
    report = world.report(KUNSHAN)[0]
    adopted = world.decision(PROVINCE, [report], verdict=Verdict.ADOPTED)
    foreign = world.decision(SUZHOU, [report], verdict=Verdict.REVERSED, about=adopted[0].id)
    other = replace(adopted[0], reason="other content")
    await scoring.deliver(foreign, adopted, (other, world.seal(other, PROVINCE)))
    await scoring.settled(
        decisions=2, entries=1, points="3", ignored={"scoring.reversal_foreign": 1, "scoring.id_reused": 1}
    )


async def test_months_end_at_midnight_in_jiangsu(scoring: Scoring, world: World) -> None:
    here = world.now.astimezone(CHINA)
    midnight = (here.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for at in (midnight - timedelta(seconds=1), midnight, midnight.astimezone(UTC) + timedelta(seconds=1)):
        await scoring.deliver(world.decision(WUXI, [world.report(JIANGYIN)[0]], verdict=Verdict.ADOPTED, sent_at=at))
    await scoring.settled(entries=3)
    rows = await scoring.rows("SELECT month, count(*)::int FROM entry GROUP BY month ORDER BY month")
    assert [tuple(row.values()) for row in rows] == [(f"{here:%Y-%m}", 1), (f"{midnight:%Y-%m}", 2)]


async def test_a_decision_may_overtake_the_directory(
    amqp_url: str, database_url: str, world: World, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, amqp_url, database_url, world)
    async with scoring_service(settings, world, registry=False) as scoring:
        await scoring.deliver(world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED))
        await scoring.publish_registry(world.registry())
        await scoring.settled(entries=1, ignored={})


async def test_what_the_registry_never_introduces_is_parked_alone_and_can_be_replayed(
    amqp_url: str, database_url: str, world: World, tmp_path: Path
) -> None:
    key = world.new_key("late")
    early, _ = world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)
    sealed = world.seal(early, PROVINCE, key=key)
    others = [world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED) for _ in range(3)]
    strange = [
        world.decision(SUZHOU, [world.report(JIANGYIN)[0]], verdict=Verdict.ADOPTED),
        world.decision(KUNSHAN, [world.report(FARMING)[0]], verdict=Verdict.ADOPTED),
    ]
    async with (
        scoring_service(settings_for(tmp_path, amqp_url, database_url, world), world) as scoring,
        open_session(amqp_url, "dead") as session,
    ):
        await scoring.deliver(others[0], (early, sealed), others[1], *strange, others[2])

        async def parked() -> int:
            return await session.depth(DEAD_QUEUE)

        await eventually(parked, "three parked ones", wanted=lambda depth: depth == 3)
        await scoring.settled(entries=3, ignored={})
        node = world.state.node(PROVINCE)
        assert node is not None
        keys = (*node.keys, enrol.key_record(key.public, since=world.begun))
        await scoring.publish_registry([world.change_node(PROVINCE, keys=keys)])
        await scoring.deliver((early, sealed))
        await scoring.settled(entries=4, ignored={})


async def test_a_restart_changes_nothing(amqp_url: str, database_url: str, world: World, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, amqp_url, database_url, world)
    history = shuffled(
        [world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED) for _ in range(20)], seed=1
    )
    async with scoring_service(settings, world) as scoring:
        await scoring.deliver(*history)
        await scoring.settled(entries=20, points="60")
        before = await scoring.rows("SELECT * FROM entry ORDER BY number")
    async with scoring_service(settings, world, rules=False) as scoring:
        await scoring.deliver(*history)
        await _drained(scoring, world)
        assert await scoring.rows("SELECT * FROM entry ORDER BY number") == before


async def test_the_first_ledger_is_kept_and_no_longer_read(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_ledger.sql").write_bytes((SQL / "migrations" / "0001_ledger.sql").read_bytes())
    await migrate(database_url, "scoring", folder)
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "scoring"})
    try:
        await connection.execute(
            "INSERT INTO decision (id, hub, verdict, digest, sent_at)"
            " VALUES (gen_random_uuid(), '320000', 'adopted', 'x', now())"
        )
        assert await migrate(database_url, "scoring", SQL / "migrations") == 4
        assert await connection.fetchval("SELECT count(*) FROM decision_0001") == 1
        with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
            await connection.execute("DELETE FROM decision_0001")
        assert await connection.fetchval("SELECT count(*) FROM fact") == 0
    finally:
        await connection.close()


async def test_reports_of_before_are_kept_and_name_no_joint_units(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in ("0001_ledger.sql", "0002_facts.sql"):
        (folder / name).write_bytes((SQL / "migrations" / name).read_bytes())
    await migrate(database_url, "scoring", folder)
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "scoring"})
    try:
        await connection.execute(
            "INSERT INTO report (id, unit, hubs, month, research, digest)"
            " VALUES (gen_random_uuid(), '320500', '{320000}', '2026-01', true, 'x')"
        )
        before = dict(await connection.fetchrow("SELECT * FROM report"))
        assert await migrate(database_url, "scoring", SQL / "migrations") == 4
        assert dict(await connection.fetchrow("SELECT * FROM report")) == before | {"joint": []}
    finally:
        await connection.close()


async def _drained(scoring: Scoring, world: World) -> None:
    """Wait until all that was put on the queue before has been handled: its one consumer keeps the order."""
    last = world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.RETURNED, reason="【样例】")
    await scoring.deliver(last)
    await eventually(lambda: scoring.rows(f"SELECT FROM fact WHERE id = '{last[0].id}'"), "the last decision")
