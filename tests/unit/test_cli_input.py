"""What people hand to the command line: contents, decisions, times, secrets."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from proto.errors import RefusedError
from services.cli import adopting, content, decisions, moments, output, work
from services.cli.app import app
from services.cli.failures import CliError, Exit

FIRST, SECOND, THIRD = (UUID(int=n) for n in (1, 2, 3))
REPORT = {"title": "标题（样例）", "body": "【样例】正文", "category": "experience", "sources": ["样例"]}
TOML = """
title = "标题（样例）"
body = "【样例】正文"
category = "experience"
sources = ["样例"]
research = true
joint = ["320200", "320000-fgw"]
event_at = 2026-11-23T08:00:00+08:00
about = "01940000-0000-7000-8000-000000000000"
"""


def _ask(reports: list[UUID], **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "shares": [], "series": "", "issue": "", "decline": False, "send_back": False, "reverse": None, "reason": "",
    }  # fmt: skip
    return decisions.request(reports, **(asked | changes))


def test_json_and_toml_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(REPORT), encoding="utf-8")
    (tmp_path / "a.toml").write_text(TOML, encoding="utf-8")
    plain, none = content.read(str(tmp_path / "a.json"))
    toml, about = content.read(str(tmp_path / "a.toml"))
    assert (plain.joint, toml.joint) == ((), ("320200", "320000-fgw"))
    assert (plain.title, none) == (toml.title, None)
    assert toml.event_at is not None
    assert about == UUID("01940000-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category": ""}, "report.no_category"),
        ({"event_at": "2026-11-23T08:00:00"}, "payload.naive_time"),
        ({"sources": []}, "report.invalid"),
        ({"research": True, "joint": ["无锡"]}, "report.invalid"),
        ({"colour": "red"}, "payload.unknown_field"),
    ],
)
def test_a_content_that_breaks_a_rule_is_refused_with_the_networks_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(REPORT | change), encoding="utf-8")
    with pytest.raises(RefusedError) as refused:
        content.read(str(path))
    assert refused.value.reason == reason
    result = CliRunner().invoke(app, ["submit", str(path), "--node", "320583", "--person", "officer"])
    assert result.exit_code == Exit.NOT_SO
    assert reason in result.stderr


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"title = ", b"[1]", b'"x"'])
def test_what_is_no_content_is_wrong_usage(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(CliError) as error:
        content.read(str(tmp_path / "a.json"))
    assert error.value.exit_code is Exit.USAGE


def test_one_report_is_adopted_and_several_are_merged() -> None:
    one = _ask([FIRST], series="daily")
    assert one == {"verdict": "adopted", "items": [{"report": FIRST, "share": Decimal(1)}]}
    many = _ask([FIRST, SECOND, THIRD], series="daily", issue="7")
    assert many["verdict"] == "merged"
    assert sum(item["share"] for item in many["items"]) == 1
    given_shares = _ask([FIRST, SECOND], series="daily", issue="7", shares=["0.3", "0.7"])
    assert [item["share"] for item in given_shares["items"]] == [Decimal("0.3"), Decimal("0.7")]


@given(st.integers(1, 100))
def test_even_shares_always_add_up_to_one(count: int) -> None:
    asked = decisions.item([UUID(int=n) for n in range(count)], shares=[])
    assert sum(item["share"] for item in asked["items"]) == 1
    assert all(item["share"] > 0 for item in asked["items"])


def test_declining_returning_and_reversing() -> None:
    assert _ask([FIRST], decline=True, reason="重复")["verdict"] == "declined"
    assert _ask([FIRST], send_back=True, reason="补充来源")["verdict"] == "returned"
    reversal = _ask([], reverse=SECOND, reason="计算有误")
    assert (reversal["verdict"], reversal["reverses"]) == ("reversed", SECOND)
    with pytest.raises(CliError, match=r"decision\.reversal"):
        _ask([], reverse=SECOND, reason="计算有误", series="daily", issue="1")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"issue": "1"},
        {"series": "daily", "reason": "x"},
        {"decline": True},
        {"decline": True, "send_back": True, "reason": "x"},
        {"decline": True, "reason": "x", "series": "daily"},
        {"reverse": SECOND, "reason": "x"},
        {"series": "daily", "issue": "1", "shares": ["0.5"]},
        {"series": "daily", "issue": "1", "shares": ["0.5", "0.5"]},
        {"series": "daily", "issue": "1", "shares": ["NaN"]},
        {"series": "daily", "issue": "1", "shares": ["half"]},
    ],
)
def test_decisions_that_contradict_themselves_are_wrong_usage(changes: dict[str, Any]) -> None:
    with pytest.raises(CliError) as error:
        _ask([FIRST], **changes)
    assert error.value.exit_code is Exit.USAGE


def test_an_issue_is_named_by_its_number() -> None:
    assert [adopting.issue_number(text) for text in ("", "7", "017")] == [None, 7, 17]
    for text in ("0", "-1", "2026-7", "７", "1000001"):
        with pytest.raises(CliError) as error:
            adopting.issue_number(text)
        assert error.value.code == "issue.number"


def test_a_time_without_a_zone_is_chinese_time() -> None:
    assert moments.parse("2026-11-23").isoformat() == "2026-11-23T00:00:00+08:00"
    assert moments.parse("2026-11-23T01:00:00Z").utcoffset() == moments.parse("2026-11-23T01:00Z").utcoffset()


def test_imports_are_cut_into_parts_that_keep_their_line_numbers() -> None:
    lines = [b"{}"] * 2_500
    parts = work._parts(lines)
    assert [(start, len(part)) for start, part in parts] == [(0, 1_000), (1_000, 1_000), (2_000, 500)]
    big = [b"x" * 2_000_000] * 3
    assert [start for start, _ in work._parts(big)] == [0, 1, 2]


def test_text_from_the_network_cannot_move_the_cursor() -> None:
    assert "\x1b" not in output.clean("\x1b[2J标题\u202e")


def test_who_is_asked_for_where_neither_token_nor_person_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    result = CliRunner().invoke(app, ["submit", str(path)])
    assert result.exit_code == Exit.USAGE
    assert "who.needed" in result.stderr


@pytest.mark.parametrize("words", [("search", "x"), ("status",), ("tail",), ("dead", "list")], ids=" ".join)
def test_where_no_network_is_the_commands_say_so(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("YIZHAN_TOKEN", "YIZHAN_AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    result = CliRunner().invoke(app, list(words), prog_name="yizhan")
    assert result.exit_code == Exit.CANNOT
    assert "place.none" in result.stderr
    assert result.stdout == ""
