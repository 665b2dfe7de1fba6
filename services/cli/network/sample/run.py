"""Sending the sample day: people sign in, write, review, approve and send; hubs open and decide; the totals follow.

Every step may be repeated: ids come from the day's own labels, so a run that was cut off goes on where it stopped and
a second run sends nothing.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from proto.topology import DEAD_QUEUE
from services.cli.network.progress import Progress
from services.cli.network.sample.client import CallError, People
from services.cli.network.sample.day import Day, DayDecision, DayReport
from services.cli.network.sample.editing import Editing
from services.cli.network.sample.enrolment import trust_of
from services.cli.network.sample.forged import put_on_bus
from services.cli.network.sample.signing import signed_off
from services.cli.network.sample.totals import mismatches
from services.cli.place import Place
from services.cli.walking import STEPS, walk_on
from services.kit.bus import open_session
from services.kit.crypto import write_secret
from services.kit.tasks import TaskScope
from services.kit.trust.state import TrustState

_SIDE_BY_SIDE: Final = 8
_PATIENCE: Final = 90.0  # seconds for the network to come to rest
_LOOK: Final = 0.2  # seconds between two looks at the totals


async def send_day(
    place: Place, people: People, day: Day, *, since: str, gateway_url: str, operator_url: str, progress: Progress
) -> tuple[dict[str, Any], list[str]]:
    """Send the day, unless it has been sent to its end before; return the totals and the names of the wrong ones.

    The totals are of what was sent ``since`` a time, an RFC 3339 one or "" for ever: so the sample month, which lies before
    it, is not among them. ``gateway_url`` and ``operator_url`` are AMQP URLs of those broker users. On a network where the
    day was completed, people may have gone on working: there no total may be less than what the day prescribes.
    """
    completed = place.var / "sample" / "completed"
    if not completed.exists():
        await _send_all(place, people, day, since, gateway_url, progress)
    totals = await _totals(people, day, since)
    async with open_session(operator_url, "sample-totals") as session:
        totals["dead"] = await session.depth(DEAD_QUEUE)
    wrong = mismatches(day, totals, grown=completed.exists())
    if not wrong and not completed.exists():
        write_secret(completed, datetime.now(UTC).isoformat().encode())
    return totals, wrong


async def _send_all(place: Place, people: People, day: Day, since: str, gateway_url: str, progress: Progress) -> None:
    state = trust_of(place)
    sent = await _send(people, day, progress)
    await _blocked(people, day)
    await put_on_bus(place, people, state, day.forged, datetime.now(UTC), gateway_url)
    await _settle(people, since, {"accepted": len(day.good), "refused": len(day.forged)}, progress)
    await _settle(people, since, {"delivered": day.expected["delivered"]}, progress)
    await _decide(people, state, day, sent, progress)
    await _settle(people, since, {"opened": day.expected["opened"], "adopted": day.expected["adopted"]}, progress)


async def _send(people: People, day: Day, progress: Progress) -> dict[str, UUID]:
    """Send the good reports; return the message id of each by its key. A chain keeps its order."""
    sent: dict[str, asyncio.Task[UUID]] = {}
    slots = asyncio.Semaphore(_SIDE_BY_SIDE)
    done = 0

    async def one(report: DayReport) -> UUID:
        nonlocal done
        about = await sent[report.about] if report.about else None
        async with slots:
            how = _through_console if report.via == "console" else _in_one
            message = await how(people, report, about)
        done += 1
        progress("send", done, len(day.good))
        return message

    async with TaskScope() as tasks:
        for report in day.good:
            sent[report.key] = tasks.spawn(one(report), f"send-{report.key}")
        await tasks.all_done()
    return {key: task.result() for key, task in sent.items()}


async def _through_console(people: People, report: DayReport, about: UUID | None) -> UUID:
    """Draft, review, approve and send as the people of the unit do in the console."""
    path = f"/api/v1/nodes/{report.node}/items"
    item = f"{path}/{report.item}"
    draft = {"content": msgspec.json.decode(report.content), "about": about, "id": report.item}
    try:
        state = (await people.call(report.node, "officer", "GET", item))["state"]
    except CallError:
        state = (await people.call(report.node, "officer", "POST", path, draft))["state"]
    signers = {"review": "lead", "approve": "head" if report.importance == "important" else "lead"}

    async def take(step: str) -> Any:
        body = {"step": step, "passphrase": people.password if step in signers else ""}
        return await people.call(report.node, signers.get(step, "officer"), "POST", f"{item}/steps", body)

    await walk_on(state, STEPS, take)
    return UUID((await people.call(report.node, "officer", "GET", item))["message"])


async def _in_one(people: People, report: DayReport, about: UUID | None) -> UUID:
    """Hand in a report that was signed off in the unit's own system."""
    statements = await signed_off(
        people,
        report.node,
        report.content,
        important=report.importance == "important",
        at=datetime.now(UTC),
        about=about,
    )
    body = {
        "content": report.content,
        "sign_offs": [msgspec.Raw(s.json()) for s in statements],
        "about": about,
        "id": report.item,
    }
    answer = await people.call(report.node, "officer", "POST", f"/api/v1/nodes/{report.node}/reports", body)
    return UUID(answer["message"])


