"""What every page in every state is examined for: accessibility, width on a phone, weight."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
HTML_LIMIT = 60_000

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
SIZES = [pytest.param(DESK, id="wide"), pytest.param(PHONE, id="phone")]

_FIND = """rules => axe.run(document, {
  resultTypes: ['violations'],
  ...(rules ? {runOnly: {type: 'rule', values: rules}} : {}),
})"""
_WIDE = """() => [...document.querySelectorAll('body *')]
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1)
  .map(each => each.outerHTML.slice(0, 90)).slice(0, 5)"""
_SETTLE = """async () => {
  const drawn = new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.race([drawn, new Promise(done => setTimeout(done, 3000))]);
  document.getAnimations().filter(each => each instanceof CSSTransition).forEach(each => each.finish());
}"""
"""Colours are not to be looked at while they turn from light to dark. A page that was resized is now and then given no
frame until something moves on it."""


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands: on a desk and on a phone, light and dark."""
    page.evaluate(AXE)
    found: list[str] = []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)
        # Colours are all that dark changes.
        found += [f"{name}, dark: {each}" for each in _violations(page, "dark", "color-contrast")]
        found += [f"{name}, light: {each}" for each in _violations(page, "light")]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"phone: scrolls sideways, for {page.evaluate(_WIDE)}")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    return found


def _violations(page: Page, scheme: Literal["light", "dark"], *rules: str) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(_SETTLE)
    results = page.evaluate(_FIND, list(rules) or None)
    return [
        f"{each['id']}: {each['help']} at {node['html'][:120]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for each in results["violations"]
        for node in each["nodes"][:3]
    ]
