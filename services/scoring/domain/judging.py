"""Does this message score, and what? Pure: the trust state and the rules are passed in.

The steps are numbered here and in the code: (1) readable, and a decision; (2) signed by the hub that says so, with a key
good when it was sent; (3) well-formed: time, items, shares, publication; (4) from a hub of a tier that has points;
(5) every unit reports to that hub; (6) rules in force on that day (Arts. 1, 20) that know the publication.

Whether a key was revoked by the time of arrival was the router's to judge, once; here a signature is judged as of its
own time, so that a replay next year gives the same ledger.

The router let the message pass by its own trust state. Where ours denies what the router vouched for (the key, that the
sender is a hub, that the recipients report to it), ours is behind: such a judgement ``may_turn`` and is not final.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.envelope import Envelope, digest_of, unpack
from proto.errors import Reason, RefusedError
from proto.messages import Decision, NodeKind, Verdict
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_signature
from services.scoring.domain.calendar import YEARS, day_of
from services.scoring.domain.ledger import Entry, Reversal, UnknownSeriesError, entries_for
from services.scoring.domain.rules import RuleBook, Tier

_CREDITED: Final = frozenset({Verdict.ADOPTED, Verdict.MERGED})
_TIERS: Final = {NodeKind.PROVINCE: Tier.PROVINCE, NodeKind.CITY: Tier.CITY}
_TURNING: Final = frozenset({Reason.NO_DIRECTORY, Reason.UNKNOWN_NODE, Reason.KEY_UNKNOWN})
"""Of what (2) says. A known key's beginning and ending are never put off, so that the rest stays."""


