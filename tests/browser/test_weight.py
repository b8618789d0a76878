"""Pages are light: a slow line is a user too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.console import Console
from tests.browser.examination import HTML_LIMIT
from tests.browser.steps import choose_sandbox, open_page
from tests.many_mails import with_many_mails
from webapp.domain.roles import OPERATOR, Environment, TenantInfo
from webapp.services.wiring import Services

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


@pytest.mark.parametrize("path", ["history/2", "history/diff?from=2&to=1", "history/1/restore", "migrate/promote"])
def test_pages_of_270_changed_mails(
    ada: Page,
    console: Console,
    services: Services,
    saved: Callable[..., int],
    new_tenant: Callable[..., TenantInfo],
    dev: TenantInfo,
    path: str,
) -> None:
    saved(dev)
    access = services.tenants.access(OPERATOR, dev.slug)
    services.setups.save(access, with_many_mails(services.setups.active(dev).document), base=None)
    place = f"{path}?from={dev.slug}" if path == "migrate/promote" else path
    tenant = new_tenant(Environment.PRODUCTION) if path == "migrate/promote" else dev

    with ada.expect_response(re.compile(re.escape(path.partition("?")[0]))) as answered:
        open_page(ada, console, tenant, place)

    assert 5_000 < len(answered.value.body()) < HTML_LIMIT
    expect(ada.get_by_text(re.compile("30 mails (added|removed)"))).to_have_count(9)


def test_nothing_moves_while_a_page_loads(
    new_context: Callable[..., BrowserContext], signed_in: Any, console: Console, dev: TenantInfo
) -> None:
    page = new_context(storage_state=signed_in).new_page()
    page.add_init_script(_ADD_UP_SHIFTS)
    choose_sandbox(page, console, dev)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.shift") < 0.02
