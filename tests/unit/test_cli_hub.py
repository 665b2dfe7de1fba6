"""What contradicts itself is refused before anybody is asked for a password or reached."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.failures import Exit

RULES = Path(__file__).parents[2] / "deploy" / "sample" / "rules" / "default.toml"
ONE = str(UUID(int=1))


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), prog_name="yizhan")
    return result.exit_code, result.output


@pytest.mark.parametrize(("words", "code"), [
    (("forward", "320500", ONE, "--approve-as", "head"), "submit.sign_as"),
    (("forward", "320500", ONE, "--share", "0.5"), "decision.shares"),
    (("select", "320000"), "selection.what"),
    (("select", "320000", ONE, "--series", "x"), "selection.what"),
    (("select", "320000", "--outcome", ONE), "selection.outcome"),
    (("select", "320000", ONE, "--outcome", ONE, "--series", "x", "--issue", "1"), "selection.outcome"),
    (("query", "320500", ONE, "问"), "query.deadline"),
    (("query", "320500", ONE, " "), "query.no_text"),
    (("query", "320500", ONE, ""), "query.no_text"),
    (("issue", "series", "320500", "daily", "--name", ""), "series.no_name"),
    (("issue", "series", "320500", "daily", "--organ", " "), "series.no_name"),
    (("issue", "series", "320500", "--up", "320000"), "series.which"),
    (("issue", "series", "320500", "--remove"), "series.which"),
    (("issue", "series", "320500", "daily", "--remove", "--name", "要情"), "series.remove"),
    (("intake", "320500", "--assigned", "editor", "--unassigned"), "intake.assigned"),
    (("intake", "opinion", "320500", ONE, " "), "opinion.no_text"),
    (("query", "320500", ONE, "问", "--deadline", "明天"), "time.invalid"),
    (("appeal", "320582", "漏计"), "appeal.month"),
    (("adjust", "320500", "理由"), "adjust.unit"),
    (("adjust", "320500", "理由", "--appeal", ONE, "--rule", "late"), "adjust.unit"),
    (("adjust", "320500", "理由", "--unit", "320582", "--month", "2026-11"), "adjust.line"),
    (("adjust", "320500", "理由", "--appeal", ONE, "--points", "二"), "adjust.points"),
    (("adjust", "320500", "理由", "--appeal", ONE, "--points", "1.23456"), "adjust.points"),
    (("adjust", "320500", "理由", "--appeal", ONE, "--unit", "320582"), "adjust.line"),
    (("adjust", "320500", "理由", "--unit", "320582", "--month", "2026-11", "--points", "1"), "adjust.appeal"),
    (("rules", "publish", "320500", str(RULES), "--person", "lead"), "paper.own"),
    (("rules", "publish", "320500", str(RULES), "--approve-as", "editor"), "paper.own"),
    (("score", "standing", "320000", "2026", "--from", "2026-12-01"), "standing.save"),
    (("adjust", "320500", "理由", "--reverse", ONE, "--unit", "320582"), "adjust.reverse"),
    (("adjust", "320500", "理由", "--reverse", ONE, "--appeal", ONE), "adjust.reverse"),
    (("adjust", "320500", "理由", "--unit", "320582", "--month", "2026-11", "--rule", "a", "--points", "1"), "adjust.line"),
    (("paper", "add", "320500", "rules", "no-such-file"), "file.missing"),
])  # fmt: skip
def test_wrong_usage(words: tuple[str, ...], code: str) -> None:
    exit_code, said = run(*words)
    assert (exit_code, f"[{code}]" in said) == (Exit.USAGE, True), said


@pytest.mark.parametrize("text", ["", "只有标题", "只有标题\n \n", "\n\n"])
def test_a_text_needs_title_and_body(tmp_path: Path, text: str) -> None:
    file = tmp_path / "text"
    file.write_text(text, encoding="utf-8")
    exit_code, said = run("intake", "edit", "320500", ONE, str(file))
    assert (exit_code, "[text.incomplete]" in said) == (Exit.USAGE, True), said


def test_a_paper_that_is_none(tmp_path: Path) -> None:
    for name, data in (("not-utf8", b"\xff"), ("not-json", b"{")):
        file = tmp_path / name
        file.write_bytes(data)
        exit_code, said = run("paper", "add", "320500", "bulletin", str(file))
        assert (exit_code, "[paper.unreadable]" in said) == (Exit.USAGE, True), said


def test_rules_are_checked_alone_and_together(tmp_path: Path) -> None:
    exit_code, said = run("rules", "check", str(RULES), "--json")
    assert (exit_code, json.loads(said)[0]["version"]) == (Exit.GOOD, "2026-1")
    text = RULES.read_text(encoding="utf-8")
    twin, wrong = tmp_path / "twin.toml", tmp_path / "wrong.toml"
    twin.write_text(text.replace('"2026-1"', '"2026-2"'), encoding="utf-8")
    wrong.write_text(f"no_such_key = 1\n{text}", encoding="utf-8")
    for files, part in (((str(RULES), str(twin)), "2026-2"), ((str(wrong),), "wrong.toml:1")):
        exit_code, said = run("rules", "check", *files)
        assert (exit_code, "[rules.invalid]" in said, part in said) == (Exit.NOT_SO, True, True), said
    exit_code, said = run("rules", "publish", "320500", str(wrong))
    assert (exit_code, "[rules.invalid]" in said) == (Exit.NOT_SO, True), said
