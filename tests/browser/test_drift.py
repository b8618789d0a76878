"""Both sides changed since the last promotion: somebody decides, in a wide window and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.browser.examination import SIZES, faults
from tests.browser.steps import expect_page, fits, open_page
from webapp.domain.roles import OPERATOR, TenantInfo
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion
from webapp.services.wiring import Services


def promote(services: Services, source: TenantInfo, target: TenantInfo) -> None:
    here, there = (services.tenants.access(OPERATOR, each.slug) for each in (source, target))
    plan = services.promoting.plan(here, there, Promotion(secrets={"smtp.auth.pass": "copy"}))
    services.planning.apply(there, plan.id, Confirmation(reason="arranged by a test"))


def reply_to(services: Services, tenant: TenantInfo) -> str:
    document = services.setups.active(services.tenants.by_slug(tenant.slug)).document
    return str(document["connector"]["config"]["replyTo"])


@pytest.mark.parametrize("viewport", SIZES)
def test_a_conflict_is_decided(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
    watch: Watch,
) -> None:
    watch.expected.add(422)
    saved(dev)
    promote(services, dev, prod)
    saved(dev, replyTo="new@example.com", port=2525)
    saved(prod, replyTo="own@example.com")
    page = ada
    page.set_viewport_size(viewport)

    open_page(page, console, prod)
    page.get_by_text("Edited since").click()
    expect(page.get_by_text("/connector/config/replyTo")).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name="Compare").click()
    expect_page(page, "Promote")
    keep, take = (page.get_by_role("radio", name=re.compile(rf"^{word} .+'s$")) for word in ("Keep", "Take"))
    expect(keep).not_to_be_checked()
    expect(take).not_to_be_checked()
    assert fits(page)
    assert faults(page) == []
    page.set_viewport_size(viewport)

    page.get_by_label("Note").fill("Release 7")
    page.get_by_role("button", name="Promote into production").click()
    expect(page.get_by_text("Choose which of the two it shall be.")).to_be_visible()
    expect(keep).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("Release 7")
    assert reply_to(services, prod) == "own@example.com"
    assert fits(page)
    assert faults(page) == []
    page.set_viewport_size(viewport)

    take.check()
    page.get_by_label("Why these values go live unproven").fill("It was tested in development")
    page.get_by_role("button", name="Promote into production").click()
    expect_page(page, re.compile(r"^Live since .+ as revision 3$"))
    assert reply_to(services, prod) == "new@example.com"
