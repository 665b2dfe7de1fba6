"""What is said of papers: examples and refusals of ``docs/reference/bulletins.md``, and which field is wrong."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proto.errors import Reason, RefusedError
from proto.messages import BulletinContent, DesignationContent
from services.gateway.domain.papers import PaperKind, check_paper, read_paper
from tests.places import KUNSHAN, PROVINCE
from tests.world import fixed_world

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/bulletins.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", PAGE, re.DOTALL)
SOURCES = ("views/papers.py", "domain/papers.py")


@pytest.mark.parametrize("number", range(3))
def test_an_example_is_a_paper_as_it_stands(number: int) -> None:
    kind, text = EXAMPLES[number]
    draft = read_paper(PaperKind(kind), text.encode())
    assert isinstance(draft.decoded, BulletinContent | DesignationContent)
    check_paper(fixed_world().state, PROVINCE, draft, today=date(2027, 1, 1))


def test_each_kind_that_is_json_has_an_example() -> None:
    drafts = [read_paper(PaperKind(kind), text.encode()) for kind, text in EXAMPLES]
    assert [draft.subject for draft in drafts] == ["320583", "commendation/2025", "monthly/2026-10"]


def test_the_page_names_every_refusal_of_the_gateway() -> None:
    source = "".join((ROOT / "services/gateway" / name).read_text(encoding="utf-8") for name in SOURCES)
    found = re.findall(r'"((?:paper|bulletin)\.[a-z_]+)",\s*"([^"]+)",\s*"([^"]+)"', source)
    assert len(found) > 20
    for code, zh, en in found:
        assert f"| `{code}` | {zh} | {en} |" in PAGE


_DESIGNATION = {"unit": KUNSHAN, "standing": "warned", "effective_from": "2026-12-01", "grounds": "【样例】"}


@pytest.mark.parametrize(("kind", "content", "detail"), [
    (PaperKind.DESIGNATION, {}, "content: Object missing required field `unit`"),
    (PaperKind.DESIGNATION, _DESIGNATION | {"unit": "昆山"}, "content.unit: Expected `str` of another form"),
    (PaperKind.DESIGNATION, _DESIGNATION | {"standing": "预警"}, "content.standing"),
    (PaperKind.DESIGNATION, _DESIGNATION | {"grounds": 1}, "content.grounds: Expected `str`, got `int`"),
    (PaperKind.BULLETIN, {"type": "monthly", "period": "2026-10", "lines": [{"unit": KUNSHAN}], "rules": [], "text": ""},
     "content.lines[0]: Object missing required field `unit_class`"),
    (PaperKind.BULLETIN, "{}", "content: Expected `object`, got `str`"),
])  # fmt: skip
def test_the_field_that_is_wrong_is_named_and_its_value_is_not(kind: PaperKind, content: Any, detail: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_paper(kind, msgspec.json.encode(content))
    assert (refused.value.reason, refused.value.detail) == (Reason.PAYLOAD_MALFORMED, detail)