async def _blocked(people: People, day: Day) -> None:
    """Try to hand in the classified items; each must be stopped."""
    for report in day.blocked:
        draft = {"content": msgspec.json.decode(report.content), "id": report.item}
        try:
            await people.call(report.node, "officer", "POST", f"/api/v1/nodes/{report.node}/items", draft)
        except CallError as error:
            if error.code == "report.classified":
                continue
            raise
        raise CallError(201, "sample.not_blocked", report.key)


async def _decide(people: People, state: TrustState, day: Day, sent: dict[str, UUID], progress: Progress) -> None:
    """Editors open what they decide on, then decide; hub by hub, side by side. Leads make the issues final."""
    by_hub: dict[str, list[DayDecision]] = {}
    for decision in day.decisions:
        by_hub.setdefault(decision.hub, []).append(decision)
    done = 0

    async def one_hub(hub: str, decisions: Iterable[DayDecision]) -> None:
        nonlocal done
        editing = Editing(people, state, hub, sent)
        for decision in decisions:
            await editing.take(decision)
            done += 1
            progress("decide", done, len(day.decisions))
        await editing.make_final()

    async with TaskScope() as tasks:
        for hub, decisions in by_hub.items():
            tasks.spawn(one_hub(hub, decisions), f"decide-{hub}")
        await tasks.all_done()


async def _settle(people: People, since: str, wanted: dict[str, int], progress: Progress) -> None:
    """Look at the totals until they are what is wanted, or patience ends: the table then shows what is missing."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        stats = await people.stats("archive", since)
        score = await people.stats("scoring", since)
        have = {
            "accepted": stats["accepted"],
            "refused": sum(stats["refused"].values()),
            "delivered": stats["delivered"],
            "opened": stats["opened"],
            "adopted": min(stats["adopted"], score["adopted_reports"]),
        }
        progress("settle", sum(min(have[k], v) for k, v in wanted.items()), sum(wanted.values()))
        if all(have[name] >= number for name, number in wanted.items()):
            return
        await asyncio.sleep(_LOOK)


async def _totals(people: People, day: Day, since: str) -> dict[str, Any]:
    stats = await people.stats("archive", since)
    score = await people.stats("scoring", since)
    gateway = await people.stats("gateway", since)
    return {
        "sent": gateway["items"] + len(day.forged),
        "blocked_at_origin": gateway["blocked"],
        "accepted": stats["accepted"],
        "refused": stats["refused"],
        "delivered": stats["delivered"],
        "opened": stats["opened"],
        "adopted": stats["adopted"],
        "points": str(score["points"]),
        "archived": stats["archived"],
        "searchable": stats["searchable"],
        "latency_ms": {name: round(value or 0, 1) for name, value in stats["latency_ms"].items()},
    }
