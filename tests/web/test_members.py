"""Members in the console: their roles, how they leave, and how somebody new comes in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, BOB, MALLORY, Browser, House
from webapp.accounts import Accounts
from webapp.domain.roles import Role

MEMBERS = "/t/dev/settings/members"
CAROL = "carol@example.com"
HERS = f"{CANARY} of the newcomer"


def id_of(house: House, email: str) -> int:
    return Accounts(house.services.db).by_email(email).id


def role_of(house: House, email: str) -> Role | None:
    found = house.services.tenants.members(house.tenant("dev").id)
    return next((member.role for member in found if member.person_id == id_of(house, email)), None)


def invite(browser: Browser, email: str = CAROL, role: str = "editor") -> str:
    """Make an invitation and read the path of its link off the page."""
    browser.get(f"{MEMBERS}/invite")
    answer = browser.post(f"{MEMBERS}/invite", {"email": email, "role": role})
    assert answer.headers["Location"] == f"{MEMBERS}/invited", answer.text
    browser.get(f"{MEMBERS}/invited")
    found = re.search(r'<code id="link">([^<]+)</code>', browser.page)
    assert found
    return urlsplit(found[1]).path


class TestList:
    def test_names_people_and_roles(self, ada: Browser) -> None:
        page = ada.get(MEMBERS).text

        assert re.search(rf"{BOB}.*?Editor", page, re.DOTALL)
        assert MALLORY not in page


class TestRole:
    def test_of_a_member_can_be_changed(self, house: House, ada: Browser, bob: Browser) -> None:
        ada.get(f"{MEMBERS}/{id_of(house, BOB)}")

        answer = ada.post(f"{MEMBERS}/{id_of(house, BOB)}", {"role": "viewer"})

        assert answer.headers["Location"] == MEMBERS
        assert bob.get("/t/dev/connector/choose").status_code == 403
        event = house.services.audit.events(house.services.db, house.tenant("dev").id)[0]
        assert (event.action, event.detail["name"], event.detail["old"], event.detail["role"]) == (
            "member.role_changed",
            BOB,
            "editor",
            "viewer",
        )

    def test_of_the_last_owner_stays(self, house: House, ada: Browser) -> None:
        ada.get(f"{MEMBERS}/{id_of(house, ADA)}")

        answer = ada.post(f"{MEMBERS}/{id_of(house, ADA)}", {"role": "editor"})

        assert answer.status_code == 409
        assert "A tenant needs an owner" in answer.text
        assert role_of(house, ADA) is Role.OWNER

    def test_of_ones_own_leads_to_a_page_that_still_opens(self, house: House, ada: Browser) -> None:
        house.make_bob(Role.OWNER)
        ada.get(f"{MEMBERS}/{id_of(house, ADA)}")

        answer = ada.post(f"{MEMBERS}/{id_of(house, ADA)}", {"role": "viewer"})

        assert ada.get(answer.headers["Location"]).status_code == 200

    @pytest.mark.parametrize("role", ["", "emperor"])
    def test_that_is_none_is_refused(self, house: House, ada: Browser, role: str) -> None:
        ada.get(MEMBERS)

        assert ada.post(f"{MEMBERS}/{id_of(house, BOB)}", {"role": role}).status_code == 422
        assert role_of(house, BOB) is Role.EDITOR

    def test_of_a_stranger_is_nowhere(self, house: House, ada: Browser) -> None:
        assert ada.get(f"{MEMBERS}/{id_of(house, MALLORY)}").status_code == 404
        assert ada.post(f"{MEMBERS}/{id_of(house, MALLORY)}", {"role": "owner"}).status_code == 404
        assert ada.post(f"{MEMBERS}/{id_of(house, MALLORY)}/remove").status_code == 404


class TestLeaving:
    def test_is_at_once(self, house: House, ada: Browser, bob: Browser) -> None:
        ada.get(MEMBERS)

        ada.post(f"{MEMBERS}/{id_of(house, BOB)}/remove")

        assert bob.get("/t/dev/").status_code == 404
        assert bob.get("/t/prod/").status_code == 200

    def test_ends_tokens_of_ones_own(self, house: House, ada: Browser) -> None:
        house.make_bob(Role.OWNER)
        bob = house.services.tenants.access(Accounts(house.services.db).by_email(BOB).actor, "dev")
        token = house.services.tokens.create(bob, "his", ["send"], bob.actor)
        ada.get(MEMBERS)

        ada.post(f"{MEMBERS}/{id_of(house, BOB)}/remove")

        assert house.services.tokens.authenticate(token) is None

    def test_is_not_for_the_last_owner(self, house: House, ada: Browser) -> None:
        ada.get(MEMBERS)

        answer = ada.post(f"{MEMBERS}/{id_of(house, ADA)}/remove")

        assert answer.status_code == 409
        assert "A tenant needs an owner" in answer.text
        assert role_of(house, ADA) is Role.OWNER


class TestInviting:
    def test_lets_somebody_new_in_with_a_password(self, house: House, ada: Browser) -> None:
        link = invite(ada)
        carol = house.browser()
        carol.get(link)

        answer = carol.post(link, {"password": HERS})

        assert answer.headers["Location"] == "/t/dev/"
        assert "Welcome to Development" in carol.get("/t/dev/").text
        assert carol.get("/t/prod/").status_code == 404
        assert role_of(house, CAROL) is Role.EDITOR
        assert house.browser().sign_in(CAROL, HERS).status_code == 302

    def test_makes_no_administrator(self, house: House, ada: Browser) -> None:
        link = invite(ada)
        carol = house.browser()
        carol.get(link)
        carol.post(link, {"password": HERS})

        assert not Accounts(house.services.db).by_email(CAROL).administrator

    def test_lets_somebody_with_an_account_sign_in_and_join(self, house: House, ada: Browser) -> None:
        link = invite(ada, MALLORY, "viewer")
        mallory = house.browser()
        offered = mallory.get(link).text
        signed_in = mallory.sign_in(MALLORY, next=link)
        mallory.get(signed_in.headers["Location"])

        answer = mallory.post(link)

        assert "There is an account with this address already" in offered
        assert signed_in.headers["Location"] == link
        assert answer.headers["Location"] == "/t/dev/"
        assert role_of(house, MALLORY) is Role.VIEWER

    def test_gives_an_account_to_nobody_who_has_one(self, house: House, ada: Browser) -> None:
        link = invite(ada, MALLORY)
        anonymous = house.browser()
        anonymous.get("/sign-in")

        assert anonymous.post(link, {"password": HERS}).status_code == 409
        assert role_of(house, MALLORY) is None
        assert house.browser().sign_in(MALLORY, HERS).status_code == 422

    def test_is_for_one_address(self, house: House, ada: Browser, mallory: Browser) -> None:
        link = invite(ada)
        page = mallory.get(link).text

        assert "the invitation is for another address" in page
        assert mallory.post(link, {"password": HERS}).status_code == 409
        assert role_of(house, MALLORY) is None

    def test_works_once(self, house: House, ada: Browser) -> None:
        link = invite(ada)
        carol = house.browser()
        carol.get(link)
        carol.post(link, {"password": HERS})

        late = house.browser().get(link)

        assert late.status_code == 404
        assert "This invitation does not work" in late.text

    def test_can_be_withdrawn(self, house: House, ada: Browser) -> None:
        link = invite(ada)
        listed = ada.get(MEMBERS).text
        (waiting,) = house.services.invitations.pending(house.tenant("dev"))

        ada.post(f"/t/dev/settings/invitations/{waiting.id}/revoke")

        assert CAROL in listed
        assert house.browser().get(link).status_code == 404
        assert ada.get(MEMBERS).text.count(CAROL) == 1  # in the sentence that says so

    def test_refuses_a_weak_password_and_stays(self, house: House, ada: Browser) -> None:
        link = invite(ada)
        carol = house.browser()
        carol.get(link)

        answer = carol.post(link, {"password": CAROL})

        assert answer.status_code == 422
        assert "little more than your address" in answer.text
        assert carol.post(link, {"password": HERS}).status_code == 303

    @pytest.mark.parametrize(
        ("email", "role", "field"),
        [("", "editor", "email"), ("carol", "editor", "email"), (BOB, "owner", "email"), (CAROL, "", "role")],
    )
    def test_is_refused_at_the_field(self, house: House, ada: Browser, email: str, role: str, field: str) -> None:
        ada.get(f"{MEMBERS}/invite")

        answer = ada.post(f"{MEMBERS}/invite", {"email": email, "role": role})

        assert answer.status_code == 422
        assert "field-error" in answer.text.split(f'id="{field}-error"')[1].split('class="field ')[0]
        assert house.services.invitations.pending(house.tenant("dev")) == []

    def test_shows_the_link_once(self, ada: Browser) -> None:
        link = invite(ada)

        assert link in ada.get(f"{MEMBERS}/invited").text
        assert link not in ada.get(MEMBERS).text
        assert ada.get(f"{MEMBERS}/invited").headers["Location"] == MEMBERS
