"""What an editor asked for on the command line → the gateway's request: a decision, or an item of an issue. Pure."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from services.cli.failures import usage


def request(
    reports: Sequence[UUID],
    *,
    shares: Sequence[str],
    series: str,
    issue: str,
    decline: bool,
    send_back: bool,
    reverse: UUID | None,
    reason: str,
) -> dict[str, Any]:
    """Return the request's body; refuse what contradicts itself before anybody is asked for a password.

    Returning, declining and reversing are decisions; adopting and merging make an item of an issue of ``series``.
    """
    if decline + send_back + (reverse is not None) > 1:
        raise usage("decision.one", "退改、不采用、冲正只能选一", "Only one of --return, --decline, --reverse")
    if reverse is not None:
        if reports or series or issue or shares:
            raise usage(
                "decision.reversal", "冲正只指明采编结果和理由", "A reversal names the decision and a reason alone"
            )
        return {"verdict": "reversed", "reverses": reverse, "reason": _needed(reason)}
    if not reports:
        raise usage("decision.no_report", "请给出信息编号", "Name a report")
    if decline or send_back:
        if series or issue or shares:
            raise usage("decision.publication", "未采用的信息不刊登", "What is not adopted is not published")
        items = [{"report": report} for report in reports]
        return {"verdict": "declined" if decline else "returned", "items": items, "reason": _needed(reason)}
    if not series:
        raise usage("decision.no_publication", "采用须注明 --series", "Adopting needs --series")
    if reason:
        raise usage("decision.reason", "采用不写理由", "An adoption has no reason")
    return item(reports, shares=shares)


def item(reports: Sequence[UUID], *, shares: Sequence[str]) -> dict[str, Any]:
    """Return an item of an issue: one report adopted, or several merged."""
    credited: list[dict[str, Any]] = [
        {"report": report, "share": share} for report, share in zip(reports, _shares(reports, shares), strict=True)
    ]
    return {
        "verdict": "adopted" if len(reports) == 1 else "merged",
        "items": credited,
    }


def _needed(reason: str) -> str:
    if not reason.strip():
        raise usage("decision.no_reason", "请用 --reason 说明理由", "Give a --reason")
    return reason


def _shares(reports: Sequence[UUID], given: Sequence[str]) -> list[Decimal]:
    """Return a share for each report: as given, else even ones that add up to exactly one."""
    if not given:
        each = (Decimal(1) / len(reports)).quantize(Decimal("0.0001"))
        return [*[each] * (len(reports) - 1), 1 - each * (len(reports) - 1)]
    try:
        shares = [Decimal(text) for text in given]
    except InvalidOperation as error:
        raise usage("decision.share", "份额不是数", "A share is not a number", " ".join(given)) from error
    if len(shares) != len(reports):
        raise usage("decision.shares", "份额与信息条数不符", "As many shares as reports, please")
    if not all(share.is_finite() and 0 < share <= 1 for share in shares) or sum(shares) != 1:
        raise usage("decision.shares", "各条份额之和须为 1", "The shares must be positive and add up to 1")
    return shares
