"""A year of the province: how long its ledger takes from the messages, and the draft of a bulletin; and how much memory.

148 units report 200,000 items in a year; the province and the cities adopt 60,000, send some on, merge some, take some
back; leaders direct. The messages are signed and lie in a file, as a unit holds them; the service holds what follows from
them in PostgreSQL. ``recompute_s`` is a process of its own from the file to "equal, entry by entry": every signature
verified, every entry derived, and compared with the service's ledger over HTTP. ``bulletin_s`` is one request to the
service for the province's December, with eleven bulletins issued before it.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from bench.measure import child, machine, median, peak_mb, until
from bench.year import PROVINCE, USER, Reported, Year
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit
from proto import codec
from proto.envelope import Envelope, digest_of, unpack
from proto.messages import (
    Bulletin,
    BulletinContent,
    Level,
)
from proto.topology import REGISTRY
from services.kit import broker_admin
from services.kit.bus import open_session
from services.kit.db import open_database
from services.kit.ids import utc_now
from services.kit.registry import pinned_roots
from services.kit.trust.state import TrustState
from services.kit.trust.units import listed_under
from services.scoring.app import SQL
from services.scoring.domain.bulletin import Roll, draft_month
from services.scoring.domain.entry import Entry
from services.scoring.domain.judging import Scored
from services.scoring.domain.recompute import compare, recompute
from services.scoring.domain.settlement import settle
from services.scoring.domain.stating import Said
from services.scoring.handlers import judgement
from services.scoring.store import Batch, Reading, Recording, Rulebooks
from tests.conftest import free_ports

TOKEN: Final = "bench"  # noqa: S105 - of a network that lives for minutes
_BATCH: Final = 500


async def scoring(*, quick: bool) -> dict[str, Any]:
    """Measure; see docs/benchmarks.md for what each key means."""
    size = 10 if quick else 1
    year = Year(utc_now().year - 1, reports=200_000 // size, adoptions=60_000 // size)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yizhan-bench-")))
        folder.chmod(0o755)
        postgres = await stack.enter_async_context(PrivatePostgres(folder / "pg", *free_ports(1)))
        rabbit = await stack.enter_async_context(PrivateRabbit(folder / "mq", *free_ports(4)))
        amqp = rabbit.amqp_url(USER, rabbit.admin_password)
        reports = year.reports()
        held = folder / "messages"
        _say("making and signing a year")
        count = _write(held, (*year.rules(), *year.decided(reports)))
        _say(f"{count} messages; loading")
        loaded = await _load(postgres.url, year, reports, held)
        await broker_admin.declare(amqp, [unit.code for unit in year.units])
        async with open_session(amqp, "bench") as session:
            for number, envelope in enumerate(year.registry):
                await session.publish("", REGISTRY, envelope.packed(), message_id=f"r{number}")
        (port,) = free_ports(1)
        config = _config(folder, year, amqp, postgres.url, port)
        service = await stack.enter_async_context(child("services.scoring", "--config", str(config)))
        http = await stack.enter_async_context(
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"})
        )
        await until(lambda: _ready(http))
        drafted = [await _draft(http, year.year) for _ in range(3)]
        _say(f"bulletins {drafted}; recomputing")
        (folder / "registry").write_bytes(msgspec.msgpack.encode([each.packed() for each in year.registry]))
        recomputed = await _recompute(folder, port, year.year)
        service_mb = peak_mb(service.pid)
    return {
        "recompute_s": round(recomputed["seconds"], 1),
        "bulletin_s": round(median(drafted), 2),
        "rss_mb_max": round(max(service_mb, recomputed["rss_mb"]), 1),
        "rss_mb": {"service": round(service_mb, 1), "recompute": round(recomputed["rss_mb"], 1)},
        "messages": count,
        "entries": recomputed["entries"],
        "differences": recomputed["differences"],
        "recorded_per_s": round(loaded),
        "machine": machine(),
    }


async def _load(url: str, year: Year, reports: Sequence[Reported], held: Path) -> float:
    """Record the year as the service does, and a bulletin each month; return messages a second."""
    state = year.state()
    async with open_database(url, "scoring", SQL) as database:
        books = Rulebooks(database)
        recording = Recording(database, books)
        for at in range(0, len(reports), 10_000):
            await _load_reports(database, reports[at : at + 10_000])
        begun, count = time.perf_counter(), 0
        batch: list[bytes] = []
        for body in (*_read(held), b""):
            if body:
                batch.append(body)
            if batch and (not body or len(batch) == _BATCH or count == 0):
                judged = [judgement(each, state, books) for each in batch]
                await recording.record(
                    Batch(
                        scored=[each for each in judged if isinstance(each, Scored)],
                        said=[each for each in judged if isinstance(each, Said)],
                    )
                )
                count, batch = count + len(batch), []
        rate = count / (time.perf_counter() - begun)
        await _issue(database, recording, books, year, state)
    return rate


async def _issue(database: Any, recording: Recording, books: Rulebooks, year: Year, state: TrustState) -> None:
    """Issue the province's bulletins of January to November."""
    reading, classes = Reading(database), listed_under(PROVINCE, state)
    entries = await reading.entries(PROVINCE, f"{year.year}-01", f"{year.year}-12")
    roll = Roll(hub=PROVINCE, level=Level.PROVINCE, classes=classes)
    for number in range(1, 12):
        month = f"{year.year}-{number:02}"
        settled = settle(entries, books(PROVINCE), month, classes)
        content = draft_month(roll, month, settled, await reading.issued(PROVINCE, str(year.year)), {})
        at = datetime(year.year, number + 1, 5, tzinfo=UTC)
        sealed = year.approved(Bulletin, PROVINCE, codec.encode(content).decode(), at)
        said = judgement(sealed.packed(), state, books)
        assert isinstance(said, Said), said
        await recording.record(Batch(said=[said]))


