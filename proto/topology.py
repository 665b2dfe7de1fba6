"""Every name on the bus, and who may touch it: nowhere else are they written.

All queues are durable quorum queues with declared limits, all trust state is a stream: nothing is left to a broker
version's default, so RabbitMQ 3.10 to 4.x behave alike.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal

from msgspec import Struct

from proto.addresses import REGISTRY_ADDRESS, SCORE_ADDRESS, address_of
from proto.messages import Report, ReportContent

SUBMIT: Final = "yz.submit"
UNROUTED: Final = "yz.unrouted"
DELIVER: Final = "yz.deliver"
REFUSED: Final = "yz.refused"
DEAD_LETTERS: Final = "yz.dead-letters"

ROUTER_QUEUE: Final = "yz.router"
ARCHIVE_QUEUE: Final = "yz.archive"
SCORING_QUEUE: Final = "yz.scoring"
DEAD_QUEUE: Final = "yz.dead"
REGISTRY: Final = "yz.registry"
FEED: Final = "yz.feed"

INBOX_PREFIX: Final = "yz.inbox."
DELIVERY_LIMIT: Final = 200
"""Redeliveries before a message is dead-lettered. Kept well above one: with prefetch, a crashing consumer counts
against everything it held, so a poison message is parked by the consumer itself, not by this limit."""
QUEUE_LIMIT: Final = 1_000_000
"""Messages a queue holds before publishers are refused (reject-publish), which their outboxes absorb."""
STREAM_BYTES: Final = 20_000_000_000
"""What the feed keeps. The registry keeps everything: without its first directory nobody could be trusted."""
SCORED_KINDS: Final = (
    "decision", "instruction", "adjustment", "progress", "closure", "appeal", "rules", "bulletin", "designation",
)  # fmt: skip
"""Progress and closures for what answers a solicitation. Of reports, which are most of what travels, see ``is_scored``."""
SCORED_REPORTS: Final = f"{SCORE_ADDRESS}.report"
"""A second routing key, for the reports that the score must know."""
REGISTRY_KINDS: Final = ("directory", "roster")


class Queue(Struct, frozen=True, kw_only=True):
    """A queue or stream as it must be declared."""

    name: str
    arguments: dict[str, Any]


class Exchange(Struct, frozen=True, kw_only=True):
    """An exchange as it must be declared."""

    name: str
    type: Literal["topic", "fanout"]
    arguments: dict[str, Any] = {}


class Binding(Struct, frozen=True, kw_only=True):
    """From exchange to queue."""

    source: str
    queue: str
    key: str


class Grant(Struct, frozen=True, kw_only=True):
    """What a broker user may do: regular expressions as RabbitMQ takes them."""

    configure: str = "^$"
    write: str = "^$"
    read: str = "^$"
    topic_exchange: str = ""
    topic_write: str = "^$"


def is_scored(report: Report, content: ReportContent) -> bool:
    """Tell whether the score must know a report: research owed each month (Art. 10), or what may follow up on such."""
    return content.research or report.about is not None


def inbox_of(code: str) -> str:
    """Return the name of a node's inbox."""
    return INBOX_PREFIX + code


def _quorum(name: str) -> Queue:
    return Queue(
        name=name,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-max-length": QUEUE_LIMIT,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": DEAD_LETTERS,
            "x-dead-letter-strategy": "at-least-once",
        },
    )


def _stream(name: str, **limits: int) -> Queue:
    return Queue(name=name, arguments={"x-queue-type": "stream", **limits})


EXCHANGES: Final = (
    Exchange(name=UNROUTED, type="fanout"),
    Exchange(name=SUBMIT, type="topic", arguments={"alternate-exchange": UNROUTED}),
    Exchange(name=DELIVER, type="topic"),
    Exchange(name=REFUSED, type="fanout"),
    Exchange(name=DEAD_LETTERS, type="fanout"),
)
_DEAD: Final = Queue(
    name=DEAD_QUEUE,
    arguments={
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,  # looking at the letters counts, and past the limit they would be dropped
        "x-max-length": QUEUE_LIMIT,
        "x-overflow": "reject-publish",
    },
)


_FEED: Final = _stream(FEED, **{"x-max-length-bytes": STREAM_BYTES})


def queues(codes: Iterable[str]) -> list[Queue]:
    """Return all queues of a network with these nodes."""
    fixed = [_DEAD, _stream(REGISTRY), _FEED, *map(_quorum, (ROUTER_QUEUE, ARCHIVE_QUEUE, SCORING_QUEUE))]
    return fixed + [_quorum(inbox_of(code)) for code in codes]


def bindings(codes: Iterable[str]) -> list[Binding]:
    """Return all bindings of a network with these nodes."""
    fixed = [
        Binding(source=UNROUTED, queue=DEAD_QUEUE, key=""),
        Binding(source=DEAD_LETTERS, queue=DEAD_QUEUE, key=""),
        Binding(source=REFUSED, queue=ARCHIVE_QUEUE, key=""),
        Binding(source=DELIVER, queue=ARCHIVE_QUEUE, key="#"),
        Binding(source=DELIVER, queue=FEED, key="#"),
        Binding(source=SUBMIT, queue=ROUTER_QUEUE, key="#"),  # an unknown kind too: the router refuses it and says so
        *(Binding(source=DELIVER, queue=SCORING_QUEUE, key=f"*.*.*.*.{kind}") for kind in SCORED_KINDS),
        Binding(source=DELIVER, queue=SCORING_QUEUE, key=SCORED_REPORTS),
        *(Binding(source=DELIVER, queue=REGISTRY, key=f"{REGISTRY_ADDRESS}.{kind}") for kind in REGISTRY_KINDS),
    ]
    inboxes = [Binding(source=DELIVER, queue=inbox_of(code), key=f"{address_of(code)}.#") for code in codes]
    return fixed + inboxes


def _one_of(addresses: list[list[str]]) -> str:
    """Return a regular expression for these addresses as a tree of words: the broker matches it for each publish."""
    branches: dict[str, list[list[str]]] = {}
    for first, *rest in addresses:
        branches.setdefault(first, []).append(rest)
    parts = [word + (rf"\.{_one_of(rests)}" if rests[0] else "") for word, rests in branches.items()]
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


def gateway_grant(codes: Iterable[str]) -> Grant:
    """A gateway publishes only as its own nodes and reads only their inboxes and the registry."""
    listed = list(codes)
    inboxes = "|".join(code.replace("-", r"\-") for code in listed)
    return Grant(
        write=r"^yz\.submit$",
        read=rf"^(yz\.registry|yz\.inbox\.({inboxes}))$",
        topic_exchange=SUBMIT,
        topic_write=rf"^{_one_of([address_of(code).split('.') for code in listed])}\.[a-z_]+$(?!\n)",
    )


ROUTER_GRANT: Final = Grant(
    write=r"^(yz\.deliver|yz\.refused|yz\.dead-letters)$", read=r"^(yz\.router|yz\.registry)$",
    topic_exchange=DELIVER, topic_write=".*",
)  # fmt: skip
ARCHIVE_GRANT: Final = Grant(write=r"^yz\.dead-letters$", read=r"^(yz\.archive|yz\.registry)$")
SCORING_GRANT: Final = Grant(write=r"^yz\.dead-letters$", read=r"^(yz\.scoring|yz\.registry)$")
OPERATOR_GRANT: Final = Grant(
    write=r"^(yz\.dead|amq\.default|yz\.submit|yz\.deliver|yz\.refused)$", read=r"^(yz\.dead|yz\.feed|yz\.registry)$",
    topic_exchange=SUBMIT, topic_write=".*",
)  # fmt: skip
