"""The documentation in a browser, on a desk and on a phone, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import CHROMIUM, CONTRASTS, NEEDS_CHROMIUM, SCHEMES, SIZES, View, opened_in
from datadocs_cases import documented

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = NEEDS_CHROMIUM

SHOWN = """() => [...document.querySelectorAll("article.table")].filter((each) => each.checkVisibility())
  .map((each) => each.id)"""

RESET = """() => {
  const filter = document.getElementById("filter");
  filter.value = "";
  filter.dispatchEvent(new Event("input"));
  document.activeElement.blur();
  scrollTo(0, 0);
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return documented(tmp_path_factory.mktemp("samples")).as_uri()


@pytest.fixture(scope="module", params=product(SIZES, SCHEMES), ids=str)
def opened(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[View]:
    (width, height), scheme = request.param
    with opened_in(browser, address, width=width, height=height, scheme=scheme) as view:
        yield view


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    opened.page.evaluate(RESET)
    yield opened
    assert (opened.said, opened.asked) == ([], [])


def test_nothing_is_wider_than_the_window(view: View) -> None:
    overflow = "document.scrollingElement.scrollWidth - innerWidth"
    assert view.number(overflow) <= 0
    view.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert view.number(overflow) <= 0


def test_it_is_dark_by_night(view: View) -> None:
    is_dark = view.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    paper = view.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(21, 23, 26)" if is_dark else "rgb(255, 255, 255)")


def test_every_text_can_be_read(view: View) -> None:
    view.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    contrasts = view.page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    assert {what: ratio for what, ratio in contrasts.items() if ratio < 4.5} == {}


def test_every_link_leads_somewhere(view: View) -> None:
    broken = """[...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"))
        .filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1)))"""
    assert view.page.evaluate(broken) == []
    assert view.number("document.links.length") > 60


def test_a_link_shows_its_table(view: View) -> None:
    view.page.evaluate("document.querySelector('.contents').open = true")
    view.page.click(".contents a[href='#gold.fct_messages']")
    top = view.number("document.getElementById('gold.fct_messages').getBoundingClientRect().top")
    assert 0 <= top < 100


def test_the_contents_are_open_on_a_desk(view: View) -> None:
    view.page.reload()
    assert view.page.evaluate("document.querySelector('.contents').open") is (view.number("innerWidth") > 900)


def test_the_filter_finds_columns(view: View) -> None:
    everything = view.page.evaluate(SHOWN)
    view.page.keyboard.press("/")
    view.page.keyboard.type("COST_usd")
    found = view.page.evaluate(SHOWN)
    assert "gold.fct_api_calls" in found
    assert "gold.fct_messages" not in found
    rows = view.page.locator("article.table tbody tr:visible th code").all_inner_texts()
    assert set(rows) == {"cost_usd"}
    view.page.keyboard.press("Escape")
    assert view.page.evaluate(SHOWN) == everything


def test_the_filter_finds_tables_with_all_their_columns(view: View) -> None:
    view.page.fill("#filter", "gold.dim_mod")
    assert view.page.evaluate(SHOWN) == ["gold.dim_models"]
    assert view.page.locator("article.table tbody tr:visible").count() == 16
    assert view.page.locator("#none").is_hidden()


def test_the_filter_says_when_nothing_is_left(view: View) -> None:
    view.page.fill("#filter", "no such thing")
    assert view.page.evaluate(SHOWN) == []
    assert view.page.locator("#none").is_visible()


def test_a_link_to_what_is_filtered_away_shows_it(view: View) -> None:
    view.page.fill("#filter", "dim_models")
    view.page.click("#gold\\.dim_models a[href='#silver.int_api_calls']")
    view.page.locator("#silver\\.int_api_calls").wait_for()
    assert view.page.input_value("#filter") == ""


def test_the_filter_scrolls_to_the_first_match(view: View) -> None:
    view.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    view.page.keyboard.press("/")
    view.page.keyboard.type("cost_usd")
    first = view.page.locator("article.table:visible").first.bounding_box()
    typed = view.page.locator(".filter").bounding_box()
    assert first is not None
    assert typed is not None
    assert 0 <= first["y"] < 200
    assert typed["y"] >= 0
    assert typed["y"] + typed["height"] <= first["y"] or typed["x"] + typed["width"] <= first["x"]


def test_the_lineage_fits_its_box(view: View) -> None:
    outside = """(() => {
        const box = document.querySelector(".lineage").getBoundingClientRect();
        return [...document.querySelectorAll(".lineage *")].map((each) => each.getBoundingClientRect())
            .filter((each) => each.left < box.left - 1 || each.right > box.right + 1).length;
    })()"""
    assert view.number("document.querySelectorAll('.lineage li').length") == 31
    assert view.number(outside) == 0
    across = view.number(
        "new Set([...document.querySelectorAll('.lineage section')].map((s) => s.offsetLeft)).size"
    )
    assert across == (4 if view.number("innerWidth") > 900 else 1)


def test_one_chart_is_shown_in_a_size_that_can_be_read(view: View) -> None:
    shown = view.page.locator(".timeline svg:visible")
    assert shown.count() == 1
    box = shown.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(880 if view.number("innerWidth") > 900 else 320, abs=8)


def test_every_chart_has_a_text(view: View) -> None:
    nameless = """[...document.querySelectorAll("svg")].filter((svg) =>
        !svg.closest("[aria-label]")?.getAttribute("aria-label")).length"""
    assert view.number("document.querySelectorAll('article svg').length") > 100
    assert view.number(nameless) == 0


def test_it_needs_no_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(address)
    assert page.locator("#gold\\.fct_messages table").is_visible()
    assert page.locator("#filter").is_hidden()
    context.close()


def test_a_browser_is_named_by_its_path() -> None:
    assert CHROMIUM is not None
    assert Path(CHROMIUM).is_file()
