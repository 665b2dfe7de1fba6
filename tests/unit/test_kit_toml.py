"""TOML from strangers: what would cost a machine its memory is refused before it is parsed."""

import time

import pytest

from services.kit.toml import MAX_CHARS, MAX_DOTS, TomlTooLargeError, read_toml


@pytest.mark.parametrize(
    "text", ["a" + ".a" * 60_000 + " = 1", "[a" + ".a" * 60_000 + "]", "x = [" + "1.5, " * 30_000 + "]"]
)
def test_a_line_of_countless_parts_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(TomlTooLargeError) as refused:
        read_toml(f"version = 'x'\n{text}")
    assert refused.value.line == 2
    assert time.perf_counter() - begun < 1


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(TomlTooLargeError):
        read_toml("#" * (MAX_CHARS + 1))


def test_what_is_within_bounds_is_read() -> None:
    assert read_toml("a" + ".a" * 3 + " = 1\r\n[b]\nc = [" + "0.5, " * (MAX_DOTS - 1) + "]")["a"] == {
        "a": {"a": {"a": 1}}
    }
