"""``yizhan node follow``: the directory does what designations say, on their day, and only what is signed and counts."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from proto import codec
from proto.envelope import Envelope
from proto.messages import Action, Designation, DesignationContent, Role, Standing
from services.cli.enrolment import write_public
from services.cli.failures import Exit
from services.kit.calendar import day_of
from services.kit.trust.state import TrustState
from services.scoring.domain.standing import Designated, points_by
from tests.places import FARMING, JIANGYIN, KUNSHAN, PROVINCE, SUZHOU, ZHANGJIAGANG
from tests.unit.test_cli_node import Office, office

__all__ = ["office"]


class Designations:
    """What the province's lead signed, in a file."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lines: list[str] = []
        self.today = day_of(office.world.now)
        state = TrustState(office.world.pinned)
        for envelope in office.world.registry():
            if (message := codec.decode(envelope)).kind() == "roster":
                write_public(office.folder / "registry" / "rosters" / f"{message.origin}.json", envelope.json())
            state.apply(envelope)
        self._before = {node.code: node.direct_report for node in state.nodes()}

    def say(
        self, unit: str, standing: Standing, *, days: int = 0, replaces: str | None = None, person: str = "lead",
        hub: str = PROVINCE,
    ) -> Envelope:  # fmt: skip
        """Add a designation in force from so many days after today."""
        content = DesignationContent(
            unit=unit, standing=standing, replaces=replaces, grounds="【样例】依据",
            effective_from=(self.today + timedelta(days=days)).isoformat(),
        )  # fmt: skip
        world, text = self._office.world, codec.encode(content).decode()
        approval = world.sign_off(hub, text, person, Role.OFFICE_LEAD, Action.APPROVED, at=world.now)
        message = Designation(
            id=world.new_id(), origin=hub, to=(unit,), sent_at=world.now, content=text, approvals=(approval,)
        )
        envelope = world.seal(message, hub)
        self._lines.append(envelope.json().decode())
        return envelope

    def follow(self, code: int = Exit.GOOD) -> tuple[dict[str, bool], str]:
        """Run the command on all of them, in no order; return the points that changed, and what was said."""
        file = self._office.folder / "designations.jsonl"
        file.write_text("\n".join(reversed(self._lines)), encoding="utf-8")
        result = self._office.run("follow", "--from", str(file), "--no-publish", "--yes", "--json")
        assert result.exit_code == code, result.stderr
        now = {node.code: node.direct_report for node in self._office.directory().nodes}
        return {unit: direct for unit, direct in now.items() if direct is not self._before[unit]}, result.output


@pytest.fixture
def designations(office: Office) -> Designations:
    return Designations(office)


def test_a_designated_county_becomes_a_point_and_the_replaced_one_is_none_any_more(
    office: Office, designations: Designations
) -> None:
    designations.say(ZHANGJIAGANG, Standing.DESIGNATED, replaces=KUNSHAN)
    designations.say(JIANGYIN, Standing.WARNED)
    changed, said = designations.follow()
    assert changed == {ZHANGJIAGANG: True, KUNSHAN: False}
    for part in ("设为直报点", "becomes a direct-report point", "不再作直报点", "is no direct-report point any more"):
        assert part in said
    assert office.directory().version == 2
    changed, said = designations.follow()
    assert changed == {ZHANGJIAGANG: True, KUNSHAN: False}
    assert "无须改动 / " in said
    assert office.directory().version == 2, "doing it again changes nothing"


def test_a_designation_waits_for_its_day_and_the_later_one_counts(office: Office, designations: Designations) -> None:
    designations.say(KUNSHAN, Standing.REVOKED, days=1)
    designations.say(ZHANGJIAGANG, Standing.REVOKED)
    designations.say(ZHANGJIAGANG, Standing.DESIGNATED, days=-1)
    changed, said = designations.follow()
    assert changed == {}
    assert f"{KUNSHAN} 撤销" in said
    assert office.directory().version == 1


def test_a_warning_makes_nobody_a_point(designations: Designations) -> None:
    designations.say(ZHANGJIAGANG, Standing.WARNED)
    designations.say(KUNSHAN, Standing.WARNED)
    assert designations.follow()[0] == {}


@pytest.mark.parametrize(
    ("unit", "hub", "person", "reason"),
    [
        (ZHANGJIAGANG, PROVINCE, "officer", "sign_off.role_not_held"),
        (ZHANGJIAGANG, SUZHOU, "lead", "designation.not_the_province"),
        (FARMING, PROVINCE, "lead", "designation.not_a_county"),
    ],
)
def test_what_does_not_count_is_not_followed(
    designations: Designations, unit: str, hub: str, person: str, reason: str
) -> None:
    designations.say(unit, Standing.DESIGNATED, hub=hub, person=person)
    changed, said = designations.follow()
    assert changed == {}
    assert reason in said


def test_a_file_that_holds_something_else_is_refused(office: Office, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    result = office.run("follow", "--from", str(tmp_path / "x.jsonl"), "--no-publish", "--yes")
    assert result.exit_code == Exit.NOT_SO
    assert "x.jsonl:1" in result.stderr


def test_of_two_for_the_same_day_the_one_sent_later_counts(office: Office) -> None:
    def said(standing: Standing, minutes: int) -> Designated:
        content = DesignationContent(unit=KUNSHAN, standing=standing, effective_from="2026-03-01", grounds="x")
        return Designated(sent_at=office.world.now + timedelta(minutes=minutes), content=content)

    listed = [said(Standing.REVOKED, 5), said(Standing.DESIGNATED, 9)]
    assert points_by(listed, date(2026, 3, 1)) == points_by(listed[::-1], date(2026, 3, 1)) == {KUNSHAN: True}
    assert points_by(listed, date(2026, 2, 28)) == {}
