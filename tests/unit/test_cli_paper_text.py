"""What a lead is shown before approving: tables of a bulletin, facts of a designation, the text of rules. No raw JSON."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proto.messages import (
    BulletinContent,
    BulletinLine,
    BulletinType,
    Commendation,
    DesignationContent,
    Standing,
    UnitClass,
)
from services.cli import paper_text
from services.cli.papers import Kind
from tests.places import KUNSHAN, SUZHOU, ZHANGJIAGANG
from tests.world import fixed_world

NAMES = {SUZHOU: "苏州市人民政府办公室", KUNSHAN: "昆山市人民政府办公室"}


def shown(kind: Kind, content: Any, capsys: pytest.CaptureFixture[str]) -> str:
    built = content if isinstance(content, str) else msgspec.json.decode(msgspec.json.encode(content))
    paper_text.put(kind, built, NAMES)
    return capsys.readouterr().out


def test_a_bulletin_is_tables(capsys: pytest.CaptureFixture[str]) -> None:
    line = BulletinLine(
        unit=SUZHOU, unit_class=UnitClass.CITY, rank=1, adopted=2, points=Decimal(3), corrections=Decimal(-1),
        year_points=Decimal(9), missed=("research",),
    )  # fmt: skip
    content = BulletinContent(
        type=BulletinType.MONTHLY, period="2026-10", lines=(line,), rules=("2026-1",), text="【样例】"
    )
    said = shown(Kind.BULLETIN, content, capsys)
    for part in ("苏州市人民政府办公室", "设区市 / city", "调研信息 / research", "-1", "【样例】", "月度 / monthly"):
        assert part in said
    assert "year_points" not in said


def test_a_commendation_is_a_table_of_whom_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    named = Commendation(unit=KUNSHAN, person="【样例】信息员", title="先进个人")
    content = BulletinContent(
        type=BulletinType.COMMENDATION, period="2026", lines=(), commended=(named,), rules=(), text="【样例】"
    )
    said = shown(Kind.BULLETIN, content, capsys)
    assert all(part in said for part in ("昆山市人民政府办公室", "先进个人", "【样例】信息员"))
    assert "{" not in said


def test_a_designation_is_facts(capsys: pytest.CaptureFixture[str]) -> None:
    content = DesignationContent(
        unit=ZHANGJIAGANG,
        standing=Standing.DESIGNATED,
        replaces=KUNSHAN,
        effective_from="2026-12-01",
        grounds="【样例】",
    )
    said = shown(Kind.DESIGNATION, content, capsys)
    assert all(part in said for part in ("设立 / designate", f"{KUNSHAN} 昆山市", "2026-12-01", ZHANGJIAGANG))
    assert "{" not in said


def test_rules_are_their_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(Kind.RULES, 'version = "2026-1"\n[points.province]\n', capsys).splitlines() == [
        'version = "2026-1"', "[points.province]", "",
    ]  # fmt: skip


def test_names_are_those_of_the_directory_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    assert paper_text.names_here() == {}
    world = fixed_world()
    (tmp_path / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    assert paper_text.names_here() == {}
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "directory.json").write_bytes(next(iter(world.registry())).json())
    assert paper_text.names_here()[KUNSHAN] == world.state.name_of(KUNSHAN)
