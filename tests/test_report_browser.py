"""The report's page in a browser, on a desk and on a phone, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import pytest
from browsing import CONTRASTS, NEEDS_CHROMIUM, SCHEMES, SIZES, View, opened_in
from report_cases import page_of_samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = NEEDS_CHROMIUM

TABLES = """() => Object.fromEntries([...document.querySelectorAll("section.overview")].map((each) =>
  [each.id, [...each.querySelectorAll("section > .scroll tbody tr, details tbody tr")].map((row) =>
    [...row.cells].map((cell) => cell.textContent))]))"""
CARDS = """() => Object.fromEntries([...document.querySelectorAll("[data-card]")].map((each) =>
  [each.dataset.card, each.textContent]))"""
DRAW_ALL = """async () => {
  for (const chart of document.querySelectorAll(".chart")) {
    chart.scrollIntoView();
    await new Promise((done) => setTimeout(done, 150));
  }
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of_samples(tmp_path_factory.mktemp("report")).as_uri()


@pytest.fixture(scope="module", params=product(SIZES, SCHEMES), ids=str)
def view(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[View]:
    (width, height), scheme = request.param
    with opened_in(browser, address, width=width, height=height, scheme=scheme) as view:
        view.page.evaluate(DRAW_ALL)
        yield view
        assert (view.said, view.asked) == ([], [])


def reset(view: View) -> None:
    """Choose everything again, and wait until the page shows it, which takes it a timer."""
    view.page.click("button[type=reset]")
    view.page.evaluate("() => new Promise((done) => setTimeout(done))")


def test_vega_draws_every_chart(view: View) -> None:
    charts = view.page.locator(".chart").count()
    assert charts >= 10
    assert view.page.locator(".chart.vega-embed svg").count() == charts


def test_nothing_is_wider_than_the_window(view: View) -> None:
    view.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert view.number("document.scrollingElement.scrollWidth - innerWidth") <= 0


def test_every_text_can_be_read(view: View) -> None:
    contrasts = view.page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert {what: ratio for what, ratio in contrasts.items() if ratio < 4.5} == {}


def test_axe_finds_no_fault(view: View) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(view.page).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []


def test_a_filter_and_back_leaves_every_figure_as_it_was(view: View) -> None:
    before, cards = view.page.evaluate(TABLES), view.page.evaluate(CARDS)
    cost = cards["cost_usd"]
    view.page.select_option("[name=project]", index=1)
    assert view.page.evaluate(CARDS)["cost_usd"] != cost
    assert len(view.page.evaluate(TABLES)["projects"]) == 1
    reset(view)
    assert view.page.evaluate(TABLES) == before
    assert view.page.evaluate(CARDS) == cards


def test_a_period_is_chosen_in_the_page(view: View) -> None:
    day = view.page.evaluate(TABLES)["days"][0]
    for name in ("since", "until"):
        view.page.fill(f"[name={name}]", day[0])
    tables, cards = view.page.evaluate(TABLES), view.page.evaluate(CARDS)
    assert tables["days"] == [day]
    assert [cards[name] for name in ("sessions", "prompts", "tool_calls", "cost_usd")] == day[1:]
    assert view.page.locator("#errors .unfiltered").is_visible()
    reset(view)


def test_projects_are_chosen_by_their_activity(view: View) -> None:
    days = {row[0]: int(row[6]) for row in view.page.evaluate(TABLES)["projects"]}
    for level, least, most in (("high", 10, 10**6), ("medium", 3, 9), ("low", 0, 2)):
        view.page.select_option("[name=level]", level)
        expected = {project for project, number in days.items() if least <= number <= most}
        assert {row[0] for row in view.page.evaluate(TABLES)["projects"]} == expected
    reset(view)


def test_without_a_script_it_can_be_read(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator(".chart > svg").count() >= 10
    assert page.locator("tbody tr").count() > 50
    assert not page.locator(".filters").is_visible()
    context.close()


def test_a_printed_page_has_no_filter(view: View) -> None:
    view.page.emulate_media(media="print")
    assert not view.page.locator(".filters").is_visible()
    view.page.emulate_media(media="screen")
