"""Looking things up: what is asked is what the services take, and what they answer is what is shown."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner

from proto.messages import Category
from services.archive.domain.highlight import Piece
from services.archive.domain.trail import Step
from services.archive.views.messages import ReaderParams, Trail
from services.archive.views.search import Hit, SearchAnswer, SearchParams
from services.cli import asking, client
from services.cli.app import app
from services.cli.failures import Exit

ID = UUID("01940000-0000-7000-8000-000000000000")
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Service:
    """Stands where HTTP would be: holds the query to the service's own type and answers with the service's own struct."""

    def __init__(self, query: Any, answer: Any) -> None:
        self.query = query
        self.answer = answer
        self.asked: Any = None
        self.path = ""

    def __call__(self, _base: str, _service: str, path: str, **query: Any) -> Any:
        self.path = path
        sent = {name: client._parameter(value) for name, value in query.items() if value not in (None, "")}
        self.asked = msgspec.convert(sent, self.query, strict=False)
        return msgspec.json.decode(msgspec.json.encode(self.answer))


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Takes no parameters."""


def _serve(monkeypatch: pytest.MonkeyPatch, query: Any, answer: Any) -> Service:
    service = Service(query, answer)
    monkeypatch.setattr(asking, "ask_service", service)
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    return service


def _run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), prog_name="yizhan")


def test_search_asks_what_the_archive_takes_and_marks_hits(monkeypatch: pytest.MonkeyPatch) -> None:
    hit = Hit(
        id=ID, origin="320583", title=[Piece("昆山", hit=True), Piece("\x1b[2J标题", hit=False)],
        snippet=[Piece("摘要", hit=False)], category=Category.EXPERIENCE, sent_at=AT, adopted=True, same_as=(),
    )  # fmt: skip
    service = _serve(monkeypatch, SearchParams, SearchAnswer(total=41, hits=[hit]))
    filters = ("--as", "320500", "--unit", "320583", "--category", "experience")
    more = ("--not-adopted", "--from", "2026-11-01", "--to", "2026-11-30", "--limit", "5", "--newest")
    result = _run("search", *filters, *more, "--", "昆山", "一日 办结", "-外贸")
    assert result.exit_code == Exit.GOOD, result.stderr
    asked = service.asked
    assert asked.q == '昆山 "一日 办结" -外贸'
    assert (asked.reader, asked.origin, asked.category) == ("320500", "320583", Category.EXPERIENCE)
    assert (asked.adopted, asked.limit, asked.order) == (False, 5, "newest")
    assert (asked.from_.isoformat(), asked.to.isoformat()) == ("2026-11-01", "2026-11-30")
    assert "昆山" in result.stdout
    assert "41" in result.stdout
    assert "\x1b[2J" not in result.stdout


def test_search_without_filters_sends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    service = _serve(monkeypatch, SearchParams, SearchAnswer(total=0, hits=[]))
    result = _run("search", "--json")
    assert json.loads(result.stdout) == {"total": 0, "hits": []}
    assert service.asked == SearchParams(reader="320000")


def test_trail_shows_each_step_with_its_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        Step(at=AT, what="sent", by="320583", message=ID, verified=True),
        Step(at=AT, what="signed_off", by="320583", person="lead", role="office_lead", message=ID, verified=False,
             problem="sign_off.invalid"),
    ]  # fmt: skip
    answer = Trail(id=ID, origin="320583", digest="ab" * 32, stored_at=AT, refused=False, steps=steps)
    service = _serve(monkeypatch, ReaderParams, answer)
    result = _run("trail", str(ID), "--as", "320583")
    assert result.exit_code == Exit.GOOD, result.stderr
    assert service.path == f"/api/v1/trail/{ID}"
    assert "✘ sign_off.invalid" in result.stdout
    assert "lead office_lead" in result.stdout
    assert json.loads(_run("trail", str(ID), "--json").stdout)["steps"][0]["what"] == "sent"


def test_export_writes_what_verify_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    envelope = {"payloadType": "t", "payload": "e30=", "signatures": []}
    _serve(monkeypatch, ReaderParams, envelope)
    assert json.loads(_run("export", str(ID)).stdout) == envelope
    assert _run("export", str(ID), "--out", str(tmp_path / "m.json")).exit_code == Exit.GOOD
    assert json.loads((tmp_path / "m.json").read_text()) == envelope
