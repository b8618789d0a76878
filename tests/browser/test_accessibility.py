"""No page, in no state, keeps anybody out: axe finds nothing, light and dark, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.browser.conftest import ADA, Watch
from tests.browser.console import Console
from tests.browser.examination import HTML_LIMIT, faults
from tests.browser.steps import begin_smtp, choose_sandbox, expect_page, field, open_page, review, save
from tests.canary import CANARY
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, silence
from tests.services.mails import a_mail
from webapp.db.models import AuditRow
from webapp.domain.roles import Environment, Role, TenantInfo
from webapp.services.wiring import Services


@pytest.fixture(scope="module")
def furnished(services: Services, new_tenant: Callable[..., TenantInfo], saved: Callable[..., int]) -> TenantInfo:
    """A tenant with three revisions and a few mails."""
    tenant = new_tenant()
    saved(tenant)
    saved(tenant, host="smtp.example.org", replyTo="Help <help@example.com>")
    saved(tenant, customHeaders={"X-Entity-Ref": "42"}, connectionTimeout=20_000)
    services.inbox.add(tenant.id, ["bob@example.com"], a_mail(html="<p>Your code is <b>482913</b>.</p>"))
    services.inbox.add(
        tenant.id, ["carol@example.com"], a_mail(subject="An invitation", text="https://acme.example/in")
    )
    return tenant


@pytest.mark.parametrize(
    "path",
    [
        "",
        "connector/choose",
        "connector/choose?q=gmail",
        "connector",
        "connector/review",
        "connector/saved/3",
        "connector/delete",
        "history",
        "history/1",
        "history/3",
        "history/diff?from=1&to=3",
        "history/diff?from=2&to=2",
        "history/1/restore",
        "history/3/restore",
        "migrate",
        "migrate/export",
        "migrate/import",
        "inbox",
        "inbox?to=nobody@example.com",
        "inbox/clear",
        "settings",
        "settings/members",
        "settings/members/invite",
        "settings/tokens",
        "settings/tokens/new",
        "settings/audit",
        "settings/danger",
        "nothing-of-the-kind",
    ],
)
def test_pages_of_a_tenant_where_email_is_set_up(ada: Page, console: Console, furnished: TenantInfo, path: str) -> None:
    answer = ada.goto(f"{console.url}/t/{furnished.slug}/{path}")

    assert answer
    assert len(answer.body()) < HTML_LIMIT
    assert faults(ada) == []


@pytest.mark.parametrize("path", ["", "connector/choose", "history", "inbox"])
def test_pages_of_an_empty_tenant(ada: Page, console: Console, dev: TenantInfo, path: str) -> None:
    open_page(ada, console, dev, path)

    assert faults(ada) == []


@pytest.mark.parametrize("view", ["HTML", "Text", "Source", "Headers"])
def test_views_of_a_mail(ada: Page, console: Console, furnished: TenantInfo, view: str) -> None:
    open_page(ada, console, furnished, "inbox")
    ada.get_by_role("link", name=re.compile("bob@example.com")).click()
    ada.get_by_role("navigation", name="Views of this mail").get_by_role("link", name=view).click()
    expect(ada.get_by_role("link", name=view, exact=True)).to_have_attribute("aria-current", "page")

    assert faults(ada) == []


@pytest.mark.parametrize(
    "path", ["account", "people", "people/1", "people/add", "tenants", "people/log", "api/docs", "nothing-of-the-kind"]
)
def test_pages_outside_a_tenant(ada: Page, console: Console, path: str) -> None:
    ada.goto(f"{console.url}/{path}")

    assert faults(ada) == []


class TestSignedOut:
    """Pages for somebody whom the console does not know."""

    @pytest.mark.parametrize("path", ["sign-in", "nothing-of-the-kind"])
    def test_pages(self, page: Page, console: Console, path: str) -> None:
        page.goto(f"{console.url}/{path}")

        assert faults(page) == []

    def test_a_wrong_password(self, page: Page, console: Console) -> None:
        page.goto(f"{console.url}/sign-in")
        page.get_by_label("Email address").fill(ADA)
        page.get_by_label("Password", exact=True).fill(f"{CANARY}-wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()

        assert faults(page) == []

    def test_a_session_that_is_over(self, ada: Page, console: Console, dev: TenantInfo, watch: Watch) -> None:
        choose_sandbox(ada, console, dev)
        review(ada)
        ada.context.clear_cookies()
        ada.get_by_role("button", name="Save", exact=True).click()
        expect_page(ada, "Your session is over")

        assert faults(ada) == []

    def test_the_first_run(self, page: Page, fresh_console: Console) -> None:
        page.goto(fresh_console.set_up_link)
        assert faults(page) == []

        page.get_by_label("Password", exact=True).fill("short")
        page.get_by_role("button", name="Create and start").click()

        expect(page.get_by_text("At least", exact=False).first).to_be_visible()
        assert faults(page) == []


class TestSetup:
    """The form, the test panel and what follows, state by state."""

    def test_form_that_is_empty(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)

        assert faults(ada) == []

    def test_form_with_everything_unfolded(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        for summary in ada.get_by_text(re.compile("^Advanced")).all():
            summary.click()
        ada.get_by_role("button", name="Edit Sign in").click()
        expect(ada.get_by_label("Subject")).to_be_visible()

        assert faults(ada) == []

    def test_form_with_errors(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        field(ada, "Port").fill("fivehundred")
        ada.get_by_role("button", name="Review and save").click()
        expect(ada.get_by_role("alert")).to_be_visible()

        assert faults(ada) == []

    def test_form_with_a_contradiction_that_can_be_corrected(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        field(ada, "Port").fill("465")
        field(ada, "Port").blur()
        expect(ada.get_by_role("button", name="Use TLS")).to_be_visible()

        assert faults(ada) == []

    def test_running_check(
        self, ada: Page, console: Console, dev: TenantInfo, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=silence))
        _type_a_server(ada, console, dev, server.port)
        ada.get_by_role("button", name="Check connection").click()
        expect(ada.get_by_role("button", name="Cancel")).to_be_visible()

        assert faults(ada) == []

        ada.get_by_role("button", name="Cancel").click()
        expect(ada.get_by_role("heading", name="Cancelled")).to_be_visible()
        assert faults(ada) == []

    def test_failed_check(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        _type_a_server(ada, console, dev, free_port())
        ada.get_by_role("button", name="Check connection").click()
        expect(ada.get_by_text("What to do")).to_be_visible()
        for summary in ("What is copied", "The conversation with the server"):
            if ada.get_by_text(summary).count():
                ada.get_by_text(summary).click()

        assert faults(ada) == []

    def test_sent_test_then_changed_values(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        choose_sandbox(ada, console, dev)
        ada.get_by_role("button", name="Send test").click()
        expect(ada.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()
        assert faults(ada) == []

        field(ada, "From").fill("Acme <hello@example.com>")

        expect(ada.get_by_text("Values have changed since.")).to_be_visible()
        assert faults(ada) == []

    def test_review_and_saved(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        choose_sandbox(ada, console, dev)
        ada.get_by_role("button", name="Edit Sign in").click()
        ada.get_by_label("Subject").fill("Your way in: {{code}}")
        review(ada)
        assert faults(ada) == []

        save(ada, revision=1)

        assert faults(ada) == []

    def test_delete_that_was_not_confirmed(self, ada: Page, console: Console, furnished: TenantInfo) -> None:
        open_page(ada, console, furnished, "connector/delete")
        ada.get_by_role("button", name="Delete the connector").click()
        expect(ada.get_by_text("This is not the name.")).to_be_visible()

        assert faults(ada) == []

    def test_conflict(self, ada: Page, console: Console, dev: TenantInfo, saved: Callable[..., int]) -> None:
        saved(dev)
        open_page(ada, console, dev, "connector")
        field(ada, "Reply to").fill("ada@example.com")
        review(ada)
        saved(dev, replyTo="bob@example.com")
        ada.get_by_role("button", name="Save", exact=True).click()
        expect_page(ada, "Somebody else saved meanwhile")

        assert faults(ada) == []


def test_production_that_wants_a_reason(ada: Page, console: Console, new_tenant: Callable[..., TenantInfo]) -> None:
    tenant = new_tenant(Environment.PRODUCTION)
    _type_a_server(ada, console, tenant, 2525)
    ada.get_by_role("button", name="Review and save").click()
    ada.get_by_role("button", name="Save to production").click()
    expect(ada.get_by_text("Production wants a proof or a reason.")).to_be_visible()

    assert faults(ada) == []


@pytest.mark.parametrize("path", ["", "connector", "history", "inbox"])
def test_what_a_viewer_sees(
    bob_as: Callable[[Role], Page], console: Console, dev: TenantInfo, saved: Callable[..., int], path: str
) -> None:
    saved(dev)
    bob = bob_as(Role.VIEWER)
    open_page(bob, console, dev, path)

    assert faults(bob) == []


def test_what_a_viewer_may_not_see(bob_as: Callable[[Role], Page], console: Console, dev: TenantInfo) -> None:
    bob = bob_as(Role.VIEWER)
    open_page(bob, console, dev, "connector/choose")

    expect_page(bob, "Your role does not allow this")
    assert faults(bob) == []


def test_what_breaks_on_our_side(
    ada: Page, console: Console, dev: TenantInfo, saved: Callable[..., int], services: Services, watch: Watch
) -> None:
    saved(dev)
    with services.db.write() as session:
        session.execute(update(AuditRow).where(AuditRow.tenant_id == dev.id).values(detail=[5]))
    watch.expected = {500}
    open_page(ada, console, dev, "settings/audit")

    expect_page(ada, "Something broke on our side")
    assert faults(ada) == []


def _type_a_server(page: Page, console: Console, tenant: TenantInfo, port: int) -> None:
    begin_smtp(page, console, tenant)
    field(page, "Server").fill("127.0.0.1")
    field(page, "Port").fill(str(port))
    field(page, "User name").fill("acme")
    field(page, "Password").fill(f"{CANARY}-typed")
    field(page, "From").fill("Acme <hello@example.com>")
