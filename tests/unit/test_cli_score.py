"""``yizhan score``: what is asked is what the scoring service takes, and what it answers is what is shown."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner

from proto.messages import BulletinContent, BulletinLine, BulletinType, Commendation, Level, Standing, UnitClass
from services.cli import asking, client, score_bulletin, score_records
from services.cli.app import app
from services.cli.failures import Exit
from services.cli.papers import Kind as PaperWord
from services.gateway.domain.papers import PaperKind, read_paper
from services.scoring.domain.awards import Nominee
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.obligations import Obligation, State
from services.scoring.domain.standing import Proposal, Record
from services.scoring.domain.trial import Change
from services.scoring.views import Explained, ExplainQuery, Explanation, MonthTable, UnitLine
from services.scoring.views.bulletins import Drafted, DraftQuery, YearLine, YearTable
from services.scoring.views.records import (
    AwardsProposal,
    AwardsQuery,
    Calendar,
    CalendarQuery,
    StandingProposal,
    StandingQuery,
)
from services.scoring.views.rules import Draft, Trial

ID = UUID("01940000-0000-7000-8000-000000000000")
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
THREE = Decimal(3)
RULES = Path(__file__).parents[2] / "deploy/sample/rules/default.toml"
ENTRY = Entry(
    id=ID, event=ID, report=ID, unit="320500", hub="320000", level=Level.PROVINCE, month="2026-11", at=AT, series="daily",
    issue="7", kind=Kind.ADOPTED, items=1, points=Decimal("3.0000"), rule_version="2026-1", rule="points.province.daily",
)  # fmt: skip


class Service:
    """Stands where HTTP would be: holds query and body to the service's own types and answers with its own structs."""

    def __init__(self, *answers: tuple[Any, Any]) -> None:
        self.answers = list(answers)  # type of the query or body, answer
        self.asked: list[Any] = []
        self.paths: list[str] = []

    def __call__(self, _base: str, _service: str, path: str, *, body: Any = None, **query: Any) -> Any:
        kind, answer = self.answers[len(self.paths)]
        self.paths.append(path)
        sent = {name: client._parameter(value) for name, value in query.items() if value not in (None, "")}
        given = msgspec.json.decode(msgspec.json.encode(body)) if body is not None else sent
        self.asked.append(msgspec.convert(given, kind, strict=body is not None))
        return msgspec.json.decode(msgspec.json.encode(answer))


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Takes no parameters."""


@pytest.fixture(autouse=True)
def _operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)


def _serve(monkeypatch: pytest.MonkeyPatch, *answers: tuple[Any, Any]) -> Service:
    service = Service(*answers)
    monkeypatch.setattr(asking, "ask_service", service)
    return service


def _run(*words: str, code: int = Exit.GOOD) -> str:
    result = CliRunner().invoke(app, ["score", *words], prog_name="yizhan")
    assert result.exit_code == code, result.output
    return str(result.output)


def test_month_shows_the_table_of_this_month_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    line = UnitLine(
        unit="320500", name="苏州市人民政府办公室", unit_class=UnitClass.CITY, adopted=2, merged=1,
        points=Decimal("18.9"), year_points=Decimal("40.1"),
    )  # fmt: skip
    table = MonthTable(
        hub="320000", month="2026-11", lines=[line], adopted=2, merged=1, points=Decimal("18.9"), year_points=Decimal("40.1"),
    )  # fmt: skip
    service = _serve(monkeypatch, *[(NoQuery, table)] * 3)
    said = _run("month", "320500", "2026-11")
    for part in ("苏州市人民政府办公室", "设区市 / city", "18.9", "40.1"):
        assert part in said
    assert json.loads(_run("month", "--json"))["points"] == "18.9"
    _run("month", "320200")
    assert service.paths[0] == "/api/v1/months/320500/2026-11"
    assert [path.rpartition("/")[0] for path in service.paths[1:]] == ["/api/v1/months/320000", "/api/v1/months/320200"]
    assert service.paths[1][-7:-3].isdigit()


@pytest.mark.parametrize(("token", "reader"), [("", ""), ("a-units-token", "320500")])
def test_explain_leads_each_point_to_item_issue_rule_and_why(
    monkeypatch: pytest.MonkeyPatch, token: str, reader: str
) -> None:
    lines = [
        Explained(hub="320000", entry=ENTRY, points=THREE, why="", rule="2026-1/points.province.daily",
                  zh="省级采用于daily 第7期：3 分（规则 2026-1/points.province.daily）", en="adopted, in daily 7: 3 points"),
        Explained(hub="320000", entry=None, points=Decimal(-1), why="capped", rule="2026-1/caps.month",
                  zh="超过封顶部分，不计：-1 分", en="beyond the cap, does not count: -1 points"),
    ]  # fmt: skip
    answer = Explanation(unit="320500", month="2026-11", points=Decimal(2), lines=lines)
    service = _serve(monkeypatch, (ExplainQuery, answer), (ExplainQuery, answer))
    if token:
        monkeypatch.setenv("YIZHAN_TOKEN", token)
    said = _run("explain", "320500", "2026-11", "--hub", "320000")
    assert "320000：2 分 / points" in said
    assert "3.0000" not in said
    assert service.asked[0] == ExplainQuery(hub="320000", reader=reader)
    for part in (
        str(ID),
        "in daily 7",
        "规则 2026-1/points.province.daily",
        "超过封顶部分，不计：-1 分",
        "beyond the cap",
    ):
        assert part in said
    assert json.loads(_run("explain", "320500", "2026-11", "--json"))["lines"][1]["entry"] is None


def test_year_ranks_and_says_what_is_not_stated_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    line = YearLine(
        unit="320500", name="苏州市人民政府办公室", unit_class=UnitClass.CITY, rank=1, adopted=4, points=THREE,
        stated=Decimal(1), open=Decimal(2),
    )  # fmt: skip
    service = _serve(monkeypatch, (NoQuery, YearTable(hub="320000", year=2026, lines=[line])))
    assert "苏州市人民政府办公室" in _run("year", "320000", "2026")
    assert service.paths == ["/api/v1/hubs/320000/years/2026"]


def _draft(**changes: Any) -> Drafted:
    line = BulletinLine(
        unit="320500", unit_class=UnitClass.CITY, rank=1, adopted=2, points=THREE, corrections=Decimal(-1),
        year_points=Decimal(9), missed=("research",),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "type": BulletinType.MONTHLY, "period": "2026-10", "lines": (line,), "rules": ("2026-1",), "text": "现予通报。",
    }  # fmt: skip
    return Drafted(
        content=BulletinContent(**(fields | changes)), details_left_out=False, forbidden="bulletin.month_open"
    )


def test_bulletin_shows_the_draft_with_names(monkeypatch: pytest.MonkeyPatch) -> None:
    name = YearLine(
        unit="320500", name="苏州市人民政府办公室", unit_class=UnitClass.CITY, rank=1, adopted=4, points=THREE,
        stated=THREE, open=THREE,
    )  # fmt: skip
    names = YearTable(hub="320000", year=2026, lines=[name])
    service = _serve(monkeypatch, (DraftQuery, _draft()), (NoQuery, names))
    said = _run("bulletin", "320000", "2026-10", "--preview")
    assert service.asked[0] == DraftQuery(type=BulletinType.MONTHLY, period="2026-10", preview=True)
    for part in ("苏州市人民政府办公室", "现予通报。", "research", "bulletin.month_open", "-1"):
        assert part in said


@pytest.mark.parametrize(("words", "type"), [
    ((), BulletinType.YEARLY), (("--type", "commendation"), BulletinType.COMMENDATION),
])  # fmt: skip
def test_bulletin_of_a_year(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], type: BulletinType) -> None:
    named = Commendation(unit="320500", person="【样例】信息员", title="先进个人")
    answer = _draft(type=type, period="2025", lines=(), commended=(named,) if words else ())
    service = _serve(monkeypatch, (DraftQuery, answer))
    assert json.loads(_run("bulletin", "320000", "2025", *words, "--json"))["content"]["type"] == type
    assert service.asked == [DraftQuery(type=type, period="2025")]


def test_records_are_shown_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    owed = Obligation(
        unit="320500", unit_class=UnitClass.CITY, code="research", owed=1, sent=0, done=Decimal(0), state=State.MISSED
    )
    county = Record(
        unit="320583", name="昆山市人民政府办公室", city="320500", direct=True, points=THREE, city_points=THREE, adopted=1,
        missed=3, staff=1,
    )  # fmt: skip
    proposal = Proposal(rank=1, record=county, step=Standing.WARNED, zh="专职不足", en="lacks staff")
    best = Nominee(
        unit="320500",
        unit_class=UnitClass.CITY,
        rank=1,
        points=THREE,
        by_year={2025: THREE},
        people=("【样例】信息员",),
    )
    service = _serve(
        monkeypatch,
        (CalendarQuery, Calendar(hub="320000", month="2026-10", over=True, obligations=[owed])),
        (StandingQuery, StandingProposal(hub="320000", year=2026, proposals=[proposal])),
        (AwardsQuery, AwardsProposal(hub="320000", years=[2024, 2025], nominees=[best])),
    )
    for words, parts in (
        (("obligations", "320000", "2026-10", "320500"), ("缺报 / missed", "调研信息 / research")),
        (("standing", "320000", "2026", "--places", "0", "--tolerated", "1"), ("昆山", "预警 / warn", "专职不足")),
        (("awards", "320000", "2025", "--places", "1"), ("【样例】信息员", "2025: 3", "2024")),
    ):
        said = _run(*words)
        assert all(part in said for part in parts), said
    assert service.asked == [CalendarQuery(unit="320500"), StandingQuery(places=0, tolerated=1), AwardsQuery(places=1)]


def test_a_unit_with_two_accounts_has_a_sum_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        Explained(hub=hub, entry=ENTRY, points=Decimal(points), why="", rule="r", zh="甲", en="a")
        for hub, points in (("320000", "3.0000"), ("320500", "2"), ("320500", "-0.5"))
    ]
    _serve(monkeypatch, (ExplainQuery, Explanation(unit="320583", month="2026-11", points=Decimal("4.5"), lines=lines)))
    said = _run("explain", "320583", "2026-11")
    assert all(part in said for part in ("320000：3 分", "320500：1.5 分"))
    assert "4.5" not in said


def _proposed(unit: str, step: Standing | None, replaces: str | None = None) -> Proposal:
    county = Record(
        unit=unit, name="【样例】县", city="320500", direct=True, points=THREE, city_points=THREE, adopted=1, missed=3, staff=1,
    )  # fmt: skip
    return Proposal(rank=1, record=county, step=step, replaces=replaces, zh="专职不足", en="lacks staff")


def test_what_is_proposed_is_saved_as_a_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []

    def save(kind: PaperWord, hub: str, content: Any, *_: Any) -> dict[str, Any]:
        handed.append((kind, hub, content))
        return {"id": str(ID), "state": "draft", "author": "editor"}

    proposals = [
        _proposed("320583", Standing.REVOKED),
        _proposed("320582", Standing.DESIGNATED, "320583"),
        _proposed("320581", None),
    ]
    answer = StandingProposal(hub="320000", year=2026, proposals=proposals)
    _serve(monkeypatch, *[(StandingQuery, answer)] * 3)
    monkeypatch.setattr(score_records, "save", save)
    said = _run("standing", "320000", "2026", "--save", "320582", "--from", "2026-12-01")
    assert str(ID) in said
    assert f"yizhan paper approve 320000 {ID}" in said
    _run("standing", "320000", "2026", "--save", "320583", "--grounds", "【样例】另有依据")
    (first, second) = handed
    assert first == (PaperWord.DESIGNATION, "320000", {
        "unit": "320582", "standing": "designated", "replaces": "320583", "effective_from": "2026-12-01", "grounds": "专职不足",
    })  # fmt: skip
    assert (second[2]["standing"], second[2]["grounds"]) == ("revoked", "【样例】另有依据")
    for _, _, content in handed:
        read_paper(PaperKind.DESIGNATION, msgspec.json.encode(content))
    assert "[standing.nothing_proposed]" in _run("standing", "320000", "2026", "--save", "320581", code=Exit.NOT_SO)


def test_a_saved_bulletin_says_its_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = {"id": str(ID), "state": "draft", "author": "lead"}
    monkeypatch.setattr(score_bulletin, "save", lambda *_: paper)
    names = YearTable(hub="320000", year=2026, lines=[])
    _serve(monkeypatch, (DraftQuery, _draft()), (NoQuery, names), (DraftQuery, _draft()), (NoQuery, names))
    said = _run("bulletin", "320000", "2026-10", "--save")
    for part in (f"已存为文稿 {ID}，由 lead 起草", "由 lead 以外的人签发", f"yizhan paper drop 320000 {ID}"):
        assert part in said
    paper["state"] = "approved"
    assert "此前已签发" in _run("bulletin", "320000", "2026-10", "--save")


def test_try_sends_the_file_and_shows_each_units_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change(unit="320500", now=THREE, then=Decimal(5), difference=Decimal(2))
    trial = Trial(
        version="2027-1", months=["2026-09", "2026-10"], changes=[change], now=THREE, then=Decimal(5),
        forbidden="rules.used", forbidden_detail="2027-1", unknown_series=["daily", "special"],
    )  # fmt: skip
    service = _serve(monkeypatch, (Draft, trial))
    said = _run("try", "320000", str(RULES), "--months", "2")
    assert service.asked == [Draft(content=RULES.read_text(encoding="utf-8"), months=2)]
    assert all(
        part in said for part in ("320500", "2027-1", "rules.used", "2026-09 … 2026-10", "草案未列", "daily、special")
    )


@pytest.mark.parametrize(("words", "code"), [
    (("bulletin", "320000", "2026-10", "--preview", "--save"), "bulletin.preview"),
    (("bulletin", "320000", "2026-10", "--document", "x.doc"), "document.form"),
    (("recompute",), "recompute.whose"),
    (("recompute", "--hub", "320000", "--month", "2026-13"), "month.invalid"),
    (("recompute", "--hub", "320000", "--from", "a", "--keep", "a"), "recompute.keep"),
    (("try", "320000", "no-such-file"), "file.missing"),
    (("320500", "2026-11"), "usage"),
])  # fmt: skip
def test_wrong_usage(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str) -> None:
    _serve(monkeypatch)
    assert f"[{code}]" in _run(*words, code=Exit.USAGE)
