"""The report of a fixed result, byte for byte. After a wanted change: write the file anew with

HOMEOSTAT_WRITE_GOLDEN=1 pytest tests/golden
"""

import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from homeostat.console.report import render_report
from tests.golden.sample import bare, year

HERE = Path(__file__).parent
PAGES = {"year.html": year, "bare.html": bare}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_the_golden_one(name):
    page = render_report(PAGES[name](), fonts=False)
    path = HERE / name
    if os.environ.get("HOMEOSTAT_WRITE_GOLDEN"):
        path.write_text(page, encoding="utf-8")
    assert page == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_rendering_twice_gives_the_same_bytes(name):
    assert render_report(PAGES[name]()) == render_report(PAGES[name]())


class Page(HTMLParser):
    """What a browser would meet: tags in order, ids, links, and everything fetched from outside."""

    VOID = frozenset({"meta", "input", "path", "use", "circle", "rect", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.unnamed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given.get("href") or "")
        if given.get("role") == "img" and not given.get("aria-label"):
            self.unnamed.append(tag)
        for name in ("src", "href", "xlink:href", "action"):
            value = given.get(name) or ""
            if value and not value.startswith("#"):
                self.outside.append(value)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_well_formed_and_needs_nothing_from_outside(name):
    text = render_report(PAGES[name]())
    page = Page(text)
    assert not page.unclosed
    assert not page.open
    assert not page.outside
    assert not page.unnamed
    assert len(page.ids) == len(set(page.ids))
    assert "http:" not in text.replace("http://www.w3.org", "")
    assert "https:" not in text


def test_every_mark_leads_to_its_decision():
    page = Page(render_report(year(), fonts=False))
    missing = [link for link in page.links if link.removeprefix("#") not in page.ids]
    assert not missing
