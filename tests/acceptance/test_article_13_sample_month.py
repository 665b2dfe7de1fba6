"""Art. 13: the sample month ends in a bulletin that is issued, arrives, stands, and can be read on paper."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

import msgspec
import pytest
import pytest_asyncio
from pypdf import PdfReader

from proto.messages import BulletinContent, UnitClass
from services.cli.network.sample.month import read_month
from services.cli.network.sample.statement import Issued, hold_month
from services.cli.network.units import read_units
from tests.acceptance.acts import inbox, refusal
from tests.acceptance.past import asked, draft_paper
from tests.network import Network
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI

NANJING, NANTONG = "320100", "320600"
COUNTED = {  # by hand, deploy/sample/month/README.md: items adopted, points, obligations missed
    SUZHOU: (6, "37", ()),
    NANJING: (2, "25", ("adopted",)),  # one was taken back
    WUXI: (1, "3", ("research", "adopted")),
    NANTONG: (1, "3", ("research", "adopted")),  # its research was declined
    REFORM: (2, "25", ()),
    FARMING: (1, "6", ("research",)),  # 0.6 of a special
    "320000-lscbj": (1, "4", ()),  # the rest of it
    "320000-wjw": (0, "0", ("adopted",)),  # its research is not decided on
    KUNSHAN: (1, "3", ()),
    JIANGYIN: (1, "3", ()),
    "320830": (0, "0", ("adopted",)),
    BEIJING: (1, "3", ()),
}
RED = bytes((255, 0, 0))


async def _hold(network: Network) -> Issued:
    issued = await hold_month(
        network.place, network.people, network.state, amqp_url=network.amqp_url(), progress=lambda *_: None
    )
    assert issued is not None
    return issued


@pytest_asyncio.fixture(scope="module")
async def month() -> AsyncIterator[Network]:
    """A network of the units that the month speaks of."""
    units = {unit.code: unit for unit in read_units()}
    reporting = {report.node for report in read_month().reports}
    above = {units[code].parent or code for code in reporting}
    running = await Network.start(tuple(reporting | above))
    try:
        yield running
    finally:
        await running.stop()


@pytest_asyncio.fixture(scope="module")
async def issued(month: Network) -> Issued:
    """The month's bulletin."""
    return await _hold(month)


async def test_it_says_what_was_counted_by_hand(issued: Issued) -> None:
    lines = {line.unit: line for line in issued.content.lines}
    found = {unit: (lines[unit].adopted, str(lines[unit].points), lines[unit].missed) for unit in COUNTED}
    assert found == COUNTED
    assert {line.unit_class for line in lines.values()} == {
        UnitClass.CITY, UnitClass.DEPARTMENT, UnitClass.DIRECT_REPORT, UnitClass.LIAISON,
    }  # fmt: skip
    expected = read_month().expected
    assert sum(line.adopted for line in lines.values()) == expected.adopted
    assert sum((line.points for line in lines.values()), Decimal(0)) == expected.points
    for line in lines.values():
        assert sum((item.points for item in line.items), Decimal(0)) == line.points


async def test_it_arrives_at_a_city_and_at_a_county(month: Network, issued: Issued) -> None:
    for unit in (SUZHOU, KUNSHAN):
        received = (await inbox(month, unit, issued.message))["message"]
        assert msgspec.json.decode(received["content"], type=BulletinContent) == issued.content


async def test_it_stands(month: Network, issued: Issued) -> None:
    """A second one is refused; the next run sends nothing, finds this one and prints the same."""
    draft = asked(month, PROVINCE, f"/api/v1/hubs/{PROVINCE}/bulletins/draft", period=issued.content.period)
    assert await refusal(draft) == (409, "bulletin.issued")
    again = draft_paper(month, PROVINCE, "bulletin", msgspec.to_builtins(issued.content))
    assert await refusal(again) == (409, "paper.issued")
    before = await month.people.stats("archive", "")
    assert issued.pdf is not None
    printed = issued.pdf.read_bytes()
    issued.pdf.unlink()
    assert await _hold(month) == issued
    assert issued.pdf.read_bytes() == printed
    after = await month.people.stats("archive", "")
    assert {kind: after["messages"][kind] for kind in ("report", "decision", "bulletin")} == {
        "report": 40, "decision": 33, "bulletin": 1,
    }  # fmt: skip
    assert (after["accepted"], after["delivered"], after["refused"]) == (before["accepted"], before["delivered"], {})


async def test_the_day_that_follows_does_not_count_it(month: Network, issued: Issued) -> None:
    since = issued.ends.isoformat()
    archive, scoring = await month.people.stats("archive", since), await month.people.stats("scoring", since)
    gateway = await month.people.stats("gateway", since)
    assert (archive["accepted"], archive["delivered"], archive["adopted"], archive["searchable"]) == (0, 0, 0, 0)
    assert (scoring["points"], scoring["adopted_reports"], gateway["items"]) == ("0", 0, 0)


async def test_it_can_be_read_on_paper(issued: Issued) -> None:
    assert issued.pdf is not None
    pages = [re.sub(r"\s", "", page.extract_text()) for page in PdfReader(BytesIO(issued.pdf.read_bytes())).pages]
    year, number = issued.content.period.split("-")
    for text in (
        "江苏省人民政府办公厅",
        f"关于{year}年{int(number)}月政务信息采用情况的通报",
        re.sub(r"\s", "", issued.content.text),
    ):
        assert text in pages[0], (text, pages[0])
    whole = "".join(pages)
    for row in (
        "苏州市6370",
        "南京市2250",
        "江苏省发展和改革委员会2250",
        "昆山市1303",
        "江苏省人民政府驻北京办事处1303",
    ):
        assert row in whole, (row, whole)
    for text in ("设区市", "省级部门", "信息直报点", "驻外办事处", "每日要情", "调研专刊", "未完成事项", "主送："):
        assert text in whole, text
    by_id = {str(report.id(_begins(issued))): report for report in read_month().reports}
    for line in issued.content.lines:
        for item in line.items:
            title = msgspec.json.decode(by_id[str(item.report)].content)["title"]
            assert re.sub(r"\s", "", title) in whole, title


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler's tools are not here")
async def test_its_first_page_has_a_red_head(issued: Issued) -> None:
    """GB/T 9704: the organ's name and the rule below it are red, in the upper half, and nothing else is."""
    assert issued.pdf is not None
    command = ("pdftoppm", "-r", "50", "-f", "1", "-l", "1", "-aa", "no", "-aaVector", "no", str(issued.pdf))
    picture = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: ASYNC221 - a test's own file
    size = re.match(rb"P6\s(\d+) (\d+)\s255\s", picture)
    assert size is not None
    width, height, pixels = int(size[1]), int(size[2]), picture[size.end() :]
    rows = [pixels[at : at + width * 3] for at in range(0, len(pixels), width * 3)]
    red = [number for number, row in enumerate(rows) if RED in {row[at : at + 3] for at in range(0, len(row), 3)}]
    assert red
    assert height / 6 < min(red) < max(red) < height / 2


def _begins(issued: Issued) -> datetime:
    return (issued.ends - timedelta(days=1)).replace(day=1)
