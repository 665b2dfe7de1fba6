from html.parser import HTMLParser

from services.gateway.documents.html import html
from services.gateway.documents.text import clean
from tests.documents import HOSTILE, article, bulletin, full_bulletin, issue


class Reading(HTMLParser):
    """What a browser would find: tags, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_an_issue() -> None:
    page = html(issue())
    reading = Reading(page)
    for expected in (
        "江苏信息",
        "2026年第12期（总第217期）",
        "（昆山市、苏州市报送）",
        "【样例】昆山市多措并举优化营商环境",
        "一、健全工作机制",
        "报：",
        "2026年11月23日印发",
    ):
        assert expected in reading.text
    assert (reading.tags.count("h1"), reading.tags.count("h2"), reading.tags.count("h4")) == (1, 2, 2)
    assert '<span class="subsection">（一）强化组织领导。</span>成立领导小组' in page
    assert "@page :left" in page
    assert "margin: 37.0mm 26.0mm 35.0mm 28.0mm" in page
    assert "#FF0000" in page


def test_a_bulletin() -> None:
    reading = Reading(html(full_bulletin()))
    assert "苏信通〔2026〕11号" in reading.text
    assert reading.tags.count("table") == reading.tags.count("thead") == 6
    assert "未完成事项" in reading.text


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = html(full_bulletin())
    reading = Reading(page)
    assert {"script", "link", "img", "iframe", "object", "a", "form"}.isdisjoint(reading.tags)
    assert {"src", "href", "onload", "onclick", "srcset"}.isdisjoint(reading.names)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_hostile_text_stays_text() -> None:
    page = html(issue(article(title=HOSTILE, body=f"一、{HOSTILE}\n{HOSTILE}")))
    page.encode()
    assert "<script>" not in page
    reading = Reading(page)
    assert reading.text.count(clean(HOSTILE)) >= 3
    assert set(reading.tags) == set(Reading(html(issue(article(body="一、甲\n乙")))).tags)


def test_hostile_tables() -> None:
    page = html(bulletin(text=HOSTILE, recipients=(HOSTILE,)))
    assert "{{ 7 * 7 }}" in page
    assert "49" not in Reading(page).text.replace("649", "")