async def _load_reports(database: Any, reports: Sequence[Reported]) -> None:
    async with database.connection() as connection:
        await database.queries.record_reports(
            connection,
            ids=[report for report, _, _ in reports],
            units=[unit.code for _, unit, _ in reports],
            hubs=[
                ",".join({unit.parent or PROVINCE} | ({PROVINCE} if unit.direct_report else set()))
                for _, unit, _ in reports
            ],
            months=[f"{at + timedelta(hours=8):%Y-%m}" for _, _, at in reports],
            abouts=[None] * len(reports),
            researchs=[number % 20 == 0 for number in range(len(reports))],
            joints=[""] * len(reports),
            digests=[digest_of(report.bytes) for report, _, _ in reports],
        )


async def _ready(http: aiohttp.ClientSession) -> bool:
    try:
        async with http.get(f"/api/v1/hubs/{PROVINCE}/bulletins") as answer:  # once it has read the registry
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _draft(http: aiohttp.ClientSession, year: int) -> float:
    begun = time.perf_counter()
    async with http.get(f"/api/v1/hubs/{PROVINCE}/bulletins/draft?period={year}-12") as answer:
        body = await answer.read()
        assert answer.status == 200, body
        drafted = msgspec.json.decode(body)
    taken = time.perf_counter() - begun
    content = msgspec.convert(drafted["content"], BulletinContent)
    assert len(content.lines) > 50
    assert sum(line.points for line in content.lines) > 0
    return taken


async def _recompute(folder: Path, port: int, year: int) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.scoring", str(folder), str(port), str(year), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return msgspec.json.decode(out)


async def _recomputing(folder: Path, port: int, year: int) -> dict[str, Any]:
    """Do what any unit may do for itself, in a process of its own."""
    begun = time.perf_counter()
    state = TrustState(pinned_roots(str(folder / "root.json")))
    for body in msgspec.msgpack.decode((folder / "registry").read_bytes()):
        state.apply(unpack(body))
    found = recompute(_read(folder / "messages"), state)
    ours = [entry for entry in found.entries if entry.hub == PROVINCE]
    total = len(found.entries)
    del found.entries[:]
    kept = [entry async for entry in _ledger(port)]
    differences = compare(ours, kept, found.books[PROVINCE])
    return {
        "seconds": time.perf_counter() - begun,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "entries": total,
        "differences": len(differences),
        "year": year,
    }


async def _ledger(port: int) -> Any:
    decoder = msgspec.json.Decoder(_Page)
    after: int | None = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        while after is not None:
            url = f"http://127.0.0.1:{port}/api/v1/ledger?hub={PROVINCE}&limit=5000&after={after}"
            async with http.get(url) as answer:
                page = decoder.decode(await answer.read())
            for entry in page.entries:
                yield entry
            after = page.next


class _Page(msgspec.Struct):
    entries: list[Entry]
    next: int | None


def _write(path: Path, envelopes: Sequence[Envelope]) -> int:
    with path.open("wb") as file:
        for envelope in envelopes:
            body = envelope.packed()
            file.write(len(body).to_bytes(4) + body)
    return len(envelopes)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while size := file.read(4):
            yield file.read(int.from_bytes(size))


def _config(folder: Path, year: Year, amqp: str, database: str, port: int) -> Path:
    (folder / "root.json").write_bytes(msgspec.json.encode(year.pinned))
    (folder / "access.json").write_bytes(msgspec.json.encode({digest_of(TOKEN.encode()): ["*"]}))
    config = folder / "yizhan.toml"
    config.write_text(
        f'[scoring]\nport = {port}\namqp_url = "{amqp}"\ndatabase_url = "{database}"\n'
        f'root_key_file = "{folder}/root.json"\naccess_file = "{folder}/access.json"\n'
    )
    return config


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    folder_, port_, year_ = sys.argv[1:]
    result = asyncio.run(_recomputing(Path(folder_), int(port_), int(year_)))
    sys.stdout.buffer.write(msgspec.json.encode(result))
