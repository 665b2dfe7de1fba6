"""An issue of a publication (刊物一期): its number, and the messages that make it final (定版). Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import Struct

from proto.envelope import digest_of
from proto.messages import Article, DecidedItem, Decision, Publication, PublicationRef, Verdict
from services.kit.ids import NewId


class Series(Struct, frozen=True, kw_only=True):
    """A hub's publication (刊物)."""

    series: str  # its short name, as decisions and rules cite it
    name: str  # as it stands in the red head
    organ: str  # 编发单位
    up: tuple[str, ...]  # readers above (报), by their codes
    down: tuple[str, ...]  # below (发)
    across: tuple[str, ...]  # beside (送)
    first_number: int  # of the first issue here; later years begin at 1
    first_total: int


class ReportShare(Struct, frozen=True, kw_only=True):
    """A report under an item and its part of the credit."""

    report: UUID
    origin: str
    share: Decimal


class IssueItem(Struct, frozen=True, kw_only=True):
    """One article of an issue."""

    n: int  # its number within the issue, which it keeps whatever the order
    id: UUID
    verdict: Verdict
    title: str | None  # None: the first report's, as edited
    body: str | None
    editor: str
    decision: UUID | None  # once final
    reports: tuple[ReportShare, ...]


class Issue(Struct, frozen=True, kw_only=True):
    """One issue."""

    id: UUID
    hub: str
    series: str
    year: int
    number: int  # 期: within the year
    total: int  # 总期
    day: date
    opened_by: str
    opened_at: datetime
    final_by: str | None
    final_at: datetime | None
    publication: UUID | None  # the message to its readers; None where it has none
    name: str
    organ: str
    up: tuple[str, ...]
    down: tuple[str, ...]
    across: tuple[str, ...]

    @property
    def label(self) -> str:
        """The number as decisions cite it: 2026-012."""
        return label_of(self.year, self.number)

    @property
    def ref(self) -> PublicationRef:
        """Where its items appear."""
        return PublicationRef(series=self.series, issue=self.label)

    @property
    def readers(self) -> tuple[str, ...]:
        """All readers, each once."""
        return tuple(dict.fromkeys((*self.up, *self.down, *self.across)))


class Text(Struct, frozen=True):
    """A title and a body."""

    title: str
    body: str


def label_of(year: int, number: int) -> str:
    """Return an issue's number as decisions cite it: 2026-012."""
    return f"{year}-{number:03}"


def next_numbers(series: Series, last_number: int | None, last_total: int | None) -> tuple[int, int]:
    """Return number and total number of the next issue; the last ones are None in a new year, or a new series."""
    if last_total is None:
        return series.first_number, series.first_total
    return (last_number or 0) + 1, last_total + 1


def digest_of_issue(issue: Issue, items: Sequence[IssueItem], texts: Sequence[Text]) -> str:
    """Return the digest of all that goes out when an issue is made final; the same before and after."""
    head = (issue.name, issue.organ, issue.label, issue.total, issue.day, issue.up, issue.down, issue.across)
    said = [
        (item.verdict, item.editor, text, [(part.report, part.origin, part.share) for part in item.reports])
        for item, text in zip(items, texts, strict=True)
    ]
    return digest_of(msgspec.json.encode((head, said)))


def article_of(item: IssueItem, text: Text) -> Article:
    """Return an item as readers get it."""
    return Article(
        title=text.title,
        body=text.body,
        reports=tuple(part.report for part in item.reports),
        units=tuple(dict.fromkeys(part.origin for part in item.reports)),
    )


def publication_of(issue: Issue, articles: Sequence[Article], *, id: UUID, at: datetime) -> Publication:
    """Return the issue as it goes to its readers."""
    return Publication(
        id=id,
        origin=issue.hub,
        to=issue.readers,
        sent_at=at,
        series=issue.series,
        name=issue.name,
        organ=issue.organ,
        issue=issue.label,
        total=issue.total,
        day=issue.day.isoformat(),
        articles=tuple(articles),
    )


def decisions_of(issue: Issue, items: Sequence[IssueItem], *, new_id: NewId, at: datetime) -> list[Decision]:
    """Return what the origins are told: one decision for each item."""
    return [
        Decision(
            id=new_id(),
            origin=issue.hub,
            to=tuple(dict.fromkeys(part.origin for part in item.reports)),
            sent_at=at,
            verdict=item.verdict,
            items=tuple(DecidedItem(report=p.report, origin=p.origin, share=p.share) for p in item.reports),
            publication=issue.ref,
            editor=item.editor,
        )
        for item in items
    ]
