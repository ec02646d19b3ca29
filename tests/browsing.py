"""Pages in a browser.

Their tests run where ``CLOGS_TEST_CHROMIUM`` names the executable of a Chromium, and Playwright is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CLOGS_TEST_CHROMIUM")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = ((1280, 800), (360, 740))
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")

NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="CLOGS_TEST_CHROMIUM names no Chromium")

CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (...colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => rgb.slice(0, 3)
    .map((part) => part / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (paint(color)[3] === 255) return color;
    }
    return "white";
  };
  const found = {};
  for (const node of document.querySelectorAll("body, body *")) {
    const says = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!says || node.matches("title, script, style, .unseen") || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const back = behind(node);
    const pair = [paint(back, node.ownerSVGElement ? style.fill : style.color), paint(back)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    const what = `${node.tagName} ${node.getAttribute("class")}`;
    found[what] = Math.min(ratio, found[what] ?? 21);
  }
  return found;
}"""


@dataclass
class View:
    """The page, opened.

    Attributes:
        page: The page.
        said: What it said on the console, and its errors.
        asked: What it asked for, besides itself.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def number(self, expression: str) -> float:
        """The value of a JavaScript expression."""
        return float(self.page.evaluate(expression))


@contextmanager
def opened_in(
    browser: Browser, address: str, *, width: int, height: int, scheme: Literal["light", "dark"] = "light"
) -> Iterator[View]:
    """Open a page in a window of its own."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    view = View(context.new_page())
    view.page.on("console", lambda message: view.said.append(message.text))
    view.page.on("pageerror", lambda error: view.said.append(str(error)))
    view.page.on("request", lambda sent: view.asked.append(sent.url) if sent.url != address else None)
    view.page.goto(address)
    yield view
    context.close()
