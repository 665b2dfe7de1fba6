"""What trust state cannot judge yet: nothing of it is recorded, the rest is; it waits, for so long and no longer."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from proto.envelope import Envelope
from proto.messages import Verdict
from services.kit.bus import Incoming
from services.kit.errors import PoisonError, TransientError
from services.kit.registry import Registry
from services.kit.trust import enrol
from services.kit.trust.state import TrustState
from services.scoring.domain.judging import Scored, judge
from services.scoring.domain.rules import RuleBook
from services.scoring.domain.weighing import Ignored
from services.scoring.handlers import Intake
from services.scoring.metrics import ScoringMetrics
from services.scoring.store import Batch, Recorded
from tests.world import JIANGYIN, PROVINCE, REFORM, SUZHOU, World, fixed_world

PATIENCE = 60.0  # seconds by the test's own clock


def no_rules(_: str) -> RuleBook:
    return RuleBook()


class Ledger:
    """Keeps what is to be recorded."""

    def __init__(self) -> None:
        self.scored: list[Scored] = []
        self.ignored: list[Ignored] = []

    async def record(self, batch: Batch) -> Recorded:
        self.scored += [each for each in batch.scored if each not in self.scored]
        self.ignored += batch.ignored
        return Recorded(facts=len(batch.scored), entries=0, statements=0, ignored=list(batch.ignored))


class Bench:
    """An intake with a clock that the test moves, in a process that knows the network as it was at first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now
        self.ledger = Ledger()
        self.registry = Registry(TrustState(world.pinned))
        for envelope in world.registry():
            self.registry.state.apply(envelope)
        metrics = ScoringMetrics(CollectorRegistry())
        self._intake = Intake(
            self.registry, no_rules, self.ledger, metrics, lambda: self.now, grace=0.0, patience=PATIENCE
        )

    async def handle(self, *envelopes: Envelope) -> None:
        await self._intake.handle([_incoming(each.packed()) for each in envelopes])

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def _incoming(body: bytes) -> Incoming:
    return Incoming(body, "yz.deliver", f"{REFORM}.decision", "yz.scoring", 1, False, None, None, {})  # noqa: FBT003


def _adopted(world: World) -> Envelope:
    return world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)[1]


def _with_new_key(world: World) -> tuple[Envelope, Envelope]:
    """Return a decision signed with a key that no directory has yet, and the directory that has it."""
    key = world.new_key("late")
    decision, _ = world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.ADOPTED)
    node = world.state.node(PROVINCE)
    assert node is not None
    directory = world.change_node(PROVINCE, keys=(*node.keys, enrol.key_record(key.public, since=world.begun)))
    return world.seal(decision, PROVINCE, key=key), directory


@pytest.fixture
def bench() -> Bench:
    return Bench(fixed_world())


async def test_an_unknown_key_waits_and_counts_once_the_directory_has_it(bench: Bench) -> None:
    early, directory = _with_new_key(bench.world)
    good = _adopted(bench.world)
    for _ in range(2):
        with pytest.raises(TransientError, match=r"key\.unknown"):
            await bench.handle(early, good)
        bench.later(PATIENCE / 2 - 1)
    assert len(bench.ledger.scored) == 1, "the others of its batch do not wait"
    await bench.registry.take(directory)
    await bench.handle(early, good)
    assert len(bench.ledger.scored) == 2
    assert bench.ledger.ignored == []


async def test_patience_ends_and_only_what_cannot_be_judged_is_poison(bench: Bench) -> None:
    early, directory = _with_new_key(bench.world)
    good = _adopted(bench.world)
    with pytest.raises(TransientError):
        await bench.handle(good, early)
    bench.later(PATIENCE)
    with pytest.raises(PoisonError, match=r"key\.unknown"):
        await bench.handle(good, early)
    await bench.handle(good)
    with pytest.raises(PoisonError, match=r"key\.unknown"):
        await bench.handle(early)
    assert len(bench.ledger.scored) == 1
    assert bench.ledger.ignored == [], "parked, not written off"
    await bench.registry.take(directory)
    await bench.handle(early)
    assert len(bench.ledger.scored) == 2, "replayed"


async def test_what_comes_again_long_after_is_waited_for_anew(bench: Bench) -> None:
    early, _ = _with_new_key(bench.world)
    with pytest.raises(TransientError):
        await bench.handle(early)
    bench.later(2 * PATIENCE)
    with pytest.raises(TransientError):
        await bench.handle(early)


def test_a_unit_that_the_router_did_not_look_at_is_no_matter_of_the_registry() -> None:
    world = fixed_world()
    decision, sealed = world.decision(SUZHOU, [world.report(JIANGYIN)[0]], verdict=Verdict.ADOPTED)
    vouched = judge(sealed.packed(), world.state, no_rules)
    hidden = judge(world.seal(replace(decision, to=(SUZHOU,)), SUZHOU).packed(), world.state, no_rules)
    assert isinstance(vouched, Ignored)
    assert isinstance(hidden, Ignored)
    assert (vouched.reason, vouched.may_turn) == ("scoring.not_its_unit", True)
    assert (hidden.reason, hidden.may_turn) == ("scoring.not_its_unit", False)
