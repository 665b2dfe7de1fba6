"""The sample month's data: what is in it, counted by hand in its README; its times and ids."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from proto import codec
from proto.messages import Category, Decision, NodeKind, ReportContent, Verdict
from services.cli.moments import last_month
from services.cli.network.sample import statement
from services.cli.network.sample.month import Month, read_month
from services.cli.network.sample.past import decisions_of
from services.cli.network.sample.rules import RULES
from services.cli.network.units import PROVINCE, Unit, read_units
from services.kit.calendar import CHINA
from services.kit.secrecy import check_open
from services.kit.trust.state import TrustState
from services.scoring.domain.judging import check
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import RuleSet
from tests.world import World

OCTOBER = datetime(2026, 10, 1, tzinfo=CHINA)
FEBRUARY = datetime(2027, 2, 1, tzinfo=CHINA)


@pytest.fixture(scope="module")
def month() -> Month:
    return read_month()


@pytest.fixture(scope="module")
def units() -> dict[str, Unit]:
    return {unit.code: unit for unit in read_units()}


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return parse(RULES.read_text(encoding="utf-8"), "rules")


def contents(month: Month) -> list[ReportContent]:
    return [codec.decode_content(each.content) for each in month.reports]


def _class(unit: Unit) -> str:
    return "direct_report" if unit.direct_report else unit.type.value


def test_reports_are_of_all_classes_and_categories(month: Month, units: dict[str, Unit]) -> None:
    found = Counter(_class(units[each.node]) for each in month.reports)
    assert found == {"city": 15, "department": 11, "direct_report": 6, "county": 6, "liaison": 2}
    assert Counter(each.category for each in contents(month)) == {
        Category.IMPLEMENTATION: 6, Category.DEVELOPMENT: 10, Category.EXPERIENCE: 10, Category.PROBLEM: 10,
        Category.EMERGENCY: 4,
    }  # fmt: skip
    assert len({each.key for each in month.reports}) == month.expected.reports == 40
    assert sum(each.research for each in contents(month)) == month.expected.research == 7
    assert sum(2 if units[each.node].direct_report else 1 for each in month.reports) == month.expected.delivered


def test_everything_is_marked_as_a_sample_and_open(month: Month) -> None:
    for each in contents(month):
        assert each.title.startswith("【样例】")
        assert each.body.startswith("【样例】")
        assert 2 <= each.body.count("。") <= 4, each.title
        check_open(each)


def test_decisions_come_after_their_reports_and_are_well_formed(month: Month, units: dict[str, Unit]) -> None:
    decided = list(decisions_of(month, OCTOBER))
    reports = {each.id(OCTOBER): each for each in month.reports}
    decisions = {each.id: each for each in decided}
    assert len(decided) == len(decisions) == 33
    for each in decided:
        check(each)
        for item in each.items:
            report = reports[item.report]
            assert report.at(OCTOBER) < each.sent_at
            unit = units[report.node]
            assert each.origin in {unit.parent, PROVINCE if unit.direct_report else unit.parent}
        if each.verdict is Verdict.REVERSED:
            assert decisions[each.about or each.id].sent_at < each.sent_at
    outcomes = Counter((each.verdict, units[each.origin].type) for each in decided)
    assert outcomes == {
        (Verdict.ADOPTED, NodeKind.PROVINCE): 23, (Verdict.MERGED, NodeKind.PROVINCE): 1,
        (Verdict.RETURNED, NodeKind.PROVINCE): 1, (Verdict.DECLINED, NodeKind.PROVINCE): 1,
        (Verdict.REVERSED, NodeKind.PROVINCE): 1, (Verdict.ADOPTED, NodeKind.CITY): 6,
    }  # fmt: skip


def test_the_province_adopts_what_the_month_prescribes(month: Month, rules: RuleSet) -> None:
    decided = list(decisions_of(month, OCTOBER))
    back = {each.about for each in decided if each.verdict is Verdict.REVERSED}
    standing = [each for each in decided if each.origin == PROVINCE and each.publication and each.id not in back]
    assert sum(len(each.items) for each in standing) == month.expected.adopted
    assert sum(_points(each, rules) for each in standing) == month.expected.points


def _points(decision: Decision, rules: RuleSet) -> Decimal:
    assert decision.publication is not None
    worth = next(table for level, table in rules.points.items() if level == "province")
    return sum((worth[decision.publication.series] * item.share for item in decision.items), Decimal(0))


@pytest.mark.parametrize("begins", [OCTOBER, FEBRUARY])
def test_every_time_and_every_id_is_of_the_month(month: Month, begins: datetime) -> None:
    ids = set()
    for each in (*month.reports, *month.decisions):
        at, own = each.at(begins), each.id(begins)
        assert (at.year, at.month, at.tzinfo) == (begins.year, begins.month, CHINA)
        assert (own.version, own.int >> 80) == (7, int(at.timestamp() * 1000))
        ids.add(own)
    assert len(ids) == len(month.reports) + len(month.decisions)


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), OCTOBER),
        (datetime(2026, 10, 31, 16, tzinfo=UTC), OCTOBER),  # November in China
        (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=CHINA)),
        (datetime(2027, 1, 5, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=CHINA)),
    ],
)
def test_last_month_is_the_one_before_in_china(now: datetime, begins: datetime) -> None:
    assert last_month(now) == begins


def test_a_network_whose_keys_begin_in_the_middle_of_a_month_has_no_sample_month() -> None:
    middle = World.make(datetime(2026, 10, 20, 9, tzinfo=CHINA))
    assert middle.begun.day != 1
    assert statement._month_of(middle.state) is None
    assert statement._month_of(TrustState(())) is None
