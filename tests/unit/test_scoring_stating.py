"""What a hub says beside the ledger: who may say it, who must approve it, and what it must be."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proto import codec
from proto.messages import (
    Action,
    Appeal,
    Approved,
    Bulletin,
    BulletinContent,
    BulletinLine,
    BulletinType,
    Commendation,
    Designation,
    DesignationContent,
    Level,
    Role,
    Rules,
    Standing,
    UnitClass,
    Verdict,
)
from services.scoring.domain.judging import judge
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.rules import RuleBook, RuleSet
from services.scoring.domain.stating import Said, check_rules, full_time, officers, read
from services.scoring.domain.trial import dry_run
from services.scoring.domain.weighing import Ignored, UnfitError
from tests.world import JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, World, fixed_world

RULES = Path("deploy/sample/rules/default.toml").read_text(encoding="utf-8")


def approved(world: World, kind: type[Approved], hub: str, text: str, signed: str = "", **approval: Any) -> bytes:
    message = kind(
        id=world.new_id(), origin=hub, to=(SUZHOU,), sent_at=world.now, content=text,
        approvals=(world.approval(hub, signed or text, **approval),),
    )  # fmt: skip
    return world.seal(message, hub).packed()


def text_of(content: BulletinContent | DesignationContent) -> str:
    return codec.encode(content).decode()


def bulletin(*units: str, **changes: Any) -> BulletinContent:
    lines = tuple(
        BulletinLine(
            unit=unit, unit_class=UnitClass.CITY, adopted=0, points=Decimal(0), corrections=Decimal(0),
            year_points=Decimal(0),
        )
        for unit in units
    )  # fmt: skip
    content = BulletinContent(type=BulletinType.MONTHLY, period="2026-10", lines=lines, rules=(), text="【样例】")
    return replace(content, **changes)


def designation(unit: str, **changes: Any) -> DesignationContent:
    content = DesignationContent(
        unit=unit, standing=Standing.DESIGNATED, effective_from="2026-12-01", grounds="【样例】"
    )
    return replace(content, **changes)


def test_what_is_in_order_is_read() -> None:
    world = fixed_world()
    for kind, text in (
        (Rules, RULES),
        (Bulletin, text_of(bulletin(SUZHOU, REFORM, KUNSHAN))),
        (Designation, text_of(designation(KUNSHAN))),
    ):
        said = read(approved(world, kind, PROVINCE, text), world.state)
        assert isinstance(said, Said), said
        assert said.content is not None


WRONG: Mapping[str, tuple[type[Approved], str, str, dict[str, Any], str]] = {
    "no-role": (Rules, PROVINCE, RULES, {"person": "officer", "role": Role.OFFICE_LEAD}, "sign_off.role_not_held"),
    "officer": (
        Bulletin,
        PROVINCE,
        text_of(bulletin()),
        {"person": "officer", "role": Role.INFORMATION_OFFICER},
        "sign_off.missing",
    ),
    "editor": (Rules, SUZHOU, RULES, {"person": "editor", "role": Role.EDITOR}, "sign_off.missing"),
    "other-text": (Rules, PROVINCE, RULES, {"signed": "x"}, "sign_off.digest_mismatch"),
    "county": (Rules, KUNSHAN, RULES, {}, "scoring.not_a_hub"),
    "not-toml": (Rules, PROVINCE, "version =", {}, "rules.invalid"),
    "no-json": (Bulletin, PROVINCE, "{}", {}, "payload.malformed"),
    "unit-twice": (Bulletin, PROVINCE, text_of(bulletin(SUZHOU, SUZHOU)), {}, "bulletin.lines"),
    "foreign-unit": (Bulletin, SUZHOU, text_of(bulletin(JIANGYIN)), {}, "bulletin.lines"),
    "unknown-unit": (Bulletin, PROVINCE, text_of(bulletin("320999")), {}, "bulletin.lines"),
    "nobody-commended": (
        Bulletin,
        PROVINCE,
        text_of(bulletin(type=BulletinType.COMMENDATION, period="2025")),
        {},
        "bulletin.nobody",
    ),
    "foreign-commended": (
        Bulletin,
        SUZHOU,
        text_of(
            bulletin(
                type=BulletinType.COMMENDATION, period="2025", commended=(Commendation(unit=REFORM, title="【样例】"),)
            )
        ),
        {},
        "bulletin.lines",
    ),
    "city-designates": (Designation, SUZHOU, text_of(designation(KUNSHAN)), {}, "designation.not_the_province"),
    "city-designated": (Designation, PROVINCE, text_of(designation(SUZHOU)), {}, "designation.not_a_county"),
    "no-such-day": (
        Designation,
        PROVINCE,
        text_of(designation(KUNSHAN, effective_from="2026-02-30")),
        {},
        "designation.day",
    ),
}


@pytest.mark.parametrize("flaw", WRONG)
def test_what_is_wrong_has_its_own_refusal(flaw: str) -> None:
    kind, hub, text, approval, reason = WRONG[flaw]
    world = fixed_world()
    wrong = read(approved(world, kind, hub, text, **approval), world.state)
    assert isinstance(wrong, Ignored)
    assert (wrong.reason, wrong.hub, wrong.may_turn) == (reason, hub, False)


def test_a_wrong_rule_file_names_line_and_reason() -> None:
    world = fixed_world()
    wrong = read(approved(world, Rules, PROVINCE, RULES.replace("daily = 3 ", "daily = -3 ")), world.state)
    assert isinstance(wrong, Ignored)
    assert "320000/rules:" in wrong.detail


def test_too_few_full_time_staff_no_designation() -> None:
    world = fixed_world()
    world.change_staff(
        KUNSHAN, "officer", full_time=False
    )  # the lead stays; the unit's own lead is no information staff
    wrong = read(approved(world, Designation, PROVINCE, text_of(designation(KUNSHAN))), world.state)
    assert isinstance(wrong, Ignored)
    assert (wrong.reason, wrong.detail) == ("designation.no_staff", "1 < 2")
    warning = text_of(designation(KUNSHAN, standing=Standing.WARNED))
    assert isinstance(read(approved(world, Designation, PROVINCE, warning), world.state), Said)


@pytest.mark.parametrize(
    ("month", "reason"),
    [("2026-11", ""), ("2025-01", ""), ("2026-12", "scoring.month"), ("2024-12", "scoring.month_closed")],
)
def test_an_appeal_is_about_this_year_so_far_or_the_last(month: str, reason: str) -> None:
    world = fixed_world()
    appeal = Appeal(
        id=world.new_id(), origin=REFORM, to=(PROVINCE,), sent_at=world.now, month=month, person="officer",
        text="【样例】",
    )  # fmt: skip
    said = read(world.seal(appeal, REFORM).packed(), world.state)
    assert (said.reason if isinstance(said, Ignored) else "") == reason


def test_what_scores_is_not_what_is_said() -> None:
    """One frame reads both, each its own kinds."""
    world = fixed_world()
    sealed = approved(world, Rules, PROVINCE, RULES)
    wrong = judge(sealed, world.state, lambda _: RuleBook())
    assert isinstance(wrong, Ignored)
    assert (wrong.reason, wrong.detail, wrong.message) == ("scoring.not_scored", "rules", None)
    decided = world.decision(PROVINCE, [world.report(REFORM)[0]], verdict=Verdict.DECLINED)[1].packed()
    other = read(decided, world.state)
    assert isinstance(other, Ignored)
    assert (other.reason, other.detail, other.message) == ("scoring.not_scored", "decision", None)


def test_an_unknown_approver_may_be_known_later() -> None:
    world = fixed_world()
    stranger = world.new_key("stranger")
    approval = world.sign_off(PROVINCE, RULES, "new", Role.OFFICE_LEAD, Action.APPROVED, key=stranger)
    message = Rules(
        id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=world.now, content=RULES, approvals=(approval,)
    )
    wrong = read(world.seal(message, PROVINCE).packed(), world.state)
    assert isinstance(wrong, Ignored)
    assert (wrong.reason, wrong.may_turn) == ("sign_off.unknown_person", True)


def rules(version: str, begins: date, ends: date | None = None) -> RuleSet:
    return RuleSet(version=version, title="【样例】", title_en="sample", effective_from=begins, effective_to=ends)


def test_versions_are_added_and_never_changed() -> None:
    first, sent = rules("1", date(2026, 1, 1)), date(2026, 6, 15)
    book = check_rules(RuleBook(), first, sent)  # days without rules may be filled afterwards
    assert check_rules(book, first, sent) is book
    for added, refusal in (
        (replace(first, title="other"), Refusal.RULES_CHANGED),
        (rules("2", date(2026, 6, 14)), Refusal.RULES_USED),
        (rules("2", date(2026, 1, 1)), Refusal.RULES_USED),
        (rules("2", date(2025, 1, 1), date(2026, 1, 1)), Refusal.RULES_OVERLAP),
    ):
        with pytest.raises(UnfitError) as caught:
            check_rules(book, added, sent)
        assert caught.value.why is refusal
    later = check_rules(book, rules("2", date(2026, 7, 1)), sent)
    assert [each.version for each in later] == ["1", "2"]
    with pytest.raises(UnfitError) as caught:
        check_rules(later, rules("3", date(2026, 7, 1)), sent)
    assert caught.value.why is Refusal.RULES_OVERLAP
    assert check_rules(book, rules("0", date(2025, 1, 1), date(2025, 12, 31)), sent).in_force(date(2025, 5, 5))


def test_who_is_in_office() -> None:
    world = fixed_world()
    today = world.now.date()
    assert full_time(world.state, KUNSHAN, today) == 2
    world.change_staff(KUNSHAN, "officer", until=world.now - timedelta(days=1))
    assert full_time(world.state, KUNSHAN, today) == 1
    assert officers(world.state, KUNSHAN, range(2026, 2027)) == ()
    assert len(officers(world.state, REFORM, range(2026, 2027))) == 1
    assert officers(world.state, REFORM, range(2024, 2025)) == ()


def test_a_dry_run_of_nothing_changes_nothing() -> None:
    draft = replace(rules("2", date(2027, 1, 1)), points={Level.PROVINCE: {"daily": Decimal(5)}})
    (change,) = dry_run(PROVINCE, [], lambda _: RuleBook(), draft, ["2026-10"], {SUZHOU: UnitClass.CITY})
    assert (change.unit, change.difference) == (SUZHOU, 0)


def test_the_reference_names_every_refusal() -> None:
    page = Path("docs/reference/bulletins.md").read_text(encoding="utf-8")
    for each in Refusal:
        assert f"| `{each.value}` | {each.zh} | {each.en} |" in page
