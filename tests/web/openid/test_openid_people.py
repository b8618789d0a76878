"""Signing in by another system: who comes in, as whom, and what their groups give."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.peers.authorization import AuthorizationServer
from tests.web.conftest import ADA, BOB, House
from tests.web.openid.steps import (
    CAROL,
    OpenHouse,
    come_in,
    know,
    roles,
    sent_back,
    with_provider,
)
from webapp.accounts import Accounts
from webapp.domain.roles import Role


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
