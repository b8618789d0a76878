"""Two people who promote into production at once: one wins, the other sees why, with both sides and what they chose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.browser.examination import SIZES, faults
from tests.browser.steps import expect_page, fits, host, open_page
from tests.canary import CANARY
from webapp.domain.roles import OPERATOR, TenantInfo
from webapp.services.wiring import Services


def choose(page: Page, note: str) -> None:
    """Type the secret, say why, and leave only the confirming to be done."""
    page.get_by_label("Type it").check()
    page.get_by_role("textbox", name="Password").fill(f"{CANARY}-{note}")
    page.get_by_label("Why these values go live unproven").fill("It was tested in development")
    page.get_by_label("Note").fill(note)


@pytest.mark.parametrize("viewport", SIZES)
def test_one_wins_and_the_other_sees_both_sides_again(
    new_context: Callable[..., BrowserContext],
    signed_in: Any,
    console: Console,
    services: Services,
    new_tenant: Callable[..., TenantInfo],
    prod: TenantInfo,
    saved: Callable[..., int],
    watch: Watch,
    viewport: ViewportSize,
) -> None:
    watch.expected.add(412)
    sources = [new_tenant(), new_tenant()]
    saved(prod, host="smtp.old.example")
    pages = [new_context(storage_state=signed_in).new_page() for _ in sources]
    for number, (page, source) in enumerate(zip(pages, sources, strict=True), 1):
        page.set_viewport_size(viewport)
        saved(source, host=f"smtp.{number}.example")
        open_page(page, console, prod, f"migrate/promote?from={source.slug}")
        choose(page, f"release {number}")
    first, second = pages

    first.get_by_role("button", name="Promote into production").click()
    expect_page(first, re.compile(r"^Live since .+ as revision 2$"))
    second.get_by_role("button", name="Promote into production").click()

    expect(second.get_by_text("changed meanwhile, so nothing was promoted")).to_be_visible()
    assert host(services, prod) == "smtp.1.example"
    expect(second.get_by_text("smtp.1.example").first).to_be_visible()
    expect(second.get_by_text("smtp.2.example").first).to_be_visible()
    expect(second.get_by_label("Note")).to_have_value("release 2")
    assert fits(second)
    assert faults(second) == []
    second.set_viewport_size(viewport)

    second.get_by_role("button", name="Promote into production").click()
    expect_page(second, re.compile(r"^Live since .+ as revision 3$"))
    assert host(services, prod) == "smtp.2.example"
    kept = services.setups.secrets(services.tenants.access(OPERATOR, prod.slug), 3)
    assert kept["/connector/config/auth/pass"] == f"{CANARY}-release 2"
