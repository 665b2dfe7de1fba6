"""The staff file of ``yizhan node init``, as the manual shows it."""

from pathlib import Path

import pytest

from proto.messages import Role
from services.cli import credentials
from services.cli.enrolment import read_staff


def test_the_staff_file_of_the_manual_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    (tmp_path / "staff.toml").write_text(manual.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    asked = []
    monkeypatch.setattr(credentials, "secret_of", lambda file, **_: asked.append(file) or "password")
    people = read_staff(tmp_path / "staff.toml")
    assert [(one.entry.person, one.entry.roles) for one in people] == [
        ("officer", (Role.INFORMATION_OFFICER,)),
        ("lead", (Role.OFFICE_LEAD,)),
    ]
    assert asked == [tmp_path / "officer.password", None]
