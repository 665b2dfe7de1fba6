"""``yizhan up`` where it cannot run: refused before anything is made, in one line that says why."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import up
from services.cli.app import app
from services.cli.failures import CliError, Exit
from services.cli.network.given import Given


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("YIZHAN_AMQP_URL", "http://user:secret@host/"),
        ("YIZHAN_AMQP_URL", "amqp://"),
        ("YIZHAN_AMQP_URL", "amqp://user:secret@host:many/"),
        ("YIZHAN_AMQP_URL", "amqp://user:secret@[::1/"),
        ("YIZHAN_DATABASE_URL", "mysql://user:secret@host/x"),
        ("YIZHAN_DATABASE_URL", "secret"),
    ],
)
def test_what_is_no_url_of_a_server_is_a_wrong_setting(
    variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("YIZHAN_AMQP_URL", "YIZHAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, url)
    with pytest.raises(CliError) as refused:
        Given.pop()
    assert refused.value.exit_code is Exit.SETTINGS
    assert variable in refused.value.line()
    assert "secret" not in refused.value.line()


def test_the_servers_of_our_own_are_those_that_are_not_given() -> None:
    assert Given(amqp_url="", database_url="").private == {"postgres": "PostgreSQL", "rabbitmq": "RabbitMQ"}
    assert Given(amqp_url="amqp://b", database_url="").private == {"postgres": "PostgreSQL"}
    assert Given(amqp_url="amqp://b", database_url="postgresql://d").private == {}


def _refused_up(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Any:
    for name in ("YIZHAN_AMQP_URL", "YIZHAN_DATABASE_URL", "YIZHAN_VAR", "YIZHAN_PORT_BASE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(up.log, "configure", lambda *_: None)  # it would outlive the runner's stderr
    return CliRunner().invoke(app, ["up", "--once"], prog_name="yizhan")


@pytest.mark.parametrize(
    ("environment", "status", "code"),
    [
        ({"YIZHAN_PORT_BASE": "many"}, Exit.SETTINGS, "port_base.number"),
        ({"YIZHAN_PORT_BASE": "80"}, Exit.SETTINGS, "port_base.range"),
        ({"YIZHAN_AMQP_URL": "amqp"}, Exit.SETTINGS, "amqp_url.invalid"),
        ({"YIZHAN_VAR": "{folder}/file"}, Exit.CANNOT, "var.not_folder"),
        ({"YIZHAN_VAR": "{folder}/file/below"}, Exit.CANNOT, "var.not_folder"),
        ({"YIZHAN_VAR": "{folder}/驿站"}, Exit.CANNOT, "var.not_plain"),
    ],
    ids=str,
)
def test_a_start_that_cannot_be_is_refused_in_both_languages_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], status: Exit, code: str
) -> None:
    (tmp_path / "file").touch()
    given = {"YIZHAN_VAR": str(tmp_path / "var")} | {
        name: value.format(folder=tmp_path) for name, value in environment.items()
    }
    result = _refused_up(monkeypatch, **given)
    assert (result.exit_code, result.stdout) == (status, ""), result.stderr
    (line,) = result.stderr.splitlines()
    assert f"[{code}]" in line
    zh, _, en = line.partition(" / ")
    assert any("\u4e00" <= c <= "\u9fff" for c in zh)
    assert en
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_lines_of_progress_are_not_cut_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    up.Screen().say("路径 " + "长" * 100, "[path] " + "long " * 40)
    (line,) = capsys.readouterr().err.splitlines()
    assert "[path] long" in line
