"""A check or test send that is under way, whatever the network does meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.console import Console
from tests.browser.steps import begin_smtp, field
from tests.canary import CANARY
from tests.peers.scripted import Script, ScriptedServer, silence
from webapp.domain.roles import TenantInfo


def test_cancel_works_while_the_page_asks_how_far_it_is(
    ada: Page, console: Console, dev: TenantInfo, scripted: Callable[..., ScriptedServer]
) -> None:
    server = scripted(Script(greeting=silence))
    begin_smtp(ada, console, dev)
    typed = {"Server": "127.0.0.1", "Port": str(server.port), "User name": "acme", "Password": f"{CANARY}-typed"}
    for label, value in {**typed, "From": "Acme <hello@example.com>"}.items():
        field(ada, label).fill(value)
    held: list[Route] = []
    ada.route("**/connector/runs/*?seen=*", lambda route: held.append(route))
    with ada.expect_request("**/connector/runs/*?seen=*"):
        ada.get_by_role("button", name="Check connection").click()

    ada.get_by_role("button", name="Cancel").click()

    expect(ada.get_by_role("heading", name="Cancelled")).to_be_visible()
