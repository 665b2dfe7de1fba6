"""The words for the network's values: every value that a command shows has them."""

from enum import StrEnum

import pytest

from proto.errors import Reason
from proto.messages import KINDS, Category, Importance, NodeKind, Outcome, Stage, Urgency, Verdict
from services.cli.words import STAGES, WORDS, said, said_stage, said_why
from services.gateway.domain import intake, items, papers


@pytest.mark.parametrize("values", [
    items.State, papers.PaperState, papers.PaperKind, NodeKind, Outcome, Verdict, intake.IntakeState, Category, Urgency,
    Importance,
])  # fmt: skip
def test_every_member_has_words(values: type[StrEnum]) -> None:
    assert [value.value for value in values if value.value not in WORDS] == []


def test_every_kind_of_message_has_words() -> None:
    assert KINDS.keys() - WORDS.keys() == set()


def test_values_are_said_in_both_languages_and_strange_ones_as_they_are() -> None:
    assert said(Verdict.ADOPTED) == said("adopted") == "采用 / adopted"
    assert (said(None), said("strange")) == ("", "strange")


def test_every_stage_has_words_of_its_own() -> None:
    assert [stage.value for stage in Stage if stage.value not in STAGES] == []
    assert (said_stage("final"), said("final")) == ("终报 / final", "已定版 / final")


def test_reasons_are_said_with_code_and_part() -> None:
    assert said_why(Reason.REPORT_NO_CATEGORY, "category").endswith(" [report.no_category] category")
    assert said_why("report.no_category").startswith(f"{Reason.REPORT_NO_CATEGORY.zh} / ")
    assert said_why("item.id_taken") == "该编号已被使用 / This id is taken [item.id_taken]"
    assert said_why("later.code") == "[later.code]"
