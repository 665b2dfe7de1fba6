import re

import pytest

from proto.errors import ProtoError, Reason, RefusedError

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_speaks_both_languages(reason: Reason) -> None:
    assert CHINESE.search(reason.zh)
    assert reason.en
    assert not CHINESE.search(reason.en)
    assert re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", reason.value)
    assert Reason(reason.value) is reason


@pytest.mark.parametrize("attribute", ["value", "zh", "en"])
def test_no_two_reasons_are_alike(attribute: str) -> None:
    listed = [getattr(reason, attribute) for reason in Reason]
    assert len(set(listed)) == len(listed) == len(Reason.__members__)


def test_a_refusal_says_which_part() -> None:
    error = RefusedError(Reason.KEY_UNKNOWN, "the old key")
    assert isinstance(error, ProtoError)
    assert str(error) == "key.unknown: the old key"
    assert str(RefusedError(Reason.KEY_UNKNOWN)) == "key.unknown"
