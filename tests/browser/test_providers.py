"""Each provider from its card to saved, by somebody who reads only what is on the page. The provider is a stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import ADA, PASSWORD, sign_in
from tests.browser.console import Console
from tests.browser.examination import faults
from tests.browser.steps import expect_page, field, open_page, review, save, tab_to
from tests.canary import CANARY
from tests.connectors import (
    test_aliyun_dm,
    test_aws_ses,
    test_http_email,
    test_mailgun,
    test_postmark,
    test_sendgrid,
)
from webapp.connectors import CONNECTORS
from webapp.connectors.contract import NEVER, HTTPContract, Reply, StandIn
from webapp.domain.roles import TenantInfo

SECRET = f"{CANARY}-typed"
OTHER = "Another value …"


@dataclass(frozen=True)
class Case:
    """What somebody types for a provider, by the labels of the page."""

    card: str
    contract: type[HTTPContract]
    typed: Mapping[str, str]
    place: str
    """What the status line says of the place."""
    path: str = ""
    checked: str = "Connected, and the credentials work"


CASES = {
    "aws-ses": Case(
        "Amazon SES",
        test_aws_ses.TestAwsSes,
        {
            "Region": "eu-central-1",
            "Access key ID": "AKIAIOSFODNN7EXAMPLE",
            "Secret access key": SECRET,
            "From": "Acme <no-reply@example.com>",
        },
        "127.0.0.1",
    ),
    "aliyun-dm": Case(
        "Aliyun Direct Mail",
        test_aliyun_dm.TestAliyunDm,
        {
            "Region": "ap-southeast-1",
            "AccessKey ID": "LTAI5tExampleExampleExam",
            "AccessKey secret": SECRET,
            "From": "Acme <no-reply@mail.example.com>",
        },
        "127.0.0.1",
    ),
    "sendgrid": Case(
        "SendGrid",
        test_sendgrid.TestSendGrid,
        {"API key": SECRET, "From": str(test_sendgrid.SETTINGS["fromEmail"])},
        "127.0.0.1",
    ),
    "mailgun": Case(
        "Mailgun",
        test_mailgun.TestMailgun,
        {"Domain": "mg.example.com", "API key": SECRET, "From": "Acme <no-reply@mg.example.com>"},
        "127.0.0.1",
    ),
    "postmark": Case(
        "Postmark",
        test_postmark.TestPostmark,
        {"Server API token": SECRET, "From": "Acme <no-reply@example.com>"},
        "127.0.0.1",
    ),
    "http-email": Case(
        "HTTP endpoint",
        test_http_email.TestWithValues,
        {"Authorization header": f"Bearer {SECRET}"},
        "127.0.0.1",
        test_http_email.PATH,
        "Connected",
    ),
}


@pytest.fixture
def provider() -> Iterator[Callable[..., StandIn]]:
    """Start a provider of a case: ``provider(case)``; further answers go before its own."""
    started: list[StandIn] = []

    def start(case: Case, answers: Mapping[str, Reply] | None = None) -> StandIn:
        own = {**case.contract.answers.get("check", {}), **case.contract.answers["send"]}
        stand_in = StandIn({**own, **(answers or {})})
        stand_in.__enter__()
        started.append(stand_in)
        return stand_in

    yield start
    for each in started:
        each.__exit__()


@pytest.mark.parametrize("kind", CASES)
def test_from_card_to_saved(
    ada: Page, console: Console, dev: TenantInfo, provider: Callable[..., StandIn], kind: str
) -> None:
    case = CASES[kind]
    stand_in = provider(case)
    begin(ada, console, dev, case)
    for label, value in {**case.typed, "Endpoint": stand_in.url + case.path}.items():
        fill_in(ada, label, value)

    ada.get_by_role("button", name="Check connection").click()
    expect(result(ada, case.checked)).to_be_visible()
    # Everybody gets only so many tests in a while.
    field(ada, "Send the test to").fill(f"{kind}@example.com")
    ada.get_by_role("button", name="Send test").click()
    expect(result(ada, re.compile(r"^Accepted by 127\.0\.0\.1 in \d+ ms"))).to_be_visible()
    review(ada)
    expect(ada.get_by_text(SECRET)).to_have_count(0)
    save(ada, 1)

    assert stand_in.matching(case.contract.answers["send"])
    ada.get_by_role("link", name="Go to the overview").click()
    status = ada.get_by_role("region", name=case.card)
    expect(status).to_contain_text("Proven")
    expect(status).to_contain_text(case.place)


def test_the_built_in_service_from_card_to_saved(ada: Page, console: Console, dev: TenantInfo) -> None:
    open_page(ada, console, dev, "connector/choose")
    ada.get_by_role("button", name=re.compile("^Built-in service")).click()
    expect_page(ada, "Set up Built-in service")
    fill_in(ada, "Sender name", "Acme")
    field(ada, "Send the test to").fill("built-in@example.com")

    ada.get_by_role("button", name="Send test").click()
    expect(result(ada, "In the inbox")).to_be_visible()
    review(ada)
    save(ada, 1)

    ada.get_by_role("link", name="Inbox").click()
    expect(ada.get_by_text("000000").first).to_be_visible()


@pytest.mark.parametrize("kind", ["sendgrid", "postmark"])
def test_with_the_keyboard_alone(
    ada: Page, console: Console, dev: TenantInfo, provider: Callable[..., StandIn], kind: str
) -> None:
    case = CASES[kind]
    stand_in = provider(case)
    open_page(ada, console, dev, "connector/choose")
    ada.keyboard.type(f"{case.card} api")
    ada.keyboard.press("Enter")
    expect_page(ada, f"Set up {case.card}")

    endpoint = field(ada, "Endpoint")
    listed = kind == "sendgrid"
    if listed:
        tab_to(ada, endpoint)
        ada.keyboard.press("End")
        tab_to(ada, ada.get_by_label("Endpoint: another value"))
        ada.keyboard.type(stand_in.url)
    for label, value in case.typed.items():
        tab_to(ada, field(ada, label))
        ada.keyboard.type(value)
    if not listed:
        tab_to(ada, advanced_of(endpoint))
        ada.keyboard.press("Enter")
        tab_to(ada, endpoint)
        ada.keyboard.press("Control+A")
        ada.keyboard.type(stand_in.url)
    tab_to(ada, field(ada, "Send the test to"))
    ada.keyboard.press("Control+A")
    ada.keyboard.type(f"keyboard-{kind}@example.com")
    tab_to(ada, ada.get_by_role("button", name="Send test"))
    ada.keyboard.press("Enter")
    expect(result(ada, re.compile("^Accepted by"))).to_be_visible()
    tab_to(ada, ada.get_by_role("button", name="Review and save"))
    ada.keyboard.press("Enter")
    expect_page(ada, "Review")
    tab_to(ada, ada.get_by_role("button", name="Save", exact=True))
    ada.keyboard.press("Enter")

    expect_page(ada, re.compile("as revision 1$"))


def test_a_refusal_says_what_happened_and_keeps_the_providers_words(
    ada: Page, console: Console, dev: TenantInfo, provider: Callable[..., StandIn]
) -> None:
    case = CASES["sendgrid"]
    words = "The provided authorization grant is invalid, expired, or revoked"
    stand_in = provider(case, {"GET /v3/scopes": test_sendgrid.refusal(401, words)})
    begin(ada, console, dev, case)
    for label, value in {**case.typed, "Endpoint": stand_in.url}.items():
        fill_in(ada, label, value)

    ada.get_by_role("button", name="Check connection").click()

    panel = ada.locator("#run")
    expect(panel.get_by_text("Try the credentials").first).to_be_visible()
    expect(panel.get_by_text("What to do")).to_be_visible()
    expect(panel.locator("blockquote")).to_contain_text(words)


def test_what_works_and_should_be_known_is_told_after_a_check(
    ada: Page, console: Console, dev: TenantInfo, provider: Callable[..., StandIn]
) -> None:
    case = CASES["postmark"]
    server = {**test_postmark.SERVER, "DeliveryType": "Sandbox"}
    stand_in = provider(case, {test_postmark.GET_SERVER: Reply(200, server)})
    begin(ada, console, dev, case)
    for label, value in {**case.typed, "Endpoint": stand_in.url}.items():
        fill_in(ada, label, value)

    ada.get_by_role("button", name="Check connection").click()

    expect(result(ada, case.checked)).to_be_visible()
    expect(ada.locator(".run-warning").filter(has_text=re.compile("sandbox", re.IGNORECASE))).to_be_visible()


@pytest.mark.parametrize("key", [*CONNECTORS.ours, "smtp:amazon-ses"])
def test_no_form_keeps_anybody_out_while_another_provider_is_live(
    ada: Page, console: Console, dev: TenantInfo, saved: Callable[..., int], key: str
) -> None:
    saved(dev, name="mail.example.com")
    open_page(ada, console, dev, "connector/choose")
    ada.locator(f'li button[value="{key}"]').click()
    expect_page(ada, re.compile("^Set up"))

    assert faults(ada) == []


def test_neither_do_a_check_with_something_to_know_and_the_review(
    ada: Page, console: Console, dev: TenantInfo, provider: Callable[..., StandIn], saved: Callable[..., int]
) -> None:
    saved(dev, name="mail.example.com")
    case = CASES["sendgrid"]
    full = {**test_sendgrid.CREDITS, "remain": 7}
    stand_in = provider(case, {"GET /v3/user/credits": Reply(200, full)})
    begin(ada, console, dev, case)
    for label, value in {**case.typed, "Endpoint": stand_in.url}.items():
        fill_in(ada, label, value)
    ada.get_by_role("button", name="Check connection").click()
    expect(ada.locator(".run-warning")).to_be_visible()
    assert faults(ada) == []

    review(ada)

    expect(ada.get_by_role("region", name="From SMTP to SendGrid")).to_be_visible()
    assert faults(ada) == []


class TestAProviderThatNeverAnswers:
    """It costs the admin at most the time of the phase, which is shown while it runs."""

    @pytest.fixture
    def hasty(self, tmp_path: Path) -> Iterator[Console]:
        """A console with a connector of another package: one of ours, that waits for two seconds only."""
        _package(tmp_path / "packages")
        console = Console(tmp_path / "instance", PYTHONPATH=str(tmp_path / "packages"))
        console.cli("init", "--email", ADA, "--password-stdin", "--non-interactive", stdin=PASSWORD)
        console.start()
        yield console
        console.stop()

    def test_the_phase_shows_its_time_and_ends_by_it(
        self, new_context: Callable[..., BrowserContext], hasty: Console, provider: Callable[..., StandIn]
    ) -> None:
        case = CASES["postmark"]
        stand_in = provider(case, {test_postmark.SEND: NEVER})
        page = new_context().new_page()
        sign_in(page, hasty)
        page.goto(f"{hasty.url}/t/dev/connector/choose")
        page.get_by_role("button", name=re.compile("^Hasty post")).click()
        expect_page(page, "Set up Hasty post")
        for label, value in {**case.typed, "Endpoint": stand_in.url}.items():
            fill_in(page, label, value)

        page.get_by_role("button", name="Send test").click()

        running = page.locator(".phase.is-running").filter(has_text="Hand over the mail")
        expect(running).to_contain_text("up to 2 s")
        expect(page.get_by_text("so it may have been sent")).to_be_visible()
        expect(page.locator(".phase.is-failed")).to_contain_text("Hand over the mail")


def begin(page: Page, console: Console, tenant: TenantInfo, case: Case) -> None:
    """Choose the provider by its card: the one by its API, which stands before the one by SMTP."""
    open_page(page, console, tenant, "connector/choose")
    page.get_by_role("button", name=re.compile(f"^{case.card} Choose this")).click()
    expect_page(page, f"Set up {case.card}")


def fill_in(page: Page, label: str, value: str) -> None:
    """Give a setting a value, wherever the form has it."""
    control = field(page, label)
    if not control.is_visible():
        advanced_of(control).click()
    if control.evaluate("control => control.tagName") != "SELECT":
        control.fill(value)
        return
    known = control.evaluate("(list, value) => [...list.options].some(each => each.value === value)", value)
    if known:
        control.select_option(value)
    else:
        control.select_option(label=OTHER)
        page.get_by_label(f"{label}: another value").fill(value)


def advanced_of(control: Locator) -> Locator:
    """What opens the part of the form in which a setting lies."""
    return control.locator("xpath=ancestor::details[1]/summary")


def result(page: Page, title: str | re.Pattern[str]) -> Locator:
    return page.locator("#run").get_by_role("heading", name=title)


def _package(folder: Path) -> None:
    """A package as an installer leaves it: a module, and beside it what its entry points are."""
    folder.mkdir()
    (folder / "hasty_post.py").write_text(
        dedent(
            '''
            """Postmark, for those in a hurry."""

            from webapp.connectors.api import Patience
            from webapp.connectors.postmark import PostmarkConnector


            class HastyConnector(PostmarkConnector):
                kind = "hasty-post"
                title = "Hasty post"
                made_for = 1
                patience = Patience(answer=2.0)
            '''
        )
    )
    about = folder / "hasty_post-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hasty-post\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[postroom.connectors]\nhasty-post = hasty_post:HastyConnector\n")
