"""Check and test send of a proposal, by who decides about it: with its secrets, before it is live."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from tests.peers.scripted import Script, ScriptedServer
from tests.web.conftest import Browser, House
from tests.web.test_closed_tenants import close
from tests.web.test_frame import set_up
from tests.web.test_proposals import PASSWORD, proposed

TO = "ada@example.com"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def server(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def address(house: House, bob: Browser, server: ScriptedServer) -> str:
    """Where Bob's proposal waits; production wants a second person's approval."""
    set_up(house, host=server.host, port=server.port, security="none")
    close(house)
    return proposed(bob)


def ended(browser: Browser, part: str) -> str:
    """Ask how a run stands until it has ended."""
    while found := re.search(r'hx-get="([^"]+)"', part):
        part = browser.get(unescape(found[1]), headers=HTMX).text or part
    return part


def test_what_was_accepted_is_proven(address: str, house: House, ada: Browser, server: ScriptedServer) -> None:
    assert "Check connection" in ada.get(address).text

    tried = ada.post(f"{address}/test", {"to": TO, "press": ada.field("press")}).text

    assert "These values are proven now." in tried
    assert "is-proven" in tried
    assert PASSWORD not in tried
    assert len(server.bodies) == 1
    assert house.tenant("prod").active_revision == 0


def test_a_check_sends_nothing(address: str, ada: Browser, server: ScriptedServer) -> None:
    ada.get(address)

    assert "Connected and logged in" in ada.post(f"{address}/check", {"press": ada.field("press")}).text
    assert server.bodies == []


def test_with_scripts_only_the_run_is_drawn(address: str, ada: Browser) -> None:
    ada.get(address)

    part = ended(ada, ada.post(f"{address}/test", {"to": TO}, headers=HTMX).text)

    assert "<html" not in part
    assert "These values are proven now." in part
    assert 'id="plan-id"' not in part


def test_an_address_that_is_none_is_said_in_its_place(address: str, ada: Browser, server: ScriptedServer) -> None:
    ada.get(address)

    answer = ada.post(f"{address}/test", {"to": "nobody"}, headers=HTMX)

    assert "Nothing was started" in answer.text
    assert "<html" not in answer.text
    assert server.bodies == []


def test_a_run_is_shown_to_nobody_else(address: str, ada: Browser, mallory: Browser) -> None:
    ada.get(address)
    part = ada.post(f"{address}/test", {"to": TO}, headers=HTMX).text
    run = re.search(rf"{address}/runs/[0-9a-f]{{32}}", part)
    assert run
    ended(ada, part)

    assert "These values are proven now." in ada.get(run[0]).text
    assert mallory.get(run[0]).status_code == 404
