"""What a hub may send on, approve, adjust and print, as pure rules."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proto import codec
from proto.limits import MAX_ENVELOPE_BYTES, MAX_FORWARDED
from proto.messages import (
    Adjustment,
    AdjustmentLine,
    Article,
    BulletinContent,
    BulletinItem,
    BulletinLine,
    BulletinType,
    Category,
    Commendation,
    DesignationContent,
    Level,
    Node,
    Publication,
    ReportContent,
    Stage,
    Standing,
    UnitClass,
    Verdict,
)
from services.gateway.domain.adjustments import check_adjustment, check_month, reversal_of
from services.gateway.domain.decisions import DecisionError
from services.gateway.domain.forwarding import chained_to, check_forward, check_selection, fits
from services.gateway.domain.papers import (
    Draft,
    PaperError,
    PaperKind,
    check_paper,
    month_begins,
    recipients,
)
from services.gateway.domain.printing import (
    addressee,
    addressees,
    bulletin_document,
    issue_document,
    reports_in,
    short_name,
)
from services.kit.calendar import CHINA
from services.kit.ids import new_id
from services.kit.trust.enrol import seal_message
from services.kit.trust.state import TrustState
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import fixed_world

STATE = fixed_world().state
FIRST, SECOND, THIRD = (UUID(int=n) for n in (1, 2, 3))
ORIGINS = {FIRST: ZHANGJIAGANG, SECOND: KUNSHAN}


def bulletin(period: str = "2026-10", type: BulletinType = BulletinType.MONTHLY, **changes: Any) -> Draft:
    if type is BulletinType.COMMENDATION:
        changes = {"commended": (Commendation(unit=REFORM, title="【样例】先进单位"),)} | changes
    content = BulletinContent(type=type, period=period, lines=(), rules=(), text="【样例】", **changes)
    return Draft(kind=PaperKind.BULLETIN, subject="", content="", decoded=content)


@given(st.integers(0, 10**4), st.integers(0, 10**4))
def test_shares_pass_only_where_they_add_up(first: int, second: int) -> None:
    shares = [(FIRST, Decimal(first) / 10**4), (SECOND, Decimal(second) / 10**4)]
    if first + second == 10**4 and first and second:
        items = check_selection(shares, origins=ORIGINS, selected=())
        assert sum(item.share for item in items) == 1
    else:
        with pytest.raises(DecisionError, match=r"decision\.shares"):
            check_selection(shares, origins=ORIGINS, selected=())


@pytest.mark.parametrize("share", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_share(share: str) -> None:
    with pytest.raises(DecisionError, match=r"decision\.shares"):
        check_selection([(FIRST, Decimal(share))], origins=ORIGINS, selected=())


def test_forwarding_has_its_bounds() -> None:
    many = [(UUID(int=n), Decimal(1)) for n in range(MAX_FORWARDED + 1)]
    for shares, top, selected, code in (
        (many, False, (), "forward.too_many"),
        ([(FIRST, Decimal(1))], True, (), "forward.top"),
        ([(FIRST, Decimal(1))], False, {FIRST}, "selection.already"),
        ([(THIRD, Decimal(1))], False, (), "decision.unknown_item"),
        ([], False, (), "decision.no_items"),
    ):
        with pytest.raises(DecisionError, match=code):
            check_forward(shares, origins=ORIGINS, forwarded=selected, top=top)


def test_a_follow_up_goes_on_from_what_went_up() -> None:
    def chained(stage: Stage, given: UUID | None, went_on: dict[UUID, UUID | None]) -> UUID | None:
        content = ReportContent(title="t", body="b", category=Category.PROBLEM, stage=stage, sources=("s",))
        return chained_to(content, given, (FIRST, SECOND), went_on)

    assert chained(Stage.FIRST, None, {FIRST: THIRD}) is None
    assert chained(Stage.FINAL, None, {FIRST: THIRD, SECOND: THIRD}) == THIRD
    assert chained(Stage.FINAL, FIRST, {}) == FIRST
    for went_on in ({}, {FIRST: None}, {FIRST: THIRD, SECOND: FIRST}):
        with pytest.raises(DecisionError, match=r"forward\.chain"):
            chained(Stage.FOLLOW_UP, None, went_on)


def test_originals_fit_or_not() -> None:
    assert fits("短", [b"x" * 500_000])
    assert not fits("短", [b"x" * (MAX_ENVELOPE_BYTES // 2)] * 2)


@pytest.mark.parametrize(("period", "type", "today", "good"), [
    ("2026-10", BulletinType.MONTHLY, date(2026, 10, 31), False),
    ("2026-10", BulletinType.MONTHLY, date(2026, 11, 1), True),
    ("2026-12", BulletinType.MONTHLY, date(2026, 12, 31), False),
    ("2026-12", BulletinType.MONTHLY, date(2027, 1, 1), True),
    ("2024-02", BulletinType.MONTHLY, date(2024, 2, 29), False),
    ("2026", BulletinType.YEARLY, date(2026, 12, 31), False),
    ("2026", BulletinType.YEARLY, date(2027, 1, 1), True),
    ("2026", BulletinType.COMMENDATION, date(2026, 12, 31), False),
    ("2026", BulletinType.COMMENDATION, date(2027, 1, 1), True),
])  # fmt: skip
def test_a_period_must_be_over(period: str, type: BulletinType, today: date, good: bool) -> None:  # noqa: FBT001 - a test's parameter
    if good:
        check_paper(STATE, PROVINCE, bulletin(period, type), today=today)
    else:
        with pytest.raises(PaperError, match=r"paper\.period_open"):
            check_paper(STATE, PROVINCE, bulletin(period, type), today=today)


def test_a_commendation_of_nobody_is_none() -> None:
    nobody = bulletin("2026", BulletinType.COMMENDATION, commended=())
    with pytest.raises(PaperError, match=r"bulletin\.nobody"):
        check_paper(STATE, PROVINCE, nobody, today=date(2027, 1, 1))


@given(st.text(max_size=8))
def test_a_month_is_read_or_refused(text: str) -> None:
    try:
        assert f"{month_begins(text):%Y-%m}" == text
    except ValueError:
        assert not text.isascii() or len(text) != 7 or not "01" <= text[5:] <= "12" or text[4] != "-" or text[:4] < "1900" or not text[:4].isdigit() or text[:4] > "2999"  # fmt: skip


def test_who_is_told() -> None:
    assert recipients(STATE, PROVINCE, bulletin()) == tuple(
        sorted((SUZHOU, WUXI, KUNSHAN, JIANGYIN, REFORM, FARMING, BEIJING))
    )
    assert recipients(STATE, SUZHOU, bulletin()) == (ZHANGJIAGANG, KUNSHAN)
    for unit, told in ((KUNSHAN, (KUNSHAN, SUZHOU)), (ZHANGJIAGANG, (ZHANGJIAGANG, SUZHOU))):
        content = DesignationContent(
            unit=unit, standing=Standing.WARNED, effective_from="2026-12-01", grounds="【样例】"
        )
        draft = Draft(kind=PaperKind.DESIGNATION, subject=unit, content="", decoded=content)
        assert recipients(STATE, PROVINCE, draft) == told


def test_an_adjustment_names_its_own_units_only() -> None:
    def check(line: dict[str, Any], appellant: str | None = None) -> None:
        fields = {"unit": ZHANGJIAGANG, "month": "2026-11", "rule": "late"} | line
        check_adjustment(
            [AdjustmentLine(**fields)], "【样例】", appellant=appellant, units={ZHANGJIAGANG, KUNSHAN}, origins=ORIGINS,
            now=datetime(2026, 12, 1, 0, 0, tzinfo=CHINA) - timedelta(seconds=1),
        )  # fmt: skip

    check({"report": FIRST})
    check({"rule": "appeal", "points": Decimal(-1)}, ZHANGJIAGANG)
    check({"rule": "late"}, ZHANGJIAGANG)
    for line, appellant, code in (
        ({"unit": REFORM}, None, "adjustment.unit"),
        ({"month": "2026-12"}, None, "adjustment.month"),
        ({"unit": KUNSHAN}, ZHANGJIAGANG, "adjustment.one_unit"),
        ({"report": SECOND}, None, "decision.unknown_item"),
        ({"points": Decimal(1)}, None, "adjustment.points"),
        ({"rule": "appeal", "points": Decimal(1)}, KUNSHAN, "adjustment.no_appeal"),
    ):
        with pytest.raises(DecisionError, match=code):
            check(line, appellant)


@given(st.integers(2000, 2100), st.integers(1, 12), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - in UTC below
def test_points_are_looked_at_for_two_years(year: int, month: int, at: datetime) -> None:
    now = at.replace(tzinfo=UTC)
    today = now + timedelta(hours=8)
    if year in (today.year, today.year - 1) and (year, month) <= (today.year, today.month):
        check_month(f"{year}-{month:02}", now, "appeal")
    else:
        with pytest.raises(DecisionError, match=r"appeal\.month"):
            check_month(f"{year}-{month:02}", now, "appeal")


def test_what_takes_an_adjustment_back_lists_nothing_and_no_other_decision_may() -> None:
    line = AdjustmentLine(unit=KUNSHAN, month="2026-11", rule="late")
    adjustment = Adjustment(
        id=FIRST,
        origin=SUZHOU,
        to=(KUNSHAN,),
        sent_at=fixed_world().now,
        lines=(line,),
        person="lead",
        reason="【样例】",
    )
    found = reversal_of(adjustment, id=new_id(), editor="head", reason="【样例】有误", at=fixed_world().now)
    assert (found.origin, found.to, found.about) == (SUZHOU, (KUNSHAN,), FIRST)
    assert codec.decode(seal_message(found, found.kind(), fixed_world().node_keys[SUZHOU])) == found
    assert found.items == ()
    with pytest.raises(ValueError, match="names a report"):
        replace(found, verdict=Verdict.DECLINED)


def test_an_issue_is_printed_with_its_readers_in_their_places() -> None:
    issue = Publication(
        id=new_id(), origin=SUZHOU, to=(PROVINCE, WUXI, KUNSHAN), sent_at=fixed_world().now, series="daily",
        name="苏州信息", organ="苏州市人民政府办公室", issue="2026-012", total=217, day="2026-11-20",
        articles=(Article(title="t", body="b", reports=(FIRST,), units=(KUNSHAN, REFORM, "321199")),),
    )  # fmt: skip
    found = issue_document(issue, STATE)
    assert (found.up, found.across, found.down) == (("江苏省",), ("无锡市",), ("昆山市",))
    assert (found.year, found.issue, found.total) == (2026, 12, 217)
    assert found.articles[0].units == ("昆山市", "江苏省发展和改革委员会", "321199")


def test_a_bulletin_is_printed_with_titles_where_they_are_known() -> None:
    items = tuple(
        BulletinItem(
            event=event, report=report, rule="2026-1/points.national.daily", level=Level.NATIONAL, points=Decimal(1)
        )
        for event, report in ((UUID("019abcde-0000-7000-8000-000000000000"), FIRST), (SECOND, THIRD))
    )
    line = BulletinLine(
        unit=BEIJING, unit_class=UnitClass.LIAISON, adopted=2, points=Decimal(2), corrections=Decimal(0),
        year_points=Decimal(2), items=items, missed=("research", "other"),
    )  # fmt: skip
    content = BulletinContent(type=BulletinType.MONTHLY, period="2026-09", lines=(line,), rules=(), text="【样例】")
    assert reports_in(content) == [FIRST, THIRD]
    found = bulletin_document(
        content, STATE, hub=PROVINCE, day=date(2026, 10, 1), titles={FIRST: "【样例】题"}, to=(SUZHOU,)
    )
    (group,) = found.classes
    assert (found.period, group.name, found.recipients) == ("2026年9月", "驻外办事处", ("苏州市人民政府办公室",))
    first, second = group.lines[0].items
    assert (first.title, first.series, first.day) == ("【样例】题", "国办", date(2025, 11, 26))
    assert (second.title, second.day) == (str(THIRD), None)
    assert first.rule == "国家级采用·每日要情"
    assert group.lines[0].missed == ("调研信息", "other")


def test_a_bulletin_is_addressed_by_class_and_by_names_that_stand_alone() -> None:
    state = fixed_world().state
    everyone = recipients(state, PROVINCE, bulletin())
    listed = addressees(state, PROVINCE, everyone)
    places = [everyone[[state.name_of(code) for code in everyone].index(name)] for name in listed]
    assert places == [WUXI, SUZHOU, REFORM, FARMING, JIANGYIN, KUNSHAN, BEIJING]
    county = state.node(KUNSHAN)
    assert county is not None
    district = replace(county, code="320508", name="姑苏区人民政府办公室")

    class Known:
        def node(self, code: str) -> Node | None:
            return district if code == district.code else state.node(code)

        def name_of(self, code: str) -> str:
            return district.name if code == district.code else state.name_of(code)

    known = cast("TrustState", Known())
    assert addressee(known, "320508", PROVINCE) == "苏州市姑苏区人民政府办公室"
    assert addressee(known, "320508", SUZHOU) == "姑苏区人民政府办公室"
    assert addressee(known, KUNSHAN, PROVINCE) == "昆山市人民政府办公室"


def test_offices_are_named_by_their_place() -> None:
    assert [short_name(STATE, code) for code in (KUNSHAN, PROVINCE, BEIJING, "x")] == [
        "昆山市", "江苏省", "江苏省人民政府驻北京办事处", "x",
    ]  # fmt: skip
