"""The published standards, each worked out by hand from its figures: these events in, these points per unit out."""

import pytest

from proto.messages import Level
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import RuleSet
from tests.scoring_facts import (
    CITY,
    COUNTY,
    DEPARTMENT,
    OTHER,
    PROVINCE,
    SHIPPED,
    THIRD,
    adjusted,
    answered,
    books,
    decided,
    instructed,
    item,
    reversed_,
    rules,
    selected,
    shipped,
    totals,
)

STANDARDS = ("lianyungang", "huzhou-2018", "guangyuan-2008", "quzhou")


@pytest.mark.parametrize("name", ["default", *STANDARDS])
def test_each_says_that_it_is_not_the_provincial_standard(name: str) -> None:
    text = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    parsed = parse(text, name)
    assert "非省定标准" in parsed.title
    assert "not the provincial standard" in parsed.title_en
    assert "NOT the provincial standard" in text
    assert name == "default" or "Source: " in text


def test_the_default_keeps_the_points_of_the_sample_day() -> None:
    found = shipped("default")
    assert found.points[Level.PROVINCE] == {"daily": 3, "special": 10, "research": 15}
    assert found.points[Level.CITY] == {"daily": 2, "special": 6, "research": 10}
    both = books(city=found, province=found)
    events = [
        decided(1, item(11, CITY, "0.6"), item(12, OTHER, "0.4"), hub=PROVINCE, series="special"),
        decided(2, item(12, OTHER), hub=CITY, series="daily"),
    ]
    assert totals(events, both, hub=PROVINCE) == {CITY: "6", OTHER: "4"}
    assert totals(events, both, hub=CITY) == {OTHER: "2"}, (
        "what the province makes of it counts in its own account alone"
    )


def test_lianyungang() -> None:
    events = [
        decided(1, item(11), series="昨日情况"),  # 3
        instructed(2, item(11)),  # 昨日情况: +5
        decided(3, item(12, OTHER), series="政务建议"),  # 20
        instructed(4, item(12, OTHER)),  # 政务建议: +10
        decided(5, item(13), series="简讯"),  # 1
        selected(6, item(11), sent_as=91),  # +2, 选用报省
        decided(7, item(91, CITY), hub=PROVINCE, series="专报信息"),  # +20
        decided(8, item(91, CITY), hub=PROVINCE, series="互联网信息摘编"),  # +5: several publications accumulate
        instructed(9, item(91, CITY), hub=PROVINCE),  # +50
        selected(20, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL),  # +10, 选报国办
        decided(21, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL, series="要情"),  # +50
        instructed(22, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL),  # +100
        decided(23, item(14, THIRD), hub=PROVINCE, series="调研"),  # 30, a direct-report point's own
    ]
    county = 3 + 5 + 1 + 2 + 20 + 5 + 50 + 10 + 50 + 100
    found = totals(events, books(city=shipped("lianyungang")))
    assert found == {COUNTY: str(county), OTHER: "30", THIRD: "30"}


def test_huzhou_2018() -> None:
    firm = f"{COUNTY}-qy"
    text = (SHIPPED / "huzhou-2018.toml").read_text(encoding="utf-8") + f'{firm} = "{COUNTY}"\n'
    events = [
        decided(1, item(11), series="每日要情"),  # 3
        instructed(2, item(11)),  # +10
        instructed(3, item(11)),  # a second one at the same level does not count
        decided(4, item(12, OTHER), series="专报信息"),  # 10
        instructed(5, item(12, OTHER)),  # +20
        decided(6, item(13, THIRD), series="湖州政务特刊"),  # 20
        selected(7, item(11), sent_as=91),  # +3
        decided(8, item(91, CITY), hub=PROVINCE, series="每日要情"),  # +10
        selected(9, item(12, OTHER), sent_as=92, series="专报"),  # +10
        decided(20, item(92, CITY), hub=PROVINCE, series="专报信息"),  # +30
        instructed(21, item(92, CITY), hub=PROVINCE),  # +50
        selected(22, item(14, THIRD), sent_as=93),  # 约稿: 10, not 3
        *answered(23, 93, unit=CITY, hub=PROVINCE),
        decided(25, item(15, firm), series="每日要情"),  # 3, to the county
    ]
    found = totals(events, books(city=parse(text, "huzhou.toml")))
    assert found == {COUNTY: str(3 + 10 + 3 + 10 + 3), OTHER: str(10 + 20 + 10 + 30 + 50), THIRD: str(20 + 10)}


