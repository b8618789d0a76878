"""Check connection: over the values on the page, live with scripts, waited for without."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, answer, silence
from tests.web.conftest import Browser, House
from tests.web.filling import FORM, SECRET, fill, send, shown
from webapp.domain.roles import Role

HTMX = {"HX-Request": "true"}
CHECK = f"{FORM}/check"

Start = Callable[..., ScriptedServer]


@pytest.fixture
def at(ada: Browser) -> Callable[[ScriptedServer], Browser]:
    """Ada's form, filled in for a server."""

    def filled(server: ScriptedServer) -> Browser:
        fill(ada, host=server.host, port=str(server.port), security="none")
        return ada

    return filled


class TestWithoutScripts:
    def test_a_check_that_succeeds_says_so_and_that_nothing_was_sent(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        server = scripted(Script(offers_starttls=False))
        ada = at(server)

        send(ada, to=CHECK)
        ada.get(FORM)

        assert "Connected and logged in" in ada.page
        assert "No mail was sent" in ada.page
        assert server.bodies == []

    def test_a_failure_names_cause_steps_and_the_servers_words(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        ada = at(scripted(Script(offers_starttls=False, auth=answer(535, "5.7.8 Wrong password, try again"))))

        send(ada, to=CHECK)
        ada.get(FORM)

        assert "What to do" in ada.page
        assert "Wrong password, try again" in ada.page
        assert "Copy for support" in ada.page
        assert SECRET not in ada.page

    def test_the_values_on_the_page_are_checked_not_the_stored_ones(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        good, bad = (
            scripted(Script(offers_starttls=False)),
            scripted(Script(offers_starttls=False, auth=answer(535, "5.7.8 No"))),
        )
        ada = at(good)

        send(ada, to=CHECK, port=str(bad.port), auth__pass=SECRET)

        assert any(command.startswith("AUTH") for command in bad.commands)
        assert good.commands == []

    def test_values_that_cannot_be_used_are_said_at_their_fields(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        ada = at(scripted(Script(offers_starttls=False)))

        result = send(ada, to=CHECK, port="ninety")

        assert result.status_code == 422
        assert 'href="#set-port"' in ada.page
        assert shown(ada)["port"] == "ninety"

    def test_pressing_twice_starts_one(self, at: Callable[..., Browser], scripted: Start) -> None:
        server = scripted(Script(offers_starttls=False))
        ada = at(server)

        page = ada.page
        send(ada, to=CHECK)
        ada.page = page
        send(ada, to=CHECK)

        assert len(server.conversations) == 1


class TestLive:
    def test_phases_come_by_polling_and_an_unchanged_state_is_not_drawn_again(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        ada = at(scripted(Script(greeting=silence)))

        panel = send_live(ada, CHECK)

        assert "Checking the connection" in panel
        later = poll_until(ada, panel, "Greeting")
        assert "up to 10 s" in later
        assert ada.get(poll_address(later), headers=HTMX).status_code == 204

    def test_a_run_can_be_cancelled(self, at: Callable[..., Browser], scripted: Start) -> None:
        ada = at(scripted(Script(greeting=silence)))
        panel = send_live(ada, CHECK)

        run = re.findall(r"/runs/([0-9a-f]+)/cancel", panel)[0]
        answer = ada.post(f"{FORM}/runs/{run}/cancel", headers=HTMX)

        assert "Cancelled" in answer.text
        assert "every 400ms" not in answer.text

    def test_a_change_greys_the_result(self, at: Callable[..., Browser], scripted: Start) -> None:
        ada = at(scripted(Script(offers_starttls=False)))
        send(ada, to=CHECK)
        ada.get(FORM)
        assert 'id="run-stale" hidden' in ada.page

        answer = send(ada, to=f"{FORM}/draft", auth__user="grace", auth__pass=SECRET)

        assert 'id="run-stale" hx-swap-oob="true">' in answer.text

    def test_values_that_cannot_be_used_lead_back_to_the_form(
        self, at: Callable[..., Browser], scripted: Start
    ) -> None:
        ada = at(scripted(Script(offers_starttls=False)))

        fields = {**shown(ada), "port": "ninety"}
        answer = ada.post(CHECK, fields, headers=HTMX)

        assert answer.headers["HX-Redirect"] == f"{FORM}?faults=all"
        assert 'href="#set-port"' in ada.get(answer.headers["HX-Redirect"]).text


class TestFixes:
    def test_a_fix_is_put_into_the_form_marked_and_not_saved(
        self, house: House, at: Callable[..., Browser], scripted: Start
    ) -> None:
        # A server that speaks TLS from the start, spoken to in clear.
        ada = at(scripted(Script(implicit_tls=True)))
        send(ada, to=CHECK)
        ada.get(FORM)
        run = re.findall(r"/runs/([0-9a-f]+)/fix", ada.page)[0]

        send(ada, to=f"{FORM}/runs/{run}/fix")
        ada.get(FORM)

        assert shown(ada)["security"] == "tls"
        assert "Corrected; it was none" in ada.page
        assert house.services.setups.active(house.tenant("dev")).number == 0


class TestWhoMay:
    def test_a_viewer_may_not(self, house: House, bob: Browser) -> None:
        house.make_bob(Role.VIEWER)

        assert bob.post(CHECK).status_code == 403

    def test_a_stranger_sees_no_run(self, at: Callable[..., Browser], scripted: Start, mallory: Browser) -> None:
        ada = at(scripted(Script(greeting=silence)))
        run = re.findall(r"/runs/([0-9a-f]+)", send_live(ada, CHECK))[0]

        assert mallory.get(f"{FORM}/runs/{run}", headers=HTMX).status_code == 404
        assert mallory.get(f"/t/elsewhere/connector/runs/{run}", headers=HTMX).status_code == 404


def send_live(browser: Browser, to: str) -> str:
    return browser.post(to, dict(shown(browser)), headers=HTMX).text


def poll_address(panel: str) -> str:
    return re.findall(r'hx-get="([^"]+)"', panel)[0].replace("&amp;", "&")


def poll_until(browser: Browser, panel: str, words: str) -> str:
    for text in polled(browser, panel):
        if words in text.partition('class="phases"')[2].partition("is-pending")[0]:
            return text
    raise AssertionError(f"the run never came to {words}")


def polled(browser: Browser, panel: str) -> Iterator[str]:
    """The panels that a page with scripts would draw."""
    yield panel
    until = time.monotonic() + 20
    while time.monotonic() < until and "hx-get" in panel:
        answer = browser.get(poll_address(panel), headers=HTMX)
        if answer.status_code == 200:
            panel = answer.text
            yield panel
        time.sleep(0.05)


def test_a_port_that_nobody_listens_on_is_named(ada: Browser) -> None:
    port = str(free_port())
    fill(ada, host="127.0.0.1", port=port, security="none")

    send(ada, to=CHECK)

    assert port in ada.get(FORM).text.partition('id="run"')[2]
