"""docs/reference/rules.md names every key of a rule file and every reason, and cannot drift."""

from pathlib import Path

import msgspec
import pytest

from services.scoring.domain.rules import (
    Averaging,
    Base,
    Deduction,
    Effect,
    Merged,
    Repeated,
    Routes,
    RuleSet,
    Several,
    Worth,
)
from services.scoring.domain.whys import Why

PAGE = Path("docs/reference/rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("struct", [RuleSet, Routes, Base, Deduction])
def test_every_key_is_described(struct: type) -> None:
    for field in msgspec.structs.fields(struct):
        assert f"`{field.encode_name}`" in PAGE or f"`[{field.encode_name}" in PAGE, field.encode_name


@pytest.mark.parametrize("words", [Merged, Several, Repeated, Averaging, Effect, Worth])
def test_every_value_is_described(words: type[Merged]) -> None:
    for word in words:
        assert f'`"{word.value}"`' in PAGE, word


def test_every_reason_is_listed() -> None:
    for why in Why:
        assert f"| `{why.value}` | {why.zh} | {why.en} |" in PAGE
