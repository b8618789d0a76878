"""Tenants, made by hand: a copy whose secret stayed behind, typed, and live."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.console import Console
from tests.browser.examination import SIZES, faults
from tests.browser.steps import expect_page, fits, open_page
from tests.canary import CANARY
from webapp.domain.roles import OPERATOR, TenantInfo
from webapp.services.wiring import Services

TYPED = f"{CANARY}-of-the-copy"


@pytest.mark.parametrize("viewport", SIZES)
def test_a_copy_is_live_once_its_secret_is_typed(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
) -> None:
    saved(dev, host="smtp.example.com")
    name = f"Söhne & Co {secrets.token_hex(3)}"
    slug = name.lower().replace("ö", "o").replace(" & ", "-").replace(" ", "-")
    page = ada
    page.set_viewport_size(viewport)
    page.goto(f"{console.url}/tenants?q={dev.slug}")
    assert fits(page)
    page.get_by_role("link", name=f"Duplicate {dev.name}").click()
    expect_page(page, "New tenant")
    assert faults(page) == []
    page.set_viewport_size(viewport)

    page.get_by_label("Short name").fill(dev.slug)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make the tenant").click()
    expect(page.get_by_text(f"There is already a tenant “{dev.slug}”")).to_be_visible()
    page.get_by_label("Short name").fill("")
    page.get_by_label("Name", exact=True).press_sequentially(" ")
    expect(page.get_by_label("Short name")).to_have_value(slug)
    assert fits(page)
    page.get_by_role("button", name="Make the tenant").click()

    expect_page(page, f"{name} is made")
    expect(page.get_by_text("smtp.auth.pass")).to_be_visible()
    assert faults(page) == []
    page.set_viewport_size(viewport)
    page.get_by_role("link", name="Give the secrets").click()
    page.get_by_label("Password", exact=True).fill(TYPED)
    page.get_by_role("button", name="Import", exact=True).click()

    expect_page(page, re.compile("as revision 2$"))
    access = services.tenants.access(OPERATOR, slug)
    assert services.setups.secrets(access, 2)["/connector/config/auth/pass"] == TYPED


def test_an_archived_tenant_comes_back(ada: Page, console: Console, services: Services, dev: TenantInfo) -> None:
    services.tenants.archive(dev.slug, OPERATOR)
    ada.goto(f"{console.url}/tenants")
    ada.get_by_text(re.compile("archived tenant")).click()

    ada.get_by_role("button", name=f"Bring back {dev.name}").click()

    expect_page(ada, "Overview")
    open_page(ada, console, dev, "settings")
    # The whole list has those of the other tests, more than it shows.
    ada.goto(f"{console.url}/tenants?q={dev.slug}")
    expect(ada.get_by_role("link", name=dev.name, exact=True).first).to_be_visible()
