"""What a newcomer types wrongly is answered at once, before anything is installed."""

import subprocess
from pathlib import Path

import pytest

BIN = Path(__file__).parents[2] / "bin"


@pytest.mark.parametrize(
    "words", [("test", "nosuchpart"), ("test", "unitt", "-k", "x"), ("setup", "--nosuch")], ids=" ".join
)
def test_wrong_usage_is_said_in_both_languages(words: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / words[0], *words[1:]], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert " / " in line
    assert words[1] in line


def test_help_is_one_page() -> None:
    for name in ("test", "setup"):
        done = subprocess.run([BIN / name, "--help"], capture_output=True, text=True, check=True, timeout=20)
        assert f"bin/{name}" in done.stdout
