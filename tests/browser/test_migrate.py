"""From development to production and back, by hand: in a wide window and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.browser.examination import PHONE, SIZES, faults
from tests.browser.steps import expect_page, fits, go_to, host, open_page
from tests.canary import CANARY
from webapp.domain.roles import OPERATOR, TenantInfo
from webapp.services.wiring import Services

SLOT = "smtp.auth.pass"
TYPED = f"{CANARY}-of-production"


def password(services: Services, tenant: TenantInfo) -> str:
    access = services.tenants.access(OPERATOR, tenant.slug)
    number = services.setups.active(access.tenant).number
    return services.setups.secrets(access, number)["/connector/config/auth/pass"]


@pytest.mark.parametrize("viewport", SIZES)
def test_development_to_production_and_back(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
) -> None:
    saved(dev, host="smtp.new.example")
    saved(prod, host="smtp.old.example")
    page = ada
    page.set_viewport_size(viewport)
    open_page(page, console, prod, f"migrate/promote?from={dev.slug}")
    expect(page.get_by_text("smtp.old.example")).to_be_visible()
    expect(page.get_by_text("smtp.new.example")).to_be_visible()
    assert fits(page)
    assert faults(page) == []
    page.set_viewport_size(viewport)

    page.get_by_label(re.compile("Copy it from")).check()
    page.get_by_label("Why these values go live unproven").fill("It was tested in development")
    page.get_by_label("Note").fill("Release 7")
    page.get_by_role("button", name="Promote into production").click()
    expect_page(page, re.compile(r"^Live since .+ as revision 2$"))
    assert host(services, prod) == "smtp.new.example"

    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Restore in production").click()
    expect_page(page, re.compile(r"^Live since .+ as revision 3$"))
    assert host(services, prod) == "smtp.old.example"


@pytest.mark.parametrize("viewport", SIZES)
def test_it_takes_two_pages_three_clicks_and_a_sentence(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
) -> None:
    """A minute of use; the clock of a machine says nothing about that, so pages and clicks are counted."""
    saved(dev, host="smtp.new.example")
    ada.set_viewport_size(viewport)
    open_page(ada, console, dev, "migrate")
    pages: list[str] = []
    ada.on("framenavigated", lambda frame: pages.append(frame.url))

    ada.get_by_label("From").select_option(dev.slug)
    ada.get_by_label("To").select_option(prod.slug)
    ada.get_by_role("button", name="Compare").click()
    ada.get_by_label(re.compile("Copy it from")).check()
    ada.get_by_label("Why these values go live unproven").fill("It was tested in development")
    ada.get_by_role("button", name="Promote into production").click()
    expect_page(ada, re.compile(r"^Live since .+ as revision 1$"))
    assert host(services, prod) == "smtp.new.example"

    # The compare page, and the one that says since when it is live.
    assert len(pages) == 2
    assert fits(ada)


@pytest.mark.parametrize("viewport", SIZES)
def test_where_the_host_differs_the_secret_is_typed_again_and_it_is_said_why(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
) -> None:
    saved(dev, host="smtp.new.example")
    saved(prod, host="smtp.old.example")
    ada.set_viewport_size(viewport)
    open_page(ada, console, prod, f"migrate/promote?from={dev.slug}")
    expect(ada.get_by_text("was given for another place, so it is not sent to the new one")).to_be_visible()
    expect(ada.get_by_label("Keep the one that is stored here")).to_have_count(0)
    ada.get_by_label("Type it").check()
    ada.get_by_label("Why these values go live unproven").fill("The new server")

    ada.get_by_role("button", name="Promote into production").click()
    expect(ada.get_by_text("This secret is needed.")).to_be_visible()
    expect(ada.get_by_role("textbox", name="Password")).to_be_focused()
    expect(ada.get_by_label("Why these values go live unproven")).to_have_value("The new server")
    assert fits(ada)
    assert host(services, prod) == "smtp.old.example"
    ada.get_by_role("textbox", name="Password").fill(TYPED)
    ada.get_by_role("button", name="Promote into production").click()

    expect_page(ada, re.compile("as revision 2$"))
    assert (host(services, prod), password(services, prod)) == ("smtp.new.example", TYPED)


def test_the_doors_lead_to_the_two_tenants(
    ada: Page, console: Console, dev: TenantInfo, prod: TenantInfo, saved: Callable[..., int]
) -> None:
    saved(dev)
    open_page(ada, console, dev)
    go_to(ada, "Migrate")
    expect_page(ada, "Migrate")
    ada.get_by_label("From").select_option(dev.slug)
    ada.get_by_label("To").select_option(prod.slug)

    ada.get_by_role("button", name="Compare").click()

    expect_page(ada, "Promote")
    assert ada.url == f"{console.url}/t/{prod.slug}/migrate/promote?from={dev.slug}"


def test_what_is_not_ticked_stays(
    ada: Page, console: Console, services: Services, dev: TenantInfo, prod: TenantInfo, saved: Callable[..., int]
) -> None:
    saved(dev, host="smtp.new.example", replyTo="help@example.com")
    saved(prod, host="smtp.old.example")
    open_page(ada, console, prod, f"migrate/promote?from={dev.slug}")
    ada.get_by_label("Promote Server").uncheck()
    ada.get_by_label("Why these values go live unproven").fill("Only where answers go")
    ada.get_by_role("button", name="Promote into production").click()

    expect_page(ada, re.compile("as revision 2$"))
    assert host(services, prod) == "smtp.old.example"


def test_a_dropped_file_with_a_missing_secret(
    ada: Page,
    console: Console,
    services: Services,
    prod: TenantInfo,
    dev: TenantInfo,
    saved: Callable[..., int],
    tmp_path: Path,
) -> None:
    saved(dev)
    document = services.exporting.shown(services.tenants.access(OPERATOR, dev.slug)).to_json()
    open_page(ada, console, prod, "migrate/import")
    transfer = ada.evaluate_handle(
        """text => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([text], "setup.json", {type: "application/json"}));
            return dropped;
        }""",
        json.dumps(document),
    )
    ada.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    expect(ada.get_by_text("setup.json")).to_be_visible()
    ada.get_by_role("button", name="Show the plan").click()
    expect_page(ada, "Plan of the import")
    ada.get_by_label("Why these values go live unproven").fill("The first set-up")

    ada.get_by_role("button", name="Import into production").click()
    expect(ada.get_by_text("This secret is needed.")).to_be_visible()
    assert faults(ada) == []
    expect(ada.get_by_role("textbox", name="Password")).to_be_focused()
    expect(ada.get_by_label("Why these values go live unproven")).to_have_value("The first set-up")
    ada.get_by_role("textbox", name="Password").fill(TYPED)
    ada.get_by_role("button", name="Import into production").click()

    expect_page(ada, re.compile("as revision 1$"))
    assert password(services, prod) == TYPED


def test_a_text_that_cannot_be_read_stays_where_it_was_pasted(
    ada: Page, console: Console, dev: TenantInfo, watch: Watch
) -> None:
    watch.expected.add(422)
    page = ada
    page.set_viewport_size(PHONE)
    open_page(page, console, dev, "migrate/import")
    page.get_by_label("Or paste the text").fill('{"format":')
    page.get_by_role("button", name="Show the plan").click()

    expect(page.get_by_text("The document cannot be read")).to_be_visible()
    expect(page.get_by_label("Or paste the text")).to_have_value('{"format":')
    assert fits(page)
