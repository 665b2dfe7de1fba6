"""The names on the bus: every queue bounded, every kind routed, every grant as narrow as it is meant."""

import re

import pytest

from proto.addresses import routing_key
from proto.messages import KINDS
from proto.topology import (
    ARCHIVE_GRANT,
    DEAD_QUEUE,
    DELIVER,
    EXCHANGES,
    FEED,
    REGISTRY,
    ROUTER_GRANT,
    ROUTER_QUEUE,
    SCORING_GRANT,
    SUBMIT,
    bindings,
    gateway_grant,
    inbox_of,
    queues,
)
from tests.places import BEIJING, KUNSHAN, PROVINCE, REFORM, SUZHOU

CODES = (PROVINCE, SUZHOU, KUNSHAN, REFORM, BEIJING)


def test_every_queue_is_bounded_and_says_so() -> None:
    for queue in queues(CODES):
        if queue.name in (REGISTRY, FEED):
            assert queue.arguments["x-queue-type"] == "stream"
            assert ("x-max-length-bytes" in queue.arguments) is (queue.name == FEED), "the registry keeps all"
            continue
        assert queue.arguments["x-queue-type"] == "quorum"
        assert queue.arguments["x-overflow"] == "reject-publish"
        assert queue.arguments["x-max-length"] > 0
        if queue.name != DEAD_QUEUE:
            assert queue.arguments["x-delivery-limit"] > 1
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"


def test_names_stand_once_and_bindings_lead_somewhere() -> None:
    names = [queue.name for queue in queues(CODES)]
    assert len(set(names)) == len(names)
    sources = {exchange.name for exchange in EXCHANGES}
    assert all(b.queue in names and b.source in sources for b in bindings(CODES))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reaches_the_router(kind: str) -> None:
    keys = [b.key for b in bindings(CODES) if b.source == SUBMIT and b.queue == ROUTER_QUEUE]
    assert any(_matches(key, routing_key(KUNSHAN, kind)) for key in keys)


@pytest.mark.parametrize("code", CODES)
def test_an_inbox_gets_its_own_and_nothing_else(code: str) -> None:
    keys = [b.key for b in bindings(CODES) if b.source == DELIVER and b.queue == inbox_of(code)]
    reached = [other for other in CODES if any(_matches(key, routing_key(other, "report")) for key in keys)]
    assert reached == [code]


def test_a_gateway_speaks_and_reads_as_its_own_nodes_only() -> None:
    grant = gateway_grant([KUNSHAN, REFORM])
    assert grant.topic_exchange == SUBMIT
    assert [c for c in CODES if re.search(grant.topic_write, routing_key(c, "report"))] == [KUNSHAN, REFORM]
    assert [c for c in CODES if re.search(grant.read, inbox_of(c))] == [KUNSHAN, REFORM]
    assert re.search(grant.read, REGISTRY)
    for name in (ROUTER_QUEUE, FEED, DEAD_QUEUE, inbox_of(KUNSHAN) + "0", inbox_of("320000-fgw2")):
        assert not re.search(grant.read, name)
    for name in (DELIVER, "amq.default", ROUTER_QUEUE, SUBMIT + "x"):
        assert not re.search(grant.write, name)
    assert not re.search(grant.topic_write, routing_key(KUNSHAN, "report") + ".x")


@pytest.mark.parametrize("grant", [gateway_grant([KUNSHAN]), ROUTER_GRANT, ARCHIVE_GRANT, SCORING_GRANT])
def test_no_service_declares_anything(grant: object) -> None:
    assert grant.configure == "^$"  # type: ignore[attr-defined]


def _matches(pattern: str, key: str) -> bool:
    words = (re.escape(word) if word not in "*#" else {"*": r"[^.]+", "#": r".*"}[word] for word in pattern.split("."))
    return re.fullmatch(r"\.".join(words), key) is not None
