"""Check and test send of a plan, live: in the target, before anything of it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BOB, Watch
from tests.browser.console import Console
from tests.browser.examination import PHONE, faults
from tests.browser.steps import expect_page, fits, open_page
from tests.canary import CANARY
from tests.peers.scripted import Script, ScriptedServer, answer, silence
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Role, TenantInfo
from webapp.services.wiring import Services

TYPED = f"{CANARY}-of-production"
Scripted = Callable[..., ScriptedServer]


@pytest.fixture
def compare(
    ada: Page, console: Console, dev: TenantInfo, prod: TenantInfo, saved: Callable[..., int]
) -> Callable[[ScriptedServer], Page]:
    """Open the comparison of production with a development tenant that sends through a server."""

    def opened(server: ScriptedServer) -> Page:
        saved(dev, host=server.host, port=server.port, security="none")
        open_page(ada, console, prod, f"migrate/promote?from={dev.slug}")
        ada.get_by_label(re.compile("Copy it from")).check()
        return ada

    return opened


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_checked_sent_and_live_without_a_reason(
    compare: Callable[[ScriptedServer], Page], scripted: Scripted, services: Services, prod: TenantInfo
) -> None:
    server = scripted(Script(offers_starttls=False))
    page = compare(server)
    reason = page.get_by_label("Why these values go live unproven")
    expect(reason).to_be_visible()

    press(page, "Check connection")
    expect(page.locator(".run-title")).to_contain_text("Connected and logged in")
    assert server.bodies == []
    expect(reason).to_be_visible()
    press(page, "Send test")
    expect(page.locator(".run-sentence")).to_contain_text("These values are proven now.")
    expect(page.get_by_text("A test mail was accepted in this tenant with exactly these values.")).to_be_visible()
    expect(reason).to_be_hidden()
    assert faults(page) == []
    assert len(server.bodies) == 1
    assert services.tenants.by_slug(prod.slug).active_revision == 0

    press(page, "Promote into production")
    expect(page.get_by_role("heading", name="as revision 1")).to_be_visible()


def test_other_values_grey_the_result_until_they_are_put_back(
    compare: Callable[[ScriptedServer], Page], scripted: Scripted
) -> None:
    page = compare(scripted(Script(offers_starttls=False)))
    press(page, "Send test")
    expect(page.locator(".run-sentence")).to_contain_text("These values are proven now.")
    stale = page.get_by_text("Values have changed since.")
    reason = page.get_by_label("Why these values go live unproven")
    expect(stale).to_be_hidden()

    page.get_by_label("Type it").check()
    expect(stale).to_be_visible()
    expect(reason).to_be_visible()

    page.get_by_label(re.compile("Copy it from")).check()
    expect(stale).to_be_hidden()
    expect(reason).to_be_hidden()


def test_pressed_twice_it_is_sent_once(compare: Callable[[ScriptedServer], Page], scripted: Scripted) -> None:
    server = scripted(Script(offers_starttls=False))
    page = compare(server)

    page.get_by_role("button", name="Send test").dblclick()

    expect(page.locator(".run-sentence")).to_contain_text("These values are proven now.")
    assert len(server.bodies) == 1


def test_what_runs_shows_its_time_out_and_can_be_cancelled(
    compare: Callable[[ScriptedServer], Page], scripted: Scripted
) -> None:
    page = compare(scripted(Script(greeting=silence)))
    page.set_viewport_size(PHONE)

    press(page, "Check connection")
    expect(page.locator(".phase.is-running")).to_contain_text("Greeting")
    expect(page.locator(".phase.is-running")).to_contain_text("up to")
    assert fits(page)
    press(page, "Cancel")

    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()


def test_a_refusal_says_what_to_do_in_the_servers_words(
    compare: Callable[[ScriptedServer], Page], scripted: Scripted
) -> None:
    page = compare(scripted(Script(offers_starttls=False, auth=answer(535, "5.7.8 Credentials refused"))))
    page.set_viewport_size(PHONE)

    press(page, "Send test")

    expect(page.get_by_text("What to do")).to_be_visible()
    expect(page.get_by_text("5.7.8 Credentials refused").first).to_be_visible()
    expect(page.get_by_role("button", name="Copy for support")).to_be_visible()
    expect(page.get_by_text("The conversation with the server")).to_be_visible()
    assert CANARY not in page.content()
    assert fits(page)


def test_an_import_asks_for_what_is_missing_and_then_tries_it(
    ada: Page,
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    scripted: Scripted,
    watch: Watch,
) -> None:
    watch.expected.add(422)
    server = scripted(Script(offers_starttls=False))
    saved(dev, host=server.host, port=server.port, security="none")
    document = services.exporting.shown(services.tenants.access(OPERATOR, dev.slug)).to_json()
    open_page(ada, console, prod, "migrate/import")
    ada.get_by_label("Or paste the text").fill(json.dumps(document))
    press(ada, "Show the plan")
    expect_page(ada, "Plan of the import")

    press(ada, "Send test")
    expect(ada.get_by_text("Give this secret first: Password.")).to_be_visible()
    ada.get_by_role("textbox", name="Password").fill(TYPED)
    press(ada, "Send test")
    expect(ada.locator(".run-sentence")).to_contain_text("These values are proven now.")
    press(ada, "Import into production")

    expect(ada.get_by_role("heading", name="as revision 1")).to_be_visible()
    assert len(server.bodies) == 1


def test_secrets_come_from_a_file(
    ada: Page, console: Console, services: Services, dev: TenantInfo, prod: TenantInfo, saved: Callable[..., int]
) -> None:
    saved(dev)
    document = services.exporting.shown(services.tenants.access(OPERATOR, dev.slug)).to_json()
    open_page(ada, console, prod, "migrate/import")
    ada.get_by_label("Or paste the text").fill(json.dumps(document))
    press(ada, "Show the plan")
    ada.get_by_label("Note").fill("Release 7")
    ada.get_by_text("Fill in from a file").click()
    secrets = json.dumps({"smtp.auth.pass": {"value": TYPED}}).encode()
    file = {"name": "secrets.json", "mimeType": "application/json", "buffer": secrets}
    ada.locator("#secrets-file").set_input_files(file)  # type: ignore[arg-type]

    press(ada, "Take them from the file")

    expect(ada.get_by_text("The one that you typed is kept, sealed.")).to_be_visible()
    expect(ada.get_by_label("Note")).to_have_value("Release 7")
    assert TYPED not in ada.content()


def test_who_decides_about_a_proposal_tries_it_first(
    ada: Page,
    bob_as: Callable[[Role], Page],
    console: Console,
    services: Services,
    dev: TenantInfo,
    prod: TenantInfo,
    saved: Callable[..., int],
    scripted: Scripted,
) -> None:
    server = scripted(Script(offers_starttls=False))
    saved(dev, host=server.host, port=server.port, security="none")
    bob = bob_as(Role.EDITOR)
    services.tenants.add_member(prod.id, Accounts(services.db).by_email(BOB).id, Role.EDITOR)
    open_page(bob, console, prod, f"migrate/promote?from={dev.slug}")
    bob.get_by_role("textbox", name="Password").fill(TYPED)
    bob.get_by_label("Why these values go live unproven").fill("Ada tries it")
    press(bob, "Propose")
    expect(bob.get_by_text("It is proposed.")).to_be_visible()

    ada.goto(bob.url)
    press(ada, "Check connection")
    expect(ada.locator(".run-title")).to_contain_text("Connected and logged in")
    press(ada, "Send test")
    expect(ada.locator(".run-sentence")).to_contain_text("These values are proven now.")
    expect(ada.get_by_text("A test mail was accepted in this tenant with exactly these values.")).to_be_visible()
    assert faults(ada) == []
    assert len(server.bodies) == 1
    press(ada, "Approve for production")

    expect(ada.get_by_role("heading", name="as revision 1")).to_be_visible()
