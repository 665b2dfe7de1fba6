"""The sample month's messages: signed by the very keys of the units and their people, with the times of that month.

A gateway stamps what it sends with the present time, so no API takes a month that is over. These messages are put on the
bus as the gateway's own broker user, like the bad ones of the sample day; from there on they go the way of all others.
What is missing is what a gateway keeps of its own doings: its units' items, and at a hub's desk that it has decided.
"""

from collections.abc import Iterable
from datetime import datetime

from proto.addresses import routing_key
from proto.messages import DecidedItem, Decision, Message, PublicationRef, Report
from proto.topology import SUBMIT
from services.cli.network.progress import Progress
from services.cli.network.sample.client import People
from services.cli.network.sample.month import Month, PastDecision, PastReport
from services.cli.network.sample.signing import signed_off, unit_key
from services.cli.place import Place
from services.kit.bus import open_session
from services.kit.tasks import TaskScope
from services.kit.trust.enrol import seal_message
from services.kit.trust.state import TrustState


async def send_month(
    place: Place, people: People, state: TrustState, month: Month, begins: datetime, *, amqp_url: str, progress: Progress
) -> None:  # fmt: skip
    """Put the month on the bus; again it is the same bytes under the same ids, which change nothing.

    ``begins`` is the month's first moment in China; ``amqp_url`` is of the gateway's broker user.
    """
    async with TaskScope() as tasks:
        signing = [
            tasks.spawn(_report(people, state, each, begins), f"sign-{each.key}") for each in month.reports
        ]  # fmt: skip
        await tasks.all_done()
    messages: list[Message] = [task.result() for task in signing]
    messages += decisions_of(month, begins)
    keys = {unit: unit_key(place, unit) for unit in {message.origin for message in messages}}
    async with open_session(amqp_url, "sample-month") as session:
        for number, message in enumerate(messages, 1):
            kind = message.kind()
            await session.publish(
                SUBMIT,
                routing_key(message.origin, kind),
                seal_message(message, kind, keys[message.origin]).packed(),
                message_id=str(message.id),
                kind=kind,
            )
            progress("month", number, len(messages))


def decisions_of(month: Month, begins: datetime) -> Iterable[Decision]:
    """Yield what the hubs decided, in order."""
    reports = {each.key: each for each in month.reports}
    decisions = {each.key: each for each in month.decisions}
    for each in month.decisions:
        items = tuple(
            DecidedItem(report=reports[key].id(begins), origin=reports[key].node, share=share)
            for key, share in zip(each.reports, each.shares, strict=True)
        )
        yield Decision(
            id=each.id(begins), origin=each.hub, to=tuple(dict.fromkeys(item.origin for item in items)),
            sent_at=each.at(begins), about=decisions[each.reverses].id(begins) if each.reverses else None,
            verdict=each.outcome, items=items, editor="editor", reason=each.reason, publication=_place(each, begins),
        )  # fmt: skip


async def _report(people: People, state: TrustState, report: PastReport, begins: datetime) -> Report:
    at = report.at(begins)
    signed = await signed_off(people, report.node, report.content, important=report.important, at=at)
    return Report(
        id=report.id(begins), origin=report.node, to=state.hubs_of(report.node), sent_at=at, content=report.content,
        sign_offs=signed,
    )  # fmt: skip


def _place(decision: PastDecision, begins: datetime) -> PublicationRef | None:
    issue = f"{begins.year}-{decision.issue}"
    return PublicationRef(series=decision.publication, issue=issue) if decision.publication else None
