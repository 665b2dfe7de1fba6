"""Saying how an entry came about, in words that can be checked by hand (Art. 13: each point leads to item, issue, rule)."""

from collections.abc import Mapping
from decimal import Decimal

from proto.messages import Verdict
from services.scoring.domain.ledger import Entry
from services.scoring.domain.points import plain
from services.scoring.domain.rules import Merged, RuleSet, Tier


def worth_of(entry: Entry, rule_set: RuleSet) -> Decimal | None:
    """Return the points that the entry's rule names; None where that version has no such rule."""
    kind, _, rest = entry.rule.partition(".")
    tier, _, series = rest.partition(".")
    tables: Mapping[Tier, Mapping[str, Decimal]] = rule_set.points
    if tier not in tuple(Tier):
        return None
    return rule_set.merged_points.get(Tier(tier)) if kind == "merged_points" else tables[Tier(tier)].get(series)


def explain(entry: Entry, rule_set: RuleSet | None) -> tuple[str, str]:
    """Return the entry's arithmetic in Chinese and English; ``rule_set`` is the version that it cites."""
    rule = f"{entry.rule_set} {entry.rule_version} {entry.rule}"
    place_zh, place_en = f"{entry.series} 第{entry.issue}期", f"{entry.series} {entry.issue}"
    sum_zh = sum_en = f"{abs(plain(entry.points))}"
    worth = worth_of(entry, rule_set) if rule_set else None
    if worth is not None and entry.verdict is Verdict.MERGED and rule_set and rule_set.merged is Merged.SPLIT:
        sum_zh = sum_en = f"{plain(worth)} × {plain(entry.share)} = {abs(plain(entry.points))}"
    zh = f"{'采用' if entry.verdict is Verdict.ADOPTED else '综合采用'}于{place_zh}：{sum_zh} 分（规则 {rule}）"
    en = f"{entry.verdict.value} in {place_en}: {sum_en} points (rule {rule})"
    if entry.reverses is None:
        return zh, en
    if entry.items < 0:
        return f"冲正 {entry.reverses}：−，原为{zh}", f"takes back {entry.reverses}, which was: {en}"
    return (
        f"重复冲正，予以抵消 {entry.reverses}：{zh}",
        f"a second reversal does not count, undoes {entry.reverses}: {en}",
    )
