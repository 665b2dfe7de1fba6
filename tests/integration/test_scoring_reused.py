"""An id belongs to the message that came first: other bytes under it are noted, the same bytes change nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from proto.envelope import digest_of
from proto.messages import Appeal, DesignationContent, Standing
from tests.integration.scoring_service import RULES, Scoring, bulletin_of, day, designation_of, rules_of
from tests.integration.scoring_year import clock, scoring, world
from tests.waiting import eventually
from tests.world import KUNSHAN, PROVINCE, REFORM, World

__all__ = ["clock", "scoring", "world"]

Sealed = tuple[Any, Any]


def rules(world: World, mark: str) -> Sealed:
    text = RULES.read_text(encoding="utf-8").replace('"2026-1"', f'"{mark}"')
    return rules_of(world, PROVINCE, text.replace("= 2026-01-01", "= 2026-05-01"), sent_at=day(2, 1))


def known_rules(world: World, mark: str) -> Sealed:
    """A version that stands already, and once more as another message."""
    return rules_of(world, PROVINCE, RULES.read_text(encoding="utf-8") + ("# other\n" if mark == "b" else ""))


def bulletin(world: World, mark: str) -> Sealed:
    content = {"type": "monthly", "period": "2026-01", "lines": [], "rules": [], "text": mark}
    return bulletin_of(world, PROVINCE, content, sent_at=day(2, 1))


def designation(world: World, mark: str) -> Sealed:
    content = DesignationContent(unit=KUNSHAN, standing=Standing.WARNED, effective_from="2026-02-01", grounds=mark)
    return designation_of(world, PROVINCE, content, sent_at=day(2, 1))


def appeal(world: World, mark: str) -> Sealed:
    message = Appeal(
        id=world.new_id(), origin=REFORM, to=(PROVINCE,), sent_at=day(2, 1), month="2026-01", person="officer",
        text=mark,
    )  # fmt: skip
    return message, world.seal(message, REFORM)


@pytest.mark.parametrize(
    ("make", "table"),
    [
        (rules, "rules"),
        (known_rules, "rules_again"),
        (bulletin, "bulletin"),
        (designation, "designation"),
        (appeal, "appeal"),
    ],
)
async def test_other_bytes_under_a_known_id_are_noted_and_have_no_effect(
    scoring: Scoring, world: World, make: Callable[[World, str], Sealed], table: str
) -> None:
    first, second = make(world, "a"), make(world, "b")
    message = replace(second[0], id=first[0].id)
    other = (message, world.seal(message, message.origin))
    await scoring.deliver(first, other, other, first)
    await scoring.settled(ignored={"scoring.id_reused": 1})
    noted = await scoring.rows("SELECT digest, message, hub, detail FROM ignored")
    about = {"message": first[0].id, "hub": first[0].origin, "detail": ""}
    assert noted == [about | {"digest": digest_of(other[1].payload)}]
    key = "message" if table.startswith("rules") else "id"
    kept = await scoring.rows(f"SELECT digest FROM {table} WHERE {key} = '{first[0].id}'")  # noqa: S608
    assert kept == [{"digest": digest_of(first[1].payload)}]
    await scoring.deliver(first, other, appeal(world, "the last one"))
    await _recorded(scoring, "the last one")
    assert (await scoring.stats())["ignored"] == {"scoring.id_reused": 1}


async def test_of_what_was_recorded_before_nobody_knows_the_bytes(scoring: Scoring, world: World) -> None:
    known = appeal(world, "other bytes, perhaps")
    await scoring.rows(
        "INSERT INTO appeal (id, unit, hubs, month, person, text, sent_at)"  # noqa: S608
        f" VALUES ('{known[0].id}', '{REFORM}', '{{{PROVINCE}}}', '2026-01', 'officer', 'before', now())"
    )
    await scoring.deliver(known, appeal(world, "the last one"))
    await _recorded(scoring, "the last one")
    assert (await scoring.stats())["ignored"] == {}
    assert {row["text"] for row in await scoring.rows("SELECT text FROM appeal")} == {"before", "the last one"}


async def _recorded(scoring: Scoring, text: str) -> None:
    await eventually(lambda: scoring.rows(f"SELECT FROM appeal WHERE text = '{text}'"), "the appeal")
