"""Signing in by another system: a real provider on the other end, and nothing believed that is not proven."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
import requests
import time_machine
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.canary import CANARY
from tests.peers.authorization import AuthorizationServer, answer, slow
from tests.web.conftest import ADA, BOB, MALLORY, PASSWORD, Browser, House
from webapp.accounts import Accounts, SecondFactor
from webapp.db.types import now
from webapp.domain.roles import Role

CLIENT, SECRET = "console", f"{CANARY}-of-the-console"
CAROL = "carol@example.com"
ROLES = "mail-admins=administrator,mail-team=dev:editor,ops=prod:owner,mail-team=prod:viewer"

OpenHouse = Callable[..., House]


@pytest.fixture
def provider() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.add_client(CLIENT, SECRET)
        yield server


@pytest.fixture
def console(open_house: OpenHouse, provider: AuthorizationServer) -> House:
    """A console whose operator named the provider and what its groups give."""
    return with_provider(open_house, provider)


def with_provider(open_house: OpenHouse, provider: AuthorizationServer, **given: Any) -> House:
    named = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_name": "Acme ID",
        "oidc_scopes": "openid email groups",
        "oidc_roles": ROLES,
    }
    return open_house(**named | given)


def know(
    provider: AuthorizationServer, email: str = CAROL, *groups: str, verified: bool | None = True, **claims: Any
) -> None:
    """Let the provider know somebody, who is at the browser."""
    provider.add_person(email, groups=groups, **{"email_verified": verified} | claims)
    provider.signed_in = email


def sent_back(browser: Browser, after: str = "") -> str:
    """Go to the provider, and give the path on which it sends one back."""
    begun = browser.get("/sign-in/openid", query_string={"next": after} if after else {})
    assert begun.status_code == 302, begun.text
    back = requests.get(begun.headers["Location"], allow_redirects=False, timeout=5).headers["Location"]
    return urlsplit(back)._replace(scheme="", netloc="").geturl()


def come_in(browser: Browser, after: str = "") -> Any:
    return browser.get(sent_back(browser, after))


def roles(house: House, email: str = CAROL) -> dict[str, Role]:
    person = Accounts(house.services.db).by_email(email)
    return {tenant.slug: role for tenant, role in house.services.tenants.of_person(person.id)}


class TestComingIn:
    def test_makes_an_account_with_what_the_groups_give(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()

        arrived = come_in(carol)

        assert arrived.headers["Location"] == "/"
        assert roles(console) == {"dev": Role.EDITOR, "prod": Role.VIEWER}
        assert carol.get("/t/dev/").status_code == 200
        assert carol.get("/t/elsewhere/").status_code == 404
        assert not Accounts(console.services.db).by_email(CAROL).administrator

    def test_is_offered_beside_the_password(self, console: House, provider: AuthorizationServer) -> None:
        page = console.browser().get("/sign-in?next=/t/dev/history").text

        assert "Sign in with Acme ID" in page
        assert "/sign-in/openid?next=/t/dev/history" in page
        assert 'type="password"' in page

    def test_is_not_offered_where_no_provider_is_named(self, house: House) -> None:
        assert "/sign-in/openid" not in house.browser().get("/sign-in").text
        assert house.browser().get("/sign-in/openid").status_code == 404
        assert house.browser().get("/sign-in/openid/done").status_code == 404

    def test_asks_with_state_nonce_and_pkce(self, console: House, provider: AuthorizationServer) -> None:
        asked = parse_qs(urlsplit(console.browser().get("/sign-in/openid").headers["Location"]).query)

        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["state"][0]) > 40
        assert len(asked["nonce"][0]) > 40
        assert asked["scope"] == ["openid email groups"]
        assert asked["redirect_uri"] == ["http://127.0.0.1:8420/sign-in/openid/done"]

    @pytest.mark.parametrize("after", ["/t/dev/history?page=2", "/account"])
    def test_leads_to_where_one_wanted_to_go(self, console: House, provider: AuthorizationServer, after: str) -> None:
        know(provider, CAROL, "mail-team")

        assert come_in(console.browser(), after).headers["Location"] == after

    @pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
    def test_leads_to_no_other_site(self, console: House, provider: AuthorizationServer, after: str) -> None:
        know(provider, CAROL, "mail-team")

        assert come_in(console.browser(), after).headers["Location"] == "/"

    def test_is_noted_with_how(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        come_in(console.browser())

        events = console.services.audit.events(console.services.db, None)
        assert [event.action for event in events[:3]] == ["account.signed_in", "account.linked", "account.added"]
        assert events[0].detail["via"] == "openid"

    def test_begins_a_session_of_its_own(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()
        back = sent_back(carol)
        before = carol.cookie("postroom")

        carol.get(back)

        assert carol.cookie("postroom") != before


class TestWhoItIs:
    def test_is_the_account_with_the_verified_address(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, BOB)
        bob = console.browser()

        come_in(bob)

        assert BOB in bob.get("/account").text
        assert roles(console, BOB) == {"dev": Role.EDITOR, "prod": Role.EDITOR}
        assert console.browser().sign_in(BOB).status_code == 302

    @pytest.mark.parametrize("verified", [False, None])
    def test_is_nobody_whose_address_is_not_verified(
        self, console: House, provider: AuthorizationServer, verified: bool | None
    ) -> None:
        know(provider, ADA, "mail-team", verified=verified)
        mallory = console.browser()

        page = come_in(mallory)

        assert page.status_code == 403
        assert "Your address is not verified" in page.text
        assert "email_verified" in page.text
        assert mallory.get("/account").status_code == 302

    @pytest.mark.parametrize("verified", [False, None])
    def test_is_not_even_somebody_new_then(
        self, console: House, provider: AuthorizationServer, verified: bool | None
    ) -> None:
        know(provider, CAROL, "mail-team", verified=verified)

        assert come_in(console.browser()).status_code == 403
        assert len(Accounts(console.services.db).list()) == 3

    @pytest.mark.parametrize(("verified", "status"), [(None, 302), (False, 403)])
    def test_is_taken_at_its_word_where_the_operator_says_so(
        self, open_house: OpenHouse, provider: AuthorizationServer, verified: bool | None, status: int
    ) -> None:
        console = with_provider(open_house, provider, oidc_trust_emails=True)
        know(provider, BOB, verified=verified)

        assert come_in(console.browser()).status_code == status

    def test_is_verified_by_microsofts_word_too(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, BOB, verified=None, xms_edov=True)

        assert come_in(console.browser()).status_code == 302

    def test_stays_the_same_when_the_address_changes(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team", sub="carol-7")
        come_in(console.browser())
        know(provider, "carol.new@example.com", "mail-team", sub="carol-7")
        carol = console.browser()

        come_in(carol)

        assert CAROL in carol.get("/account").text
        assert len(Accounts(console.services.db).list()) == 4

    def test_is_not_whoever_takes_over_an_address(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team", sub="mallory-9")
        come_in(console.browser())
        know(provider, CAROL, "mail-team", sub="carol-7")

        page = come_in(console.browser())

        assert page.status_code == 403
        assert "This address belongs to another sign-in" in page.text

    def test_needs_an_address(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, "carol", "mail-team")

        page = come_in(console.browser())

        assert "names no email address" in page.text
        assert len(Accounts(console.services.db).list()) == 3

    def test_gets_nowhere_once_switched_off(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, BOB)
        come_in(console.browser())
        accounts = Accounts(console.services.db)
        directory = console.app.extensions["postroom.directory"]
        directory.switch(accounts.by_email(BOB).id, accounts.by_email(ADA).actor, on=False)

        page = come_in(console.browser())

        assert page.status_code == 403
        assert "This account is switched off" in page.text

    def test_gets_a_page_that_says_so_without_any_group_or_membership(
        self, console: House, provider: AuthorizationServer
    ) -> None:
        know(provider, CAROL, "sales")
        carol = console.browser()

        page = come_in(carol)

        assert page.status_code == 403
        assert "There is nothing for you here yet" in page.text
        assert CAROL in page.text
        assert len(Accounts(console.services.db).list()) == 3
        assert carol.get("/account").status_code == 302

    def test_may_come_to_accept_an_invitation(self, console: House, provider: AuthorizationServer) -> None:
        access = console.services.tenants.access(Accounts(console.services.db).by_email(ADA).actor, "dev")
        link = "/invitation/" + console.services.invitations.invite(access, CAROL, Role.VIEWER)
        know(provider, CAROL)
        carol = console.browser()

        assert come_in(carol, link).headers["Location"] == link
        carol.get(link)
        assert carol.post(link).headers["Location"] == "/t/dev/"
        assert roles(console) == {"dev": Role.VIEWER}


class TestGroups:
    def test_that_are_gone_take_their_roles_along(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team", "ops")
        come_in(console.browser())
        before = roles(console)
        know(provider, CAROL, "mail-team")

        come_in(console.browser())

        assert before == {"dev": Role.EDITOR, "prod": Role.OWNER}
        assert roles(console) == {"dev": Role.EDITOR, "prod": Role.VIEWER}

    def test_leave_what_was_given_by_hand(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, BOB, "ops")
        come_in(console.browser())
        raised = roles(console, BOB)
        know(provider, BOB)

        come_in(console.browser())

        assert raised == {"dev": Role.EDITOR, "prod": Role.OWNER}
        assert roles(console, BOB) == {"dev": Role.EDITOR, "prod": Role.EDITOR}

    def test_never_take_the_last_owner_away_silently(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "ops")
        come_in(console.browser())
        tenants, accounts = console.services.tenants, Accounts(console.services.db)
        ada = accounts.by_email(ADA)
        tenants.remove_member(console.tenant("prod").id, ada.id, ada.actor)
        know(provider, CAROL, "mail-team")

        come_in(console.browser())

        assert roles(console)["prod"] is Role.OWNER
        kept = console.services.audit.events(console.services.db, console.tenant("prod").id)[0]
        assert kept.action == "member.kept_as_last_owner"
        assert "last owner" in console.signed_in(CAROL).get("/t/prod/settings/audit").text

    def test_make_and_unmake_an_administrator(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-admins")
        come_in(console.browser())
        accounts = Accounts(console.services.db)
        made = accounts.by_email(CAROL).administrator
        know(provider, CAROL, "mail-team")

        come_in(console.browser())

        assert made
        assert not accounts.by_email(CAROL).administrator

    def test_unmake_no_administrator_who_was_made_by_hand(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, ADA)

        come_in(console.browser())

        assert Accounts(console.services.db).by_email(ADA).administrator

    def test_are_named_where_members_are_listed(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        come_in(console.browser())
        ada, number = console.signed_in(ADA), Accounts(console.services.db).by_email(CAROL).id

        assert "by groups" in ada.get("/t/dev/settings/members").text
        assert "This role comes from groups" in ada.get(f"/t/dev/settings/members/{number}").text

    def test_are_found_in_objects_and_as_one_word(self, open_house: OpenHouse, provider: AuthorizationServer) -> None:
        console = with_provider(open_house, provider, oidc_groups_claim="realm_access.roles", oidc_roles="a=dev:viewer")
        know(provider, CAROL, realm_access={"roles": ["a"]})

        come_in(console.browser())

        assert roles(console) == {"dev": Role.VIEWER}

    def test_that_the_provider_leaves_out_change_nothing(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        come_in(console.browser())
        know(provider, CAROL, _claim_names={"groups": "src1"})
        provider.people[CAROL].claims["groups"] = None

        page = come_in(console.browser())

        assert "You belong to too many groups" in page.text
        assert roles(console) == {"dev": Role.EDITOR, "prod": Role.VIEWER}

    def test_of_a_tenant_that_is_not_there_give_nothing(
        self, open_house: OpenHouse, provider: AuthorizationServer
    ) -> None:
        console = with_provider(open_house, provider, oidc_roles="a=nowhere:owner,a=dev:viewer")
        know(provider, CAROL, "a")

        come_in(console.browser())

        assert roles(console) == {"dev": Role.VIEWER}


def forged(
    provider: AuthorizationServer, nonce: str, key: RSAKey | None = None, access: str = "unknown", **changes: Any
) -> Any:
    """A token answer whose ID token differs from a good one in just this."""
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "sub": "carol-7",
        "email": CAROL,
        "email_verified": True,
        "groups": ["mail-team"],
        "iat": int(time.time()),
        "exp": int(time.time()) + 300,
        "nonce": nonce,
    } | changes
    key = key or provider.signing_key
    header = {"alg": "RS256", "kid": key.kid}
    token = jwt.encode(header, {name: value for name, value in claims.items() if value is not None}, key)
    return answer(200, {"access_token": access, "token_type": "Bearer", "id_token": token})


def tried(console: House, provider: AuthorizationServer, **changes: Any) -> Any:
    """Come back with a forged ID token."""
    know(provider, CAROL, "mail-team")
    browser = console.browser()
    begun = browser.get("/sign-in/openid").headers["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun).query).items()}
    provider.play(forged(provider, changes.pop("nonce", asked["nonce"]), **changes))
    return browser.get(f"/sign-in/openid/done?{urlencode({'code': 'x', 'state': asked['state']})}")


class TestProof:
    @pytest.fixture(autouse=True)
    def no_userinfo(self, provider: AuthorizationServer) -> None:
        provider.described["userinfo_endpoint"] = None

    def test_is_a_token_that_is_all_right(self, console: House, provider: AuthorizationServer) -> None:
        assert tried(console, provider).status_code == 302

    @pytest.mark.parametrize(
        "changes",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another-client"},
            {"aud": [CLIENT, "another-client"]},
            {"azp": "another-client"},
            {"iss": "https://evil.example"},
            {"exp": 1_700_000_000},
            {"exp": None},
            {"iat": 4_000_000_000},
            {"sub": None},
            {"sub": ""},
        ],
        ids=str,
    )
    def test_is_no_token_that_is_not(
        self, console: House, provider: AuthorizationServer, changes: dict[str, Any]
    ) -> None:
        page = tried(console, provider, **changes)

        assert page.status_code == 403
        assert "proves nothing" in page.text

    def test_bears_a_clock_that_is_a_minute_wrong(self, console: House, provider: AuthorizationServer) -> None:
        assert tried(console, provider, exp=int(time.time()) - 60, iat=int(time.time()) - 400).status_code == 302
        assert tried(console, provider, iat=int(time.time()) + 60).status_code == 302

    def test_is_signed_by_the_provider(self, console: House, provider: AuthorizationServer) -> None:
        stranger = RSAKey.generate_key(2048, parameters={"kid": "signing", "use": "sig", "alg": "RS256"})

        page = tried(console, provider, key=stranger)

        assert page.status_code == 403
        assert "not signed with one of its keys" in page.text

    @pytest.mark.parametrize("header", ["none", "HS256"])
    def test_is_not_signed_with_what_everybody_knows(
        self, console: House, provider: AuthorizationServer, header: str
    ) -> None:
        provider.described["id_token_signing_alg_values_supported"] = ["none", "HS256", "RS256"]
        know(provider, CAROL, "mail-team")
        browser = console.browser()
        begun = browser.get("/sign-in/openid").headers["Location"]
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun).query).items()}
        good = forged(provider, asked["nonce"])
        with console.app.app_context():
            body = good().get_json()["id_token"].split(".")[1]

        head = base64.urlsafe_b64encode(f'{{"alg":"{header}"}}'.encode()).decode().rstrip("=")
        provider.play(answer(200, {"access_token": "x", "token_type": "Bearer", "id_token": f"{head}.{body}."}))

        page = browser.get(f"/sign-in/openid/done?{urlencode({'code': 'x', 'state': asked['state']})}")

        assert page.status_code == 403

    def test_goes_on_when_the_provider_changes_its_keys(self, console: House, provider: AuthorizationServer) -> None:
        first = tried(console, provider)
        provider.signing_key = RSAKey.generate_key(2048, parameters={"kid": "new", "use": "sig", "alg": "RS256"})

        assert (first.status_code, tried(console, provider).status_code) == (302, 302)


class TestTheWayBack:
    def test_is_for_whoever_began_it(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, MALLORY)
        hers = sent_back(console.browser())
        ada = console.browser()
        ada.get("/sign-in/openid")

        page = ada.get(hers)

        assert page.status_code == 400
        assert "not begun in this browser" in page.text

    def test_works_once(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()
        back = sent_back(carol)
        carol.get(back)

        assert carol.get(back).status_code == 400

    def test_without_a_beginning_is_none(self, console: House) -> None:
        assert console.browser().get("/sign-in/openid/done?code=x&state=y").status_code == 400

    def test_from_another_provider_is_none(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()

        page = carol.get(f"{sent_back(carol)}&iss=https://evil.example")

        assert "came from another provider" in page.text

    def test_says_that_somebody_cancelled(self, console: House, provider: AuthorizationServer) -> None:
        provider.signed_in = ""

        page = come_in(console.browser())

        assert page.status_code == 403
        assert "You were not signed in" in page.text

    def test_escapes_what_stands_in_the_address(self, console: House) -> None:
        browser = console.browser()
        begun = parse_qs(urlsplit(browser.get("/sign-in/openid").headers["Location"]).query)
        asked = {"state": begun["state"][0], "error": "<script>x</script>", "error_description": "y" * 5000}

        page = browser.get(f"/sign-in/openid/done?{urlencode(asked)}").text

        assert "<script>x" not in page
        assert "y" * 200 not in page

    def test_tells_a_wrong_secret(self, open_house: OpenHouse, provider: AuthorizationServer) -> None:
        console = with_provider(open_house, provider, oidc_client_secret=f"{CANARY}-wrong")
        know(provider, CAROL, "mail-team")

        page = come_in(console.browser())

        assert "The sign-in provider refused" in page.text
        assert "invalid_client" in page.text


class TestTrouble:
    def test_of_the_provider_leaves_passwords_usable(self, open_house: OpenHouse) -> None:
        with AuthorizationServer() as gone:
            console = with_provider(open_house, gone)
        browser = console.browser()

        page = browser.get("/sign-in/openid?next=/account")

        assert page.status_code == 503
        assert "does not answer" in page.text
        assert "Sign in another way" in page.text
        assert browser.sign_in(ADA).status_code == 302

    @pytest.mark.parametrize(
        ("described", "says"),
        [
            ({"issuer": "https://evil.example"}, "another name"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
            ({"authorization_endpoint": None}, "no usable authorization_endpoint"),
        ],
        ids=["issuer", "script", "nothing"],
    )
    def test_of_its_description_is_told(
        self, console: House, provider: AuthorizationServer, described: dict[str, Any], says: str
    ) -> None:
        provider.described.update(described)

        page = console.browser().get("/sign-in/openid")

        assert page.status_code == 502
        assert says in page.text

    @pytest.mark.parametrize(
        "reply",
        [answer(200, b"<html>", "text/html"), answer(200, b"[1]", "application/json"), answer(503, b"", "text/plain")],
        ids=["html", "list", "503"],
    )
    def test_of_its_answers_is_told(self, console: House, provider: AuthorizationServer, reply: Any) -> None:
        know(provider, CAROL, "mail-team")
        provider.play(reply)

        assert come_in(console.browser()).status_code in (502, 503)

    def test_of_too_many_tries_is_limited(self, console: House) -> None:
        for _ in range(60):
            console.browser().get("/sign-in/openid/done")

        assert console.browser().get("/sign-in/openid").status_code == 429


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
