"""Random histories to score: everything that can happen between a province, a city and its counties, in a small space of
ids so that things meet, wrongly and rightly, and rules with the switches in every position."""

from datetime import timedelta

from hypothesis import strategies as st

from proto.messages import Level, Verdict
from services.scoring.domain.known import Fact
from services.scoring.domain.rules import RuleSet
from tests.scoring_facts import (
    CITY,
    COUNTY,
    DEPARTMENT,
    NOON,
    OTHER,
    PROVINCE,
    THIRD,
    adjusted,
    answered,
    decided,
    instructed,
    item,
    reversed_,
    rules,
    selected,
)

COUNTIES = (COUNTY, OTHER, THIRD)
REPORTS = {number: COUNTIES[number % 3] for number in range(11, 17)}  # report → its county
CARRIED = (91, 92)  # the city's own reports, which carry some of these up
DEDUCTIONS = """
[deductions.late]
title = "逾期"
effect = "fixed"
points = 2
[deductions.untrue]
title = "失实"
effect = "percent"
percent = 50
[deductions.failed]
title = "未完成"
effect = "year"
times = 2
"""


@st.composite
def rule_sets(draw: st.DrawFn, *, cap: bool | None = None) -> RuleSet:
    """Rules with the switches in any position."""
    choose = {
        "merged": draw(st.sampled_from(["split", "equal", "fixed", "full"])),
        "several_publications": draw(st.sampled_from(["accumulate", "highest"])),
        "repeated_instructions": draw(st.sampled_from(["each", "once"])),
        "averaging": draw(st.sampled_from(["none", "items"])),
    }
    top = "".join(f'{key} = "{value}"\n' for key, value in choose.items())
    levels = ("city", "province", "national")
    text = "".join(f"[points.{each}]\ndaily = 3\nspecial = 10\nsolicited = 5\n" for each in levels)
    text += '[selected]\nnational = 4\n[selected.province]\n"*" = 2\nsolicited = 6\n[instructions.city]\nspecial = 10\n'
    text += "".join(f'[instructions.{each}]\n"*" = 5.5\ndaily = 1\n' for each in levels[1:])
    text += f"[routes]\ndirect = {draw(st.sampled_from(['0', '1', '0.3333']))}\nthrough = 2\n"
    if choose["merged"] == "fixed":
        text += "[merged_points]\ncity = 1\nprovince = 2\nnational = 3\n"
    if cap if cap is not None else draw(st.booleans()):
        text += "[base]\nmonth = 10\ncap = 12\n"
    return rules(text + DEDUCTIONS, points="", top=top)


@st.composite
def histories(draw: st.DrawFn, *, adjustments: bool = True) -> list[Fact]:
    """A set of facts of 2026 with distinct ids."""
    when = st.integers(min_value=0, max_value=24 * 200).map(lambda hours: NOON + timedelta(hours=hours))
    facts = draw(_chains())
    for number in range(100, 100 + draw(st.integers(min_value=1, max_value=9))):
        hub = draw(st.sampled_from([CITY, PROVINCE]))
        own = draw(st.lists(st.sampled_from(sorted(REPORTS)), min_size=1, max_size=3, unique=True))
        items = [item(each, REPORTS[each], share) for each, share in zip(own, _shares(len(own)), strict=True)]
        if hub == PROVINCE and draw(st.booleans()):  # of the city itself, and perhaps of a department with it
            shares = draw(st.sampled_from([("1",), ("0.3", "0.7")]))
            units = ((draw(st.sampled_from(CARRIED)), CITY), (80, DEPARTMENT))
            items = [item(*each, share) for each, share in zip(units, shares, strict=False)]
        series = draw(st.sampled_from(["daily", "special", "unknown"]))
        level = Level.NATIONAL if draw(st.integers(min_value=0, max_value=4)) == 0 else None
        sent = draw(when)
        match draw(st.sampled_from(["decided", "decided", "selected", "instructed", "other"])):
            case "decided":
                facts.append(decided(number, *items, hub=hub, series=series, level=level, when=sent))
            case "selected":
                up = Level.PROVINCE if hub == CITY else Level.NATIONAL
                sent_as = draw(st.sampled_from(CARRIED)) if hub == CITY else None
                facts.append(selected(number, *items, hub=hub, level=up, sent_as=sent_as, when=sent))
            case "instructed":
                facts.append(instructed(number, *items, hub=hub, level=level, when=sent))
            case _:
                facts.append(decided(number, *items, hub=hub, verdict=Verdict.DECLINED, series="", when=sent))
    for number in range(200, 200 + draw(st.integers(min_value=0, max_value=2)) * 2, 2):
        facts += answered(number, draw(st.sampled_from([*REPORTS, *CARRIED])))
    for number in range(300, 300 + (draw(st.integers(min_value=0, max_value=4)) if adjustments else 0)):
        rule = draw(st.sampled_from(["late", "untrue", "failed", "appeal"]))
        report = draw(st.sampled_from(sorted(REPORTS)))
        points = draw(st.sampled_from(["5", "-1.25"])) if rule == "appeal" else None
        month = f"2026-{draw(st.integers(min_value=1, max_value=12)):02}"
        facts.append(adjusted(number, rule, unit=REPORTS[report], report=report, points=points, month=month))
    for number in range(400, 400 + draw(st.integers(min_value=0, max_value=4))):
        if not facts:
            break
        target = draw(st.sampled_from(facts))
        rightful = target.level is not None and draw(st.booleans())
        hub = target.event.origin if rightful else draw(st.sampled_from([CITY, PROVINCE]))
        about = draw(st.sampled_from([target.event.id.int, target.event.id.int, 999]))
        facts.append(reversed_(number, about, hub=hub, when=draw(when)))
    return facts


@st.composite
def _chains(draw: st.DrawFn) -> list[Fact]:
    """What belongs together: an item's ways through city and province, each step there or not."""
    chain = [
        decided(50, item(11, REPORTS[11], "0.4"), item(12, REPORTS[12], "0.6")),
        decided(51, item(11, REPORTS[11]), series="special"),
        instructed(52, item(11, REPORTS[11])),
        instructed(53, item(11, REPORTS[11]), item(12, REPORTS[12]), level=Level.PROVINCE),
        instructed(54, item(11, REPORTS[11]), level=Level.PROVINCE, when=NOON + timedelta(days=40)),
        selected(55, item(11, REPORTS[11], "0.4"), item(12, REPORTS[12], "0.6"), sent_as=91),
        decided(56, item(91, CITY, "0.7"), item(80, DEPARTMENT, "0.3"), hub=PROVINCE, series="special"),
        instructed(57, item(91, CITY), hub=PROVINCE),
        selected(58, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL),
        decided(59, item(91, CITY), hub=PROVINCE, level=Level.NATIONAL),
        decided(60, item(11, REPORTS[11]), hub=PROVINCE),
        *answered(61, 91, unit=CITY, hub=PROVINCE),
    ]
    return [fact for fact in chain if draw(st.booleans())]


def _shares(count: int) -> tuple[str, ...]:
    return {1: ("1",), 2: ("0.4", "0.6"), 3: ("0.3333", "0.3333", "0.3334")}[count]