def test_guangyuan_2008() -> None:
    events = [
        decided(1, item(11), series="政务晨讯"),  # 2
        decided(2, item(12), series="政务参阅"),  # 5
        decided(3, item(13), series="要情专报"),  # 约稿: 5, not 2
        *answered(4, 13),
        decided(6, item(14, OTHER), hub=PROVINCE, series="川政晨讯参阅"),  # 3
        decided(7, item(15, OTHER), hub=PROVINCE, series="川政晨讯重要"),  # 5
        decided(8, item(15, OTHER), hub=PROVINCE, level=Level.NATIONAL, series="国办"),  # 10
        instructed(9, item(12)),  # 5, 市政府领导
        instructed(20, item(12)),  # 5 once more
        instructed(21, item(14, OTHER), hub=PROVINCE),  # 10
        instructed(22, item(15, OTHER), hub=PROVINCE, level=Level.NATIONAL),  # 20
        adjusted(23, "solicited", unit=THIRD),  # −10
        adjusted(24, "feedback", unit=COUNTY),  # −10
    ]
    found = totals(events, books(city=shipped("guangyuan-2008")))
    assert found == {COUNTY: str(2 + 5 + 5 + 5 + 5 - 10), OTHER: str(3 + 5 + 10 + 10 + 20), THIRD: "-10"}


def test_quzhou() -> None:
    """The province's and the State Council office's points are made up here: what Quzhou makes of them is what is tested."""
    upper: RuleSet = rules(points='[points.province]\n"要情" = 4\n[points.national]\n"国办" = 6\n')
    events = [
        decided(1, item(11), series="专报"),  # 3
        decided(2, item(12, COUNTY, "0.3"), item(13, OTHER, "0.7"), series="增刊"),  # 10, in equal parts: 5 and 5
        instructed(3, item(11)),  # +10
        decided(4, item(14, THIRD), hub=PROVINCE, series="要情"),  # direct: 4
        selected(5, item(11), sent_as=91),
        decided(6, item(91, CITY), hub=PROVINCE, series="要情"),  # through the city: 4 × 2
        decided(7, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL, series="国办"),  # 6 × 5
        selected(8, item(12, COUNTY, "0.5"), item(13, OTHER, "0.5"), sent_as=92),
        decided(
            9, item(92, CITY, "0.5"), item(99, DEPARTMENT, "0.5"), hub=PROVINCE, series="要情"
        ),  # (4 / 2 × 2) / 2 each
        decided(20, item(15, THIRD), series="信息版"),  # 2
        reversed_(21, 20),  # and taken back
    ]
    both = books(city=shipped("quzhou"), province=upper)
    found = totals(events, both)
    assert found == {COUNTY: str(3 + 5 + 10 + 8 + 30 + 2), OTHER: str(5 + 2), THIRD: "4"}
    assert totals(events, both, hub=PROVINCE) == {CITY: str(4 + 6 + 2), DEPARTMENT: "2", THIRD: "4"}


def test_the_other_published_figures_fit_the_switches() -> None:
    """A county (merged 3 to each), 河南工信 (halves), 常山 (base and cap), a city (the year is lost)."""
    county = rules(points="[points.city]\ndaily = 5\n[merged_points]\ncity = 3\n", top='merged = "fixed"')
    merged = decided(1, item(11, COUNTY, "0.5"), item(12, OTHER, "0.5"))
    assert totals([merged, decided(2, item(13))], books(city=county)) == {COUNTY: "8", OTHER: "3"}
    lost = rules('[deductions.failed]\ntitle = "约稿未完成"\neffect = "year"\ntimes = 2\n')
    once = [decided(1, item(11)), adjusted(2, "failed")]
    assert totals(once, books(city=lost)) == {COUNTY: "3"}
    assert totals([*once, adjusted(3, "failed")], books(city=lost)) == {COUNTY: "0"}
