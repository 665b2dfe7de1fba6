"""What a hub may decide about the reports that lie before it (Art. 13). Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final
from uuid import UUID

from proto.messages import DecidedItem, PublicationRef, Verdict

_CREDITED: Final = frozenset({Verdict.ADOPTED, Verdict.MERGED})
NOT_HELD: Final[Mapping[UUID, str]] = MappingProxyType({})


class DecisionError(Exception):
    """The decision breaks a rule; ``code`` is stable, ``zh`` and ``en`` for people."""

    def __init__(self, code: str, zh: str, en: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.detail = code, zh, en, detail


def check_decision(
    verdict: Verdict,
    shares: Sequence[tuple[UUID, Decimal]],
    *,
    origins: Mapping[UUID, str],
    decided: frozenset[UUID],
    held: Mapping[UUID, str] = NOT_HELD,
    publication: PublicationRef | None,
    reason: str,
) -> tuple[DecidedItem, ...]:
    """Return the decided items; raise ``DecisionError``.

    ``origins`` holds the reports that lie in the hub's inbox with their units, ``decided`` those already decided there,
    ``held`` those that a draft issue of the hub holds, with words that name it.
    """
    reports = listed(shares, origins)
    if any(report in decided for report in reports):
        raise DecisionError("decision.already_decided", "该信息已有采编结果", "A report has been decided already")
    if any(report in held for report in reports):
        raise DecisionError(
            "decision.in_issue",
            "该信息已编入一期未定版的刊物，请先取出",
            "A report is in a draft issue: take it out of that first",
            "; ".join(dict.fromkeys(held[report] for report in reports if report in held)),
        )
    if verdict is Verdict.REVERSED:
        raise _no_reversal()
    if verdict in _CREDITED:
        _check_credit(verdict, shares, publication)
    elif not reason.strip():
        raise DecisionError("decision.no_reason", "退改或未采用须说明理由", "Returning or declining needs a reason")
    elif publication is not None:
        raise DecisionError("decision.publication", "未采用的信息不刊登", "What is not adopted is not published")
    try:
        return tuple(DecidedItem(report=report, origin=origins[report], share=share) for report, share in shares)
    except (ValueError, InvalidOperation) as error:
        raise _wrong_shares() from error


def check_reversal(reverses: UUID | None, reason: str, *, extra: bool) -> UUID:
    """Return what a reversal takes back; raise ``DecisionError`` where it, or a reason, is missing, or more is named."""
    if reverses is None or not reason.strip() or extra:
        raise _no_reversal()
    return reverses


def no_such_decision() -> DecisionError:
    """What a reversal names cannot be taken back."""
    return DecisionError("decision.not_in_force", "没有生效的该采编结果", "There is no such decision in force")


def listed(shares: Sequence[tuple[UUID, Decimal]], origins: Mapping[UUID, str]) -> list[UUID]:
    """Return the reports of a decision: at least one, each once, all of them in the hub's inbox; else ``DecisionError``."""
    reports = [report for report, _ in shares]
    if not reports:
        raise DecisionError("decision.no_items", "未列明信息", "A decision is about at least one report")
    if len(set(reports)) != len(reports):
        raise DecisionError("decision.item_twice", "同一条信息重复列入", "A report is listed twice")
    if any(report not in origins for report in reports):
        raise DecisionError("decision.unknown_item", "该信息未报送本单位", "A report did not come to this hub")
    return reports


def check_shares(shares: Sequence[tuple[UUID, Decimal]]) -> None:
    """Refuse shares that are not parts of one, or do not add up to it."""
    finite = all(share.is_finite() for _, share in shares)  # NaN cannot even be compared
    if not finite or any(not 0 < share <= 1 for _, share in shares) or sum(share for _, share in shares) != 1:
        raise _wrong_shares()


def _no_reversal() -> DecisionError:
    return DecisionError(
        "decision.reversal",
        "冲正只须注明原采编结果和理由",
        "A reversal names the decision that it reverses and a reason, nothing else",
    )


def _wrong_shares() -> DecisionError:
    return DecisionError("decision.shares", "各条份额之和须为 1", "The shares must be positive and add up to 1")


def _check_credit(verdict: Verdict, shares: Sequence[tuple[UUID, Decimal]], publication: PublicationRef | None) -> None:
    if not all(share.is_finite() for _, share in shares):  # NaN cannot even be compared
        raise _wrong_shares()
    if publication is None or not publication.series or not publication.issue:
        raise DecisionError(
            "decision.no_publication", "采用须注明刊物和期号", "An adoption names its publication and issue"
        )
    if verdict is Verdict.ADOPTED and (len(shares) != 1 or shares[0][1] != 1):
        raise DecisionError("decision.one_item", "采用针对一条信息，份额为 1", "An adoption is of one report, share 1")
    if verdict is Verdict.MERGED and len(shares) < 2:  # noqa: PLR2004 - merging takes two
        raise DecisionError(
            "decision.two_items", "综合采用须有两条以上信息", "A merged adoption has two reports or more"
        )
    check_shares(shares)