class Why(StrEnum):
    """Why a decision scores nothing (不计分原因). The value is the stable code; ``zh`` and ``en`` are for people."""

    zh: str
    en: str

    def __new__(cls, code: str, zh: str, en: str) -> Self:
        """Make a member of its code and its words."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member

    NOT_A_DECISION = "scoring.not_a_decision", "不是采编结果", "It is not a decision"
    ID_REUSED = "scoring.id_reused", "编号已用于另一采编结果", "The id belongs to another decision"
    TIME = "scoring.time", "发送时间不合理", "The sending time is implausible"
    ITEM_TWICE = "scoring.item_twice", "同一条信息重复列入", "A report is listed twice"
    SHARES = (
        "scoring.shares",
        "份额有误：采用每条为 1，综合采用合计须为 1",
        "Wrong shares: 1 for each adopted item; those of a merged item add up to exactly 1",
    )
    NO_PUBLICATION = "scoring.no_publication", "未注明刊物和期号", "It names no publication and issue"
    NOT_A_HUB = "scoring.not_a_hub", "该单位不是计分的上级办公室", "That unit is not a hub that scores"
    NOT_ITS_UNIT = "scoring.not_its_unit", "该单位不向此办公室报送", "A unit does not report to that hub"
    NO_RULES = "scoring.no_rules_in_force", "当日无生效的计分规则", "No rules were in force on that day"
    NO_SUCH_SERIES = "scoring.series_unknown", "计分规则未列此刊物", "The rules do not know that publication"
    REVERSES_NOTHING = "scoring.reverses_nothing", "冲正未注明原采编结果", "The reversal names no decision"
    REVERSAL_FOREIGN = "scoring.reversal_foreign", "只有原单位可以冲正", "Only the hub that decided may reverse"
    REVERSAL_TWICE = "scoring.reversal_of_reversal", "冲正不得再冲正", "A reversal cannot be reversed"


class Scored(Struct, frozen=True, kw_only=True):
    """A decision that counts, with what it earns (nothing for a reversal: that depends on its decision)."""

    decision: Decision
    digest: str  # SHA-256 of the signed bytes
    entries: list[Entry]


class Ignored(Struct, frozen=True, kw_only=True):
    """A message that does not count, and why; where that is final, it is recorded all the same."""

    digest: str  # SHA-256 of the signed bytes, of the whole body where that cannot be read
    reason: str  # a ``Why`` or, from the checks of the network itself, a ``Reason``
    detail: str = ""
    message: UUID | None = None
    hub: str = ""
    may_turn: bool = False  # newer trust state may make it count: it is not to be recorded yet


class UnscorableError(Exception):
    """One rule that a decision breaks."""

    def __init__(self, why: Why, detail: str = "", *, may_turn: bool = False) -> None:
        super().__init__(why.value)
        self.why, self.detail, self.may_turn = why, detail, may_turn


def judge(body: bytes, state: TrustState, book: RuleBook) -> Scored | Ignored:
    """Return what a delivered body scores, or why nothing."""
    digest, decision = digest_of(body), None
    try:
        envelope = unpack(body)  # (1)
        digest = digest_of(envelope.payload)
        decision = _decision_in(envelope)
        verify_signature(state, envelope, decision, now=decision.sent_at)  # (2)
        return Scored(decision=decision, digest=digest, entries=_score(decision, state, book))
    except RefusedError as error:
        reason, detail, may_turn = error.reason.value, error.detail, error.reason in _TURNING
    except UnscorableError as error:
        reason, detail, may_turn = error.why.value, error.detail, error.may_turn
    return Ignored(
        digest=digest,
        reason=reason,
        detail=ascii(detail)[1:-1][:120],
        message=decision.id if decision else None,
        hub=decision.origin if decision else "",
        may_turn=may_turn,
    )


def check(decision: Decision) -> None:
    """Hold a decision to the rules that need nothing else (3); raise ``UnscorableError``."""
    if decision.sent_at.year not in YEARS:
        raise UnscorableError(Why.TIME)
    if decision.verdict is Verdict.REVERSED:
        if decision.about is None:
            raise UnscorableError(Why.REVERSES_NOTHING)
        return  # it takes back all of its decision, whatever items it repeats
    if len({item.report for item in decision.items}) != len(decision.items):
        raise UnscorableError(Why.ITEM_TWICE)
    if decision.verdict not in _CREDITED:
        return
    if decision.publication is None or not decision.publication.series or not decision.publication.issue:
        raise UnscorableError(Why.NO_PUBLICATION)
    shares = [item.share for item in decision.items]
    if any(share <= 0 for share in shares):  # finite, at most 1 and of few places: proto's bounds
        raise UnscorableError(Why.SHARES, "each is above 0")
    if decision.verdict is Verdict.ADOPTED and any(share != 1 for share in shares):
        raise UnscorableError(Why.SHARES, "an adopted item counts in full")
    if decision.verdict is Verdict.MERGED and sum(shares, Decimal(0)) != 1:
        raise UnscorableError(Why.SHARES, f"they add up to {sum(shares, Decimal(0))}")


def wrong_reversal(reversal: Reversal) -> Ignored | None:
    """Return why a reversal does not count, now that its decision is known; None where it does."""
    if reversal.target_verdict is Verdict.REVERSED:
        why = Why.REVERSAL_TWICE
    elif reversal.hub != reversal.target_hub:
        why = Why.REVERSAL_FOREIGN
    else:
        return None
    return Ignored(digest=reversal.digest, reason=why.value, message=reversal.id, hub=reversal.hub)


def _decision_in(envelope: Envelope) -> Decision:
    message = codec.decode(envelope)
    if not isinstance(message, Decision):
        raise UnscorableError(Why.NOT_A_DECISION, message.kind())
    return message


def _score(decision: Decision, state: TrustState, book: RuleBook) -> list[Entry]:
    check(decision)  # (3)
    if decision.verdict is Verdict.REVERSED:
        return []
    hub = state.node(decision.origin)
    tier = _TIERS.get(hub.type) if hub else None
    if tier is None:  # (4)
        raise UnscorableError(Why.NOT_A_HUB, may_turn=True)
    for item in decision.items:  # (5)
        if decision.origin not in state.hubs_of(item.origin):
            vouched_for = item.origin in decision.to  # the router looks at the recipients, not at the items
            raise UnscorableError(Why.NOT_ITS_UNIT, item.origin, may_turn=vouched_for)
    if decision.verdict not in _CREDITED:
        return []
    rule_set = book.in_force(day_of(decision.sent_at))  # (6)
    if rule_set is None:
        raise UnscorableError(Why.NO_RULES, str(day_of(decision.sent_at)))
    try:
        return entries_for(decision, rule_set, tier)
    except UnknownSeriesError as error:
        raise UnscorableError(Why.NO_SUCH_SERIES, str(error)) from error
