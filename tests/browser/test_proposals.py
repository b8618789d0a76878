"""Two people and one production tenant: Bob proposes, Ada approves, and takes it back; wide and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.console import Console
from tests.browser.examination import SIZES, faults
from tests.browser.steps import expect_page, fits, host, open_page
from tests.canary import CANARY
from webapp.accounts import Accounts
from webapp.domain.roles import Role, TenantInfo
from webapp.services.wiring import Services


@pytest.mark.parametrize("viewport", SIZES)
def test_bob_proposes_ada_approves_and_undoes(
    ada: Page,
    bob_as: Callable[[Role], Page],
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    viewport: ViewportSize,
) -> None:
    saved(dev, host="smtp.new.example")
    saved(prod, host="smtp.old.example")
    bob = bob_as(Role.EDITOR)
    services.tenants.add_member(prod.id, Accounts(services.db).by_email("bob@example.com").id, Role.EDITOR)
    for page in (ada, bob):
        page.set_viewport_size(viewport)

    open_page(ada, console, prod, "settings")
    ada.get_by_label("Only with the approval of a second person").check()
    ada.get_by_role("button", name="Save settings").click()
    expect(ada.get_by_text("nobody can approve what this person proposes")).to_be_visible()
    assert fits(ada)
    assert faults(ada) == []

    ada.set_viewport_size(viewport)
    open_page(ada, console, prod, "connector")
    expect(ada.get_by_text("This tenant changes only with the approval of a second person")).to_be_visible()
    expect(ada.get_by_role("button", name="Review and save")).to_have_count(0)

    open_page(bob, console, prod, f"migrate/promote?from={dev.slug}")
    bob.get_by_label("Password", exact=True).fill(f"{CANARY}-of-production")
    bob.get_by_label("Why these values go live unproven").fill("It was tested in development")
    bob.get_by_label("Note").fill("Release 7")
    bob.get_by_role("button", name="Propose").click()
    expect_page(bob, f"Promote from {dev.slug}, revision 1")
    expect(bob.get_by_text("Somebody else decides about your proposal: ada@example.com.")).to_be_visible()
    assert fits(bob)
    assert faults(bob) == []
    assert host(services, prod) == "smtp.old.example"

    open_page(ada, console, prod)
    expect(ada.get_by_text("One proposal waits for a second person")).to_be_visible()
    ada.get_by_role("link", name="Look at it").click()
    expect_page(ada, "Proposals")
    ada.get_by_role("link", name=f"Promote from {dev.slug}, revision 1").click()
    expect(ada.get_by_text("smtp.old.example")).to_be_visible()
    expect(ada.get_by_text("Release 7")).to_be_visible()
    assert fits(ada)
    assert faults(ada) == []
    ada.set_viewport_size(viewport)
    ada.get_by_role("button", name="Approve for production").click()
    expect_page(ada, re.compile(r"^Live since .+ as revision 2$"))
    assert host(services, prod) == "smtp.new.example"

    ada.get_by_role("link", name="Undo").click()
    ada.get_by_role("button", name="Restore in production").click()
    expect_page(ada, re.compile(r"^Live since .+ as revision 3$"))
    assert host(services, prod) == "smtp.old.example"
