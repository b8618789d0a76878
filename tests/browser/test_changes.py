"""Many changes in the browser: folds fetch what is in them, by mouse, by keyboard, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.browser.examination import faults
from tests.browser.steps import expect_page, go_to, open_page, tab_to
from tests.many_mails import LANGUAGES, with_many_mails
from webapp.domain.roles import OPERATOR, Environment, TenantInfo
from webapp.services.wiring import Services


@pytest.fixture
def many(services: Services, saved: Callable[..., int], dev: TenantInfo) -> TenantInfo:
    """A development tenant whose second revision brought 270 mails."""
    saved(dev)
    access = services.tenants.access(OPERATOR, dev.slug)
    services.setups.save(access, with_many_mails(services.setups.active(dev).document), base=None)
    return dev


@pytest.fixture
def prod(new_tenant: Callable[..., TenantInfo], saved: Callable[..., int]) -> TenantInfo:
    """A production tenant without them."""
    prod = new_tenant(Environment.PRODUCTION)
    saved(prod)
    return prod


def unfold(within: Page | Locator, name: str) -> Locator:
    """Open a fold, and answer what was fetched into it."""
    page = within if isinstance(within, Page) else within.page
    with page.expect_response(re.compile("pointer=|group=")):
        within.locator("summary").filter(has_text=re.compile(f"^{name}")).first.click()
    return within.locator("details[open] > .diff-late").first


def live(services: Services, tenant: TenantInfo, usage_type: str = "SignIn") -> set[str]:
    document = services.setups.active(services.tenants.by_slug(tenant.slug)).document
    return set(document["templates"][usage_type]) - {"*"}


class TestHistory:
    def test_a_revision_is_unfolded_down_to_the_lines_of_a_mail(
        self, ada: Page, console: Console, many: TenantInfo
    ) -> None:
        open_page(ada, console, many, "history/2")
        expect(ada.get_by_text("30 mails added")).to_have_count(9)

        of_type = unfold(ada, "Sign in")
        of_mail = unfold(of_type, "ja")

        expect(of_mail.get_by_text("Your code (ja)")).to_be_visible()
        of_mail.get_by_text("Show the text").first.click()
        expect(of_mail.get_by_text("Your code, line 39 of SignIn in ja")).to_be_attached()
        expect(of_mail.get_by_text("Open on a page of its own")).to_have_count(0)
        assert not faults(ada)

    def test_it_is_fetched_once_and_by_keyboard(self, ada: Page, console: Console, many: TenantInfo) -> None:
        fetched: list[str] = []
        ada.on("request", lambda request: fetched.append(request.url) if "/history/text" in request.url else None)
        open_page(ada, console, many, "history/2")
        line = ada.locator("summary").filter(has_text="Register")

        tab_to(ada, line)
        with ada.expect_response(re.compile("pointer=")):
            ada.keyboard.press("Enter")
        expect(ada.locator("summary").filter(has_text=re.compile("^ja"))).to_be_visible()
        ada.keyboard.press("Enter")
        ada.keyboard.press("Enter")

        expect(ada.locator("summary").filter(has_text=re.compile("^ja"))).to_be_visible()
        assert len(fetched) == 1

    def test_where_nothing_comes_the_link_stays(
        self, ada: Page, console: Console, many: TenantInfo, watch: Watch
    ) -> None:
        open_page(ada, console, many, "history/2")
        ada.route("**/history/text**", lambda route: route.abort())

        ada.locator("summary").filter(has_text="Register").click()

        expect(ada.locator("details[open]").get_by_role("link", name="Open on a page of its own")).to_be_visible()
        watch.complaints.clear()

    def test_the_whole_setup_comes_when_it_is_unfolded(self, ada: Page, console: Console, many: TenantInfo) -> None:
        open_page(ada, console, many, "history/1")

        ada.get_by_text("The whole setup").click()

        expect(ada.get_by_text("host: smtp.example.com")).to_be_visible()

    def test_any_two_are_compared_from_either(self, ada: Page, console: Console, many: TenantInfo) -> None:
        open_page(ada, console, many, "history/1")

        ada.get_by_label("Compare with revision").fill("2")
        ada.get_by_role("button", name="Compare", exact=True).click()

        expect_page(ada, "Revision 2 against 1")
        expect(ada.get_by_text("30 mails removed")).to_have_count(9)
        ada.get_by_role("link", name="Restore revision 1").click()
        expect_page(ada, "Restore revision 1")


class TestPromotion:
    def test_one_mail_is_left_out_of_a_fold(
        self, ada: Page, console: Console, services: Services, many: TenantInfo, prod: TenantInfo
    ) -> None:
        open_page(ada, console, prod, f"migrate/promote?from={many.slug}")
        all_of_type = ada.get_by_role("checkbox", name=re.compile("^Promote Sign in"))
        expect(all_of_type).to_be_checked()

        unfold(ada, "Sign in")
        ada.get_by_role("checkbox", name="Promote Sign in ja").uncheck()

        assert all_of_type.first.evaluate("tick => tick.indeterminate")
        assert not faults(ada)
        ada.get_by_role("button", name="Promote into production").click()
        expect_page(ada, re.compile("^Live since"))
        assert live(services, prod) == set(LANGUAGES) - {"ja"}
        assert live(services, prod, "Register") == set(LANGUAGES)

    def test_the_tick_of_a_fold_is_that_of_its_mails(
        self, ada: Page, console: Console, many: TenantInfo, prod: TenantInfo
    ) -> None:
        open_page(ada, console, prod, f"migrate/promote?from={many.slug}")
        all_of_type = ada.get_by_role("checkbox", name=re.compile("^Promote Sign in$"))
        all_of_type.uncheck()

        unfold(ada, "Sign in")
        singles = ada.get_by_role("checkbox", name=re.compile("^Promote Sign in .+"))

        expect(singles).to_have_count(len(LANGUAGES))
        expect(singles.first).not_to_be_checked()
        all_of_type.check()
        expect(singles.nth(7)).to_be_checked()


class TestWithoutScripts:
    @pytest.fixture
    def ada(self, new_context: Callable[..., BrowserContext], signed_in: Any) -> Page:
        """Ada, whose browser runs no scripts."""
        return new_context(storage_state=signed_in, java_script_enabled=False).new_page()

    def test_each_part_is_a_page_that_leads_back(self, ada: Page, console: Console, many: TenantInfo) -> None:
        open_page(ada, console, many, "history/2")

        for name in (r"Sign in", r"ja"):
            ada.locator("summary").filter(has_text=re.compile(f"^{name}")).click()
            ada.locator("details[open]").get_by_role("link", name="Open on a page of its own").click()

        expect_page(ada, "Sign in · ja")
        expect(ada.get_by_text("Your code (ja)")).to_be_visible()
        ada.get_by_role("link", name="All changes").click()
        expect_page(ada, "Revision 1 against 2")

    def test_a_mail_is_left_out_of_a_promotion(
        self, ada: Page, console: Console, services: Services, many: TenantInfo, prod: TenantInfo
    ) -> None:
        open_page(ada, console, prod, f"migrate/promote?from={many.slug}")

        ada.locator("summary").filter(has_text=re.compile("^Sign in")).click()
        ada.get_by_role("button", name="Choose mail by mail").first.click()
        ada.get_by_role("checkbox", name="Promote Sign in ja").uncheck()
        ada.get_by_role("button", name="Promote into production").click()

        expect_page(ada, re.compile("^Live since"))
        assert live(services, prod) == set(LANGUAGES) - {"ja"}


def test_the_history_is_filtered_and_jumped_into(
    ada: Page, console: Console, services: Services, many: TenantInfo
) -> None:
    access = services.tenants.access(OPERATOR, many.slug)
    services.setups.restore(access, 1)
    open_page(ada, console, many)
    go_to(ada, "History")

    ada.get_by_label("How it came about").select_option("restore")
    ada.get_by_role("button", name="Show", exact=True).click()

    expect(ada.get_by_text("Restored from revision 1")).to_be_visible()
    expect(ada.locator("tbody tr")).to_have_count(1)
    assert not faults(ada)
