"""The command tree: help in both languages, exit codes, quick start, the reference page."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli import helptext, reference
from services.cli.app import app
from services.cli.failures import Exit, one_line
from services.cli.tree import EXIT_CODES

HEAVY = ("aiohttp", "aio_pika", "asyncpg", "cryptography", "rich.console")


def _walk(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from _walk(command, (*path, name))


ALL = list(_walk(typer.main.get_command(app)))


def _run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), prog_name="yizhan", env={"COLUMNS": "80"})


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_page_is_in_both_languages_and_names_the_exit_codes(path: tuple[str, ...]) -> None:
    result = _run(*path, "--help")
    assert result.exit_code == 0
    assert result.stderr == ""
    zh, slash, en = result.stdout.splitlines()[2].partition("/")
    assert slash
    assert _is_chinese(zh)
    assert en.strip()
    assert not _is_chinese(en)
    for code, zh, en in EXIT_CODES:
        assert f"{code}  {zh} / {en}" in result.stdout


def test_every_parameter_is_explained_in_both_languages() -> None:
    silent = [
        (path, param.name)
        for path in ALL
        for param in _command(path).params
        if param.name not in ("install_completion", "show_completion")
        if not (_is_chinese(param.help or "") and " / " in f"{param.help} ".replace("）/", "） /"))
    ]
    assert silent == []


def _command(path: tuple[str, ...]) -> Any:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    return command


def test_pages_fit_the_terminal() -> None:
    for path in ALL:
        page = _run(*path, "--help").stdout.partition("退出码 / Exit codes")[0]
        assert max(map(helptext.columns, page.splitlines())) <= 80, path


def test_wrapping_loses_nothing_and_keeps_within_the_width() -> None:
    text = "省级办公室收到各单位报送的政务信息，予以采编、计分。/ The office receives what units report."
    lines = helptext.wrapped(text, 30, "  ")
    assert max(map(helptext.columns, lines)) <= 30
    assert "".join(line.strip() for line in lines).replace(" ", "") == text.replace(" ", "")


def test_the_tree_imports_nothing_heavy() -> None:
    check = f"import sys, services.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_the_reference_page_is_what_the_tree_says() -> None:
    assert reference.main(["--check"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("frob",),
        ("submit",),
        ("search", "--limit", "0"),
        ("search", "--from", "yesterday"),
        ("trail", "not-an-id"),
        ("tail", "--kind", "gossip"),
        ("tail", "--from", "yesterday"),
        ("node", "approve", "x.json", "--kind", "village"),
        ("score", "month", "--no-such"),
        ("adopt", "320000"),
        ("adopt", "320000", "01940000-0000-7000-8000-000000000000", "--decline", "--reason", "x", "--final"),
        ("issue", "add", "320000", "01940000-0000-7000-8000-000000000000"),
        ("issue", "document", "320000", "01940000-0000-7000-8000-000000000000", "issue.doc"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_2(words: tuple[str, ...]) -> None:
    result = _run(*words)
    assert result.exit_code == Exit.USAGE
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert _is_chinese(result.stderr)
    assert "[" in result.stderr


def test_without_a_command_the_help_is_shown() -> None:
    result = _run()
    assert result.exit_code == Exit.USAGE
    assert "用法 / Usage" in result.stderr


def test_a_service_without_settings_says_so_and_exits_78(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    monkeypatch.delenv("YIZHAN_CONFIG", raising=False)
    result = subprocess.run(
        [sys.executable, "-m", "services.cli", "router"], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == Exit.SETTINGS
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_completion_is_offered() -> None:
    """As a shell asks for it; which shell it is cannot be told in a test run without a terminal."""
    asked = {**os.environ, "_YIZHAN_COMPLETE": "complete_bash", "COMP_WORDS": "yizhan sea", "COMP_CWORD": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "services.cli"], env=asked, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.stdout.split() == ["search"]


def test_a_line_stays_one_line_whatever_it_holds() -> None:
    assert one_line("code", "中文\n换行", "two\x1b[2Jlines") == "yizhan: 中文 换行 / two [2Jlines [code]"
