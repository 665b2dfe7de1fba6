"""``adopt --final`` is for an issue that holds nothing else, even where somebody puts something in meanwhile."""

import asyncio
from typing import Any

import pytest

from services.cli import adopting
from services.cli.failures import CliError

DRAFT = {"id": "d1", "series": "daily", "issue": "2026-012"}


class Editor:
    """Stands where HTTP would be: shows an issue of these items and remembers what is taken out."""

    def __init__(self, *items: str) -> None:
        self.items = items
        self.taken: list[str] = []

    async def get(self, _path: str) -> Any:
        return {"items": [{"id": item} for item in self.items], "digest": "seen"}

    async def call(self, method: str, path: str) -> None:
        self.taken.append(f"{method} {path}")


def alone(editor: Any) -> str:
    return asyncio.run(adopting._alone(editor, "320000", DRAFT, {"id": "mine", "n": 2}))


def test_what_the_lead_signs_is_what_the_editor_saw_alone() -> None:
    editor = Editor("mine")
    assert (alone(editor), editor.taken) == ("seen", [])


def test_an_item_that_is_not_alone_is_taken_out_again() -> None:
    editor = Editor("other", "mine")
    with pytest.raises(CliError) as refused:
        alone(editor)
    assert refused.value.code == "adopt.issue_holds_more"
    for part in ("daily 2026-012", "yizhan issue final 320000 d1"):
        assert part in refused.value.line()
    assert editor.taken == ["DELETE /api/v1/nodes/320000/issues/d1/items/2"]
