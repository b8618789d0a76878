"""Signing in by another system: the sessions, invitations and second steps of whoever came in so."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
import requests
import time_machine

from tests.peers.authorization import AuthorizationServer, slow
from tests.web.conftest import ADA, BOB, MALLORY, PASSWORD, House
from tests.web.openid.steps import (
    CAROL,
    CLIENT,
    OpenHouse,
    come_in,
    forged,
    know,
    with_provider,
)
from webapp.accounts import Accounts, SecondFactor
from webapp.db.types import now
from webapp.domain.roles import Role


class TestOnly:
    @pytest.fixture
    def strict(self, open_house: OpenHouse, provider: AuthorizationServer) -> House:
        return with_provider(open_house, provider, oidc_only=True)

    def test_leaves_no_other_way_in(self, strict: House) -> None:
        browser = strict.browser()
        page = browser.get("/sign-in").text

        answer = browser.post("/sign-in", {"email": ADA, "password": PASSWORD})

        assert 'type="password"' not in page
        assert answer.status_code in (403, 419)
        assert browser.get("/account").status_code == 302


class TestSession:
    def test_ends_when_the_providers_word_is_half_a_day_old(
        self, console: House, provider: AuthorizationServer
    ) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()
        come_in(carol)
        for hours in (4, 8, 11):
            with time_machine.travel(now() + timedelta(hours=hours)):
                assert carol.get("/t/dev/").status_code == 200

        with time_machine.travel(now() + timedelta(hours=12, minutes=1)):
            assert carol.get("/t/dev/").status_code == 302


class TestAddress:
    def test_and_its_proof_come_from_one_source(self, console: House, provider: AuthorizationServer) -> None:
        # The token names Ada's address without a word on it; the other source vouches for another one.
        know(provider, MALLORY, "mail-team")
        provider.people[MALLORY].claims["sub"] = "mallory-9"
        browser = console.browser()
        begun = parse_qs(urlsplit(browser.get("/sign-in/openid").headers["Location"]).query)
        claims = {"sub": "mallory-9", "email": ADA, "email_verified": None}
        provider.play(forged(provider, begun["nonce"][0], access=provider.access_token(MALLORY), **claims))

        page = browser.get(f"/sign-in/openid/done?{urlencode({'code': 'x', 'state': begun['state'][0]})}")

        assert page.status_code == 403
        assert "Your address is not verified" in page.text


class TestSigningOut:
    def test_ends_here_and_offers_to_end_there(self, console: House, provider: AuthorizationServer) -> None:
        provider.described["end_session_endpoint"] = f"{provider.issuer}/logout"
        know(provider, CAROL, "mail-team")
        carol = console.browser()
        come_in(carol)
        carol.get("/account")

        page = carol.post("/sign-out")

        assert f"{provider.issuer}/logout?client_id={CLIENT}" in page.text
        assert "Sign out of Acme ID too" in page.text
        assert carol.get("/account").status_code == 302

    def test_by_password_knows_of_no_provider(self, console: House) -> None:
        ada = console.signed_in(ADA)

        assert ada.post("/sign-out").headers["Location"] == "/sign-in"


def test_a_slow_provider_is_given_up(console: House, provider: AuthorizationServer) -> None:
    know(provider, CAROL, "mail-team")
    provider.play(slow(9))

    page = come_in(console.browser())

    assert page.status_code == 503


class TestInvitationsWhereOnlyTheProviderLetsIn:
    def test_lead_there_and_back(self, open_house: OpenHouse, provider: AuthorizationServer) -> None:
        console = with_provider(open_house, provider, oidc_only=True)
        access = console.services.tenants.access(Accounts(console.services.db).by_email(ADA).actor, "dev")
        link = "/invitation/" + console.services.invitations.invite(access, CAROL, Role.EDITOR)
        know(provider, CAROL)
        carol = console.browser()
        page = carol.get(link).text

        come_in(carol, link)
        carol.get(link)

        assert 'type="password"' not in page
        assert f"/sign-in/openid?next={link}" in page
        assert carol.post(link).headers["Location"] == "/t/dev/"

    def test_make_no_account_with_a_password(self, open_house: OpenHouse, provider: AuthorizationServer) -> None:
        console = with_provider(open_house, provider, oidc_only=True)
        access = console.services.tenants.access(Accounts(console.services.db).by_email(ADA).actor, "dev")
        link = "/invitation/" + console.services.invitations.invite(access, CAROL, Role.EDITOR)
        stranger = console.browser()
        stranger.get("/account")
        stranger.post(link, {"password": PASSWORD})

        assert len(Accounts(console.services.db).list()) == 3


class TestWhatWasTyped:
    def test_into_a_session_that_was_over_is_kept_on_the_way(
        self, open_house: OpenHouse, provider: AuthorizationServer
    ) -> None:
        console = with_provider(open_house, provider, oidc_only=True)
        know(provider, ADA)
        ada = console.signed_in(ADA)
        ada.get("/t/dev/settings")
        ada.lose_session()
        over = ada.post("/t/dev/settings", {"name": "Renamed"}, headers={"Referer": "http://localhost/t/dev/settings"})
        ada.post("/sign-in", {"sealed": ada.field("sealed"), "other": "1"})
        page = ada.post("/sign-in/openid", {"sealed": ada.field("sealed")}).text
        there = unescape(page.partition("0;url=")[2].partition('"')[0])
        back = requests.get(there, allow_redirects=False, timeout=5).headers["Location"]

        ada.get(urlsplit(back)._replace(scheme="", netloc="").geturl())
        ada.post("/resume", {"sealed": ada.field("sealed")})

        assert over.status_code == 419
        assert console.tenant("dev").name == "Renamed"

    def test_that_is_far_too_large_is_not(self, console: House) -> None:
        browser = console.browser()
        browser.get("/sign-in")

        assert browser.post("/sign-in/openid", {"sealed": "x" * 300_000}).status_code == 413


class TestAgain:
    def test_asks_the_provider_to_ask(self, console: House, provider: AuthorizationServer) -> None:
        ada = console.signed_in(ADA)

        asked = parse_qs(urlsplit(ada.get("/sign-in/openid?again=1").headers["Location"]).query)

        assert asked["prompt"] == ["login"]
        assert ada.get("/sign-in/openid?next=/account").headers["Location"] == "/account"

    def test_is_offered_to_whoever_has_no_password_here(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-admins")
        carol = console.browser()
        come_in(carol)
        with time_machine.travel(now() + timedelta(minutes=11)):
            carol.get("/people")
            page = carol.post(f"/people/{Accounts(console.services.db).by_email(BOB).id}/link")

        assert page.status_code == 403
        assert "/sign-in/openid?" in page.text
        assert "again=1" in page.text


class TestSecondStep:
    """The provider asks for what it wants; here it is asked for by whoever set it up here."""

    def test_is_asked_of_an_account_that_has_one(self, console: House, provider: AuthorizationServer) -> None:
        factor = SecondFactor(console.services.db, console.services.vault, console.services.audit)
        person = Accounts(console.services.db).by_email(BOB)
        offer = factor.offer(person)
        factor.enable_app(person, offer.state, pyotp.TOTP(offer.key.replace("-", "")).now())
        know(provider, BOB)
        bob = console.browser()

        arrived = come_in(bob, "/t/dev/")

        assert arrived.headers["Location"] == "/sign-in/second-step?next=/t/dev/"
        assert bob.get("/t/dev/").status_code == 302

    def test_is_demanded_of_nobody_who_comes_from_there(
        self, open_house: OpenHouse, provider: AuthorizationServer
    ) -> None:
        house = with_provider(open_house, provider, require_second_factor="everybody")
        know(provider, CAROL, "mail-team")
        carol = house.browser()
        come_in(carol)

        assert carol.get("/t/dev/").status_code == 200
