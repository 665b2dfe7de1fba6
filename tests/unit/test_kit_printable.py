"""What came over the network shows as itself: in a log, in a JSON answer on a terminal."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli import output
from services.kit.printable import is_plain, plain_json

HOSTILE = "\x9b\x85\x7f\u202e\u2066\u200b\u2028\ufeff\U000e0041"
KEPT = "【样例】昆山：\u3000全角 空格\xa0①🙂"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_a_json_text_says_the_same_and_shows_plainly(text: str, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    document = {text: [text]}
    plain = plain_json(json.dumps(document, ensure_ascii=ascii_only, indent=2))
    assert json.loads(plain) == document
    assert all(is_plain(char) or char == "\n" for char in plain)


def test_what_shows_as_itself_is_left_alone() -> None:
    assert plain_json(KEPT) == KEPT == output.clean(KEPT)


def test_the_command_line_escapes_in_json_and_cuts_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_json({"title": HOSTILE + KEPT})
    output.put_json_line({"title": HOSTILE + KEPT})
    text = capsys.readouterr().out
    assert not set(text) & set(HOSTILE)
    assert KEPT in text
    assert json.loads(text.splitlines()[-1]) == {"title": HOSTILE + KEPT}
    assert not set(output.clean(HOSTILE)) & set(HOSTILE)


def test_a_log_line_is_one_plain_line() -> None:
    """In a process of its own: a log is configured once."""
    program = f"""
import structlog
from services.kit import log
log.configure("sample", "info")
structlog.get_logger().warning("odd", path={HOSTILE + KEPT!r}, other="\\n")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    (line,) = ran.stderr.decode().splitlines()
    assert not set(line) & set(HOSTILE)
    assert KEPT in line
    assert json.loads(line)["path"] == HOSTILE + KEPT
