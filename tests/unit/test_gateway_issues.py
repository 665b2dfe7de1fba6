"""Numbers of issues, and the messages that make one final."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from proto.messages import Verdict
from services.gateway.domain.issues import (
    Issue,
    IssueItem,
    ReportShare,
    Series,
    Text,
    article_of,
    decisions_of,
    next_numbers,
    publication_of,
)
from services.kit.ids import new_id
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SERIES = Series(
    series="daily", name="江苏信息", organ="信息处", up=(), down=(SUZHOU,), across=(), first_number=12, first_total=217
)


def issue(**changes: Any) -> Issue:
    fields: dict[str, Any] = {
        "id": new_id(), "hub": PROVINCE, "series": "daily", "year": 2026, "number": 12, "total": 217,
        "day": date(2026, 11, 23), "opened_by": "editor", "opened_at": AT, "final_by": None, "final_at": None,
        "publication": None, "name": "江苏信息", "organ": "信息处", "up": (), "down": (SUZHOU, WUXI), "across": (WUXI, REFORM),
    }  # fmt: skip
    return Issue(**(fields | changes))


def item(*parts: tuple[UUID, str, str]) -> IssueItem:
    return IssueItem(
        n=1, id=new_id(), verdict=Verdict.ADOPTED if len(parts) == 1 else Verdict.MERGED, title=None, body=None,
        editor="editor", decision=None,
        reports=tuple(ReportShare(report=r, origin=o, share=Decimal(s)) for r, o, s in parts),
    )  # fmt: skip


def test_a_new_series_begins_where_it_is_told_and_a_new_year_at_one() -> None:
    assert next_numbers(SERIES, None, None) == (12, 217)
    assert next_numbers(SERIES, 12, 217) == (13, 218)
    assert next_numbers(SERIES, None, 240) == (1, 241)


def test_readers_get_it_once_each() -> None:
    assert issue().readers == (SUZHOU, WUXI, REFORM)
    assert issue(number=7).label == "2026-007"


def test_the_publication_names_reports_and_units() -> None:
    first, second, third = new_id(), new_id(), new_id()
    merged = item((first, KUNSHAN, "0.5"), (second, REFORM, "0.3"), (third, KUNSHAN, "0.2"))
    article = article_of(merged, Text("题", "文"))
    assert (article.reports, article.units) == ((first, second, third), (KUNSHAN, REFORM))
    message = publication_of(issue(), [article], id=new_id(), at=AT)
    assert (message.to, message.series, message.issue, message.total, message.day) == (
        (SUZHOU, WUXI, REFORM), "daily", "2026-012", 217, "2026-11-23",
    )  # fmt: skip


def test_each_item_is_one_decision_to_its_origins() -> None:
    one, other, third = new_id(), new_id(), new_id()
    items = [item((one, KUNSHAN, "1")), item((other, KUNSHAN, "0.4"), (third, REFORM, "0.6"))]
    adopted, merged = decisions_of(issue(), items, new_id=new_id, at=AT)
    assert (adopted.verdict, adopted.to, adopted.about) == (Verdict.ADOPTED, (KUNSHAN,), None)
    assert (merged.verdict, merged.to, sum(i.share for i in merged.items)) == (Verdict.MERGED, (KUNSHAN, REFORM), 1)
    assert adopted.publication == merged.publication == issue().ref
    assert adopted.id != merged.id
