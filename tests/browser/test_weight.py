"""Pages are light: a slow line is a user too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.console import Console
from tests.browser.steps import choose_sandbox, open_page
from webapp.domain.roles import TenantInfo

FIRST_LOAD_LIMIT = 250_000
_ADD_UP_SHIFTS = """
window.shift = 0;
const add = list => list.getEntries().forEach(each => { window.shift += each.value; });
new PerformanceObserver(add).observe({type: 'layout-shift', buffered: true});
"""


@pytest.mark.parametrize("path", ["", "connector/choose", "connector", "history", "inbox"])
def test_first_load(
    new_context: Callable[..., BrowserContext], signed_in: Any, console: Console, dev: TenantInfo, path: str
) -> None:
    if path == "connector":
        choose_sandbox(new_context(storage_state=signed_in).new_page(), console, dev)
    page = new_context(storage_state=signed_in).new_page()
    transferred: list[float] = []
    wire = page.context.new_cdp_session(page)
    wire.on("Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"]))
    wire.send("Network.enable")

    open_page(page, console, dev, path)
    page.wait_for_load_state("networkidle")

    assert 10_000 < sum(transferred) < FIRST_LOAD_LIMIT


def test_nothing_moves_while_a_page_loads(
    new_context: Callable[..., BrowserContext], signed_in: Any, console: Console, dev: TenantInfo
) -> None:
    page = new_context(storage_state=signed_in).new_page()
    page.add_init_script(_ADD_UP_SHIFTS)
    choose_sandbox(page, console, dev)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.shift") < 0.02
