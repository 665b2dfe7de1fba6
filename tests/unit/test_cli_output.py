"""What people see: China's time to the minute, ids whole, nothing wider than it should be."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.cli import helptext, output

AT = "2026-11-23T20:41:59.123+00:00"
ID = str(UUID(int=2**127))


def test_times_are_chinas_to_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert output.shown(output.time_of(AT)) == output.china_time(datetime.fromisoformat(AT)) == "2026-11-24 04:41"
    assert output.shown(output.time_of(None)) == ""


def test_json_has_the_time_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_json({"at": datetime(2026, 11, 23, 20, 41, 59, tzinfo=UTC)})
    assert "2026-11-23T20:41:59Z" in capsys.readouterr().out


def test_ids_and_times_stay_whole_where_there_is_room(capsys: pytest.CaptureFixture[str]) -> None:
    row = (ID, "题" * 200, output.time_of(AT), "待采编 / pending\neditor")
    output.put_table(("编号 / id", "标题 / title", "收到 / received", "状态 / state"), [row], widest=120)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(helptext.columns, lines)) <= 120
    assert any(ID in line and "2026-11-24 04:41" in line for line in lines)


def test_headings_give_way_before_ids_do(capsys: pytest.CaptureFixture[str]) -> None:
    headings = ("编号 / id", "刊物 / series", "期 / issue", "总期 / total", "日期 / day", "条 / items", "定版 / final")
    row = (ID, "daily", "2026-001", 1, "2026-11-24", 3, output.time_of(AT))
    for widest in (150, 120, 110):
        output.put_table(headings, [row], widest=widest)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(helptext.columns, lines)) <= widest
        (line,) = [line for line in lines if ID in line]
        assert line.split() == [ID, "daily", "2026-001", "1", "2026-11-24", "3", "2026-11-24", "04:41"]
        assert "series" in "".join(lines)


def test_nothing_is_lost_where_there_is_no_room(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_table(("id", "id", "id"), [(ID, ID, "x" * 36)], widest=60)
    printed = capsys.readouterr().out
    assert max(map(helptext.columns, printed.splitlines())) <= 60
    assert printed.count("x") == 36


def test_a_table_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_table(("编号 / id", "标题 / title"), [], widest=120)
    assert "编号 / id" in capsys.readouterr().out


def test_long_texts_are_wrapped_and_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_text("甲" * 120 + "\n\n\x1b[2J乙", indent="    ")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(helptext.columns, lines)) <= 100
    assert lines[-2:] == ["", "    �[2J乙"]
    assert "".join(lines).count("甲") == 120
