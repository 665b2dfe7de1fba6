"""Which units lie under an area code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.archive.domain.areas import covers


@pytest.mark.parametrize(
    ("code", "origin", "under"),
    [
        ("320500", "320500", True),
        ("320500", "320583", True),
        ("320500", "320583-fgw", True),
        ("320500", "320500-fgw", True),
        ("320500", "320281", False),
        ("320583", "320583", True),
        ("320583", "320583-fgw", True),
        ("320583", "320500", False),
        ("320000", "320281", True),
        ("320000", "320000-zbj", True),
        ("320000-fgw", "320000-fgw", True),
        ("320000-fgw", "320000-fgwx", False),
        ("320000-fgw", "320000", False),
    ],
)
def test_subtree(code: str, origin: str, under: bool) -> None:  # noqa: FBT001
    assert covers(code, origin) is under


@given(st.from_regex(r"[0-9]{6}(-[a-z][a-z0-9]{0,5})?", fullmatch=True))
def test_everybody_lies_under_itself(code: str) -> None:
    assert covers(code, code)
