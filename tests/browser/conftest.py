"""A console as an operator starts it, and a Chromium to drive it with."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, WebError, expect

from tests.browser.console import Console
from tests.canary import CANARY
from tests.peers.certificates import Certificates
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Access, Environment, Role, TenantInfo
from webapp.services.wiring import Services, build
from webapp.settings import Settings

ADA = "ada@example.com"
BOB = "bob@example.com"
PASSWORD = f"{CANARY} of theirs"

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def base_url() -> None:
    """Each console has its own address. (The plugin's own fixture warns under pytest 9.)"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests need Chromium: apt-get install chromium"
    quiet = "--no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run"
    offline = "--disable-background-networking --disable-component-update --disable-sync"
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*quiet.split(), *offline.split()]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}


class Watch:
    """Notes what no page may do: errors in the browser's console, which is also where it tells what the
    Content-Security-Policy refused, and requests that fail."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.expected: set[int] = set()
        """Statuses of requests within a page that a test brings about on purpose."""

    def attend(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A status of 400 and more is told here too, without saying whose; `_response` knows.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type} on {message.location.get('url')}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def _response(self, response: Response) -> None:
        page_itself = response.request.is_navigation_request() and response.status < 500
        if response.status >= 400 and not page_itself and response.status not in self.expected:
            self.complaints.append(f"{response.status} for {response.request.method} {response.url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test in the end if a page complained."""
    watch = Watch()
    yield watch
    assert not watch.complaints, "\n".join(watch.complaints)


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], watch: Watch) -> Callable[..., BrowserContext]:
    """Open a browser of its own, watched: what is in it is seen by nobody else."""

    def open_context(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(15_000)
        watch.attend(context)
        return context

    return open_context


@pytest.fixture
def fresh_console(tmp_path: Path) -> Iterator[Console]:
    """A console on an empty data directory."""
    console = Console(tmp_path / "instance")
    console.start()
    yield console
    console.stop()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Console]:
    """A console with Ada as its first administrator, in which each test works in tenants of its own."""
    folder = tmp_path_factory.mktemp("console")
    authority = folder / "ca.pem"
    authority.write_text(certificates.ca_pem)
    console = Console(folder / "instance", SSL_CERT_FILE=str(authority))
    console.cli("init", "--email", ADA, "--password-stdin", "--non-interactive", stdin=PASSWORD)
    console.start()
    yield console
    console.stop()


@pytest.fixture(scope="session")
def services(console: Console) -> Iterator[Services]:
    """The services over the console's database, to arrange what is not a test's subject."""
    services = build(Settings(data_dir=console.data_dir, sandbox_smtp_port=console.sandbox_port))
    yield services
    services.close()


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def new_tenant(services: Services) -> Callable[..., TenantInfo]:
    """Make a tenant of Ada's."""

    def make(environment: Environment = Environment.DEVELOPMENT) -> TenantInfo:
        number = next(_numbers)
        name = f"{'Shop' if environment is Environment.PRODUCTION else 'Workshop'} {number}"
        tenant = services.tenants.add(f"t{number}", name, environment, OPERATOR)
        services.tenants.add_member(tenant.id, Accounts(services.db).by_email(ADA).id, Role.OWNER)
        return tenant

    return make


@pytest.fixture
def dev(new_tenant: Callable[..., TenantInfo]) -> TenantInfo:
    """A development tenant in which nothing is set up."""
    return new_tenant()


@pytest.fixture
def prod(new_tenant: Callable[..., TenantInfo]) -> TenantInfo:
    """A production tenant in which nothing is set up."""
    return new_tenant(Environment.PRODUCTION)


@pytest.fixture(scope="session")
def saved(services: Services) -> Callable[..., int]:
    """Save a connector in a tenant, as the operator: ``saved(tenant, host="smtp.example.com")``."""

    def save(tenant: TenantInfo, **config: Any) -> int:
        document = dict(services.setups.active(tenant).document)
        document["connector"] = {"provider": "smtp", "config": {**CONFIG, **config}}
        access = Access(OPERATOR, services.tenants.by_slug(tenant.slug), Role.OWNER)
        return services.setups.save(access, document, base=None, reason="arranged by a test").number

    return save


CONFIG = {
    "host": "smtp.example.com",
    "port": 587,
    "security": "starttls",
    "auth": {"type": "login", "user": "acme", "pass": f"{CANARY}-smtp"},
    "fromEmail": "Acme <no-reply@example.com>",
}


@pytest.fixture(scope="session")
def signed_in(browser: Any, console: Console) -> Any:
    """The cookies of Ada's session."""
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, console)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def ada(new_context: Callable[..., BrowserContext], signed_in: Any) -> Page:
    """Ada's browser, signed in."""
    return new_context(storage_state=signed_in).new_page()


@pytest.fixture
def bob_as(
    new_context: Callable[..., BrowserContext], services: Services, console: Console, dev: TenantInfo
) -> Callable[[Role], Page]:
    """Bob's browser, signed in, with a role in the development tenant."""

    def open_browser(role: Role) -> Page:
        accounts = Accounts(services.db)
        known = next((person for person in accounts.list() if person.email == BOB), None)
        person = known or accounts.add_person(BOB, PASSWORD)
        services.tenants.add_member(dev.id, person.id, role)
        page = new_context().new_page()
        sign_in(page, console, BOB)
        return page

    return open_browser


def sign_in(page: Page, console: Console, email: str = ADA) -> None:
    """Sign in, with the password that they all have here."""
    page.goto(f"{console.url}/sign-in")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/t/**")
