"""Drift in the console: what was promoted last, what happened on both sides since, and who decides."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, Browser, House
from tests.web.test_frame import set_up
from tests.web.test_migrate_promote import PROMOTE, promote, ticks
from webapp.accounts import Accounts
from webapp.app import create_app
from webapp.db.models import RevisionRow
from webapp.domain.roles import OPERATOR, Access, Environment, Role
from webapp.services.marks import put
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion

HOST, REPLY_TO, SIGN_IN = "/connector/config/host", "/connector/config/replyTo", "/templates/SignIn/*"
SECRET = "/connector/config/auth/pass"
LINK = 'href="/t/prod/migrate/promote?from=dev"'


def edit(house: House, slug: str, **places: Any) -> None:
    """Save other values in a tenant."""
    access = access_of(house, slug)
    document = house.services.setups.active(access.tenant).document
    for pointer, value in places.items():
        put(document, pointer, value)
    house.services.setups.save(access, document, base=None, reason="arranged by a test")


def access_of(house: House, slug: str) -> Access:
    return house.services.tenants.access(OPERATOR, slug)


def carry(house: House, *only: str, source: str = "dev", target: str = "prod", **said: Any) -> None:
    """Promote, as the operator."""
    access = access_of(house, target)
    wanted = Promotion(only, secrets={"smtp.auth.pass": "copy"}, **said)
    plan = house.services.promoting.plan(access_of(house, source), access, wanted)
    house.services.planning.apply(access, plan.id, Confirmation(reason="arranged by a test"))


def live(house: House, slug: str = "prod") -> dict[str, Any]:
    return house.services.setups.active(house.tenant(slug)).document


def standing(page: str, pointer: str) -> str:
    """The words beside the tick of a difference."""
    found = re.search(rf'value="{re.escape(pointer)}".*?<p class="standing[^>]*>.*?</svg>\s*(.*?)</p>', page, re.DOTALL)
    return found[1] if found else ""


@pytest.fixture
def promoted(house: House) -> House:
    """Development was promoted into production once."""
    set_up(house, auth={"type": "login", "user": "acme", "pass": CANARY})
    carry(house)
    return house


class TestComparing:
    def test_says_what_was_promoted_last(self, promoted: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text

        assert "Promoted last:" in page
        assert re.search(r'href="/t/prod/history/1"[^>]*>revision 1 of Development', page)
        assert "nothing to promote" in page

    def test_before_the_first_promotion_it_says_nothing_of_it(self, house: House, ada: Browser) -> None:
        set_up(house)

        page = ada.get(f"{PROMOTE}?from=dev").text

        assert "Promoted last" not in page
        assert "standing" not in page

    def test_each_difference_says_how_it_stands(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{REPLY_TO: "left@example.com", "/defaultLanguage": "ja"})
        carry(promoted, "/defaultLanguage", whole=True)
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})
        edit(promoted, "prod", **{"/defaultLanguage": "th", SECRET: f"{CANARY}-own"})

        page = ada.get(f"{PROMOTE}?from=dev").text

        assert standing(page, SIGN_IN) == "New in Development"
        assert standing(page, "/defaultLanguage") == "Edited here since. A tick overwrites it."
        assert standing(page, REPLY_TO) == "Left as it was last time"
        assert "One difference was left as it was last time" in page
        assert "Changed here since, and kept: Password" in page
        assert ticks(ada) == [SIGN_IN]

    def test_what_was_edited_here_stays_unless_it_is_ticked(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})
        edit(promoted, "prod", **{"/defaultLanguage": "th"})
        ada.get(f"{PROMOTE}?from=dev")

        assert promote(ada).status_code == 303

        assert (live(promoted)["defaultLanguage"], live(promoted)["templates"]["SignIn"]["*"]["subject"]) == (
            "th",
            "Newer",
        )
        assert standing(ada.get(f"{PROMOTE}?from=dev").text, "/defaultLanguage") == "Left as it was last time"

    def test_a_revision_that_cannot_be_read_breaks_nothing(self, promoted: House) -> None:
        edit(promoted, "dev", **{REPLY_TO: "help@example.com"})
        dev = promoted.tenant("dev").id
        with promoted.services.db.write() as session:
            row = session.query(RevisionRow).filter_by(tenant_id=dev, number=1).one()
            row.document = {"connector": 7}
        restarted = create_app(promoted.services.settings)
        later = House(restarted, restarted.extensions["postroom"])
        ada = later.signed_in(ADA)

        answer, overview = ada.get(f"{PROMOTE}?from=dev"), ada.get("/t/prod/")
        later.services.close()

        assert (answer.status_code, overview.status_code) == (200, 200)
        assert "Nobody knows whether it was edited here since" in answer.text
        assert "checked" not in answer.text


class TestConflict:
    @pytest.fixture
    def conflict(self, promoted: House) -> House:
        """Both have another reply-to address since, and development a new subject."""
        edit(promoted, "dev", **{REPLY_TO: "new@example.com", f"{SIGN_IN}/subject": "Newer"})
        edit(promoted, "prod", **{REPLY_TO: "own@example.com"})
        return promoted

    def test_shows_both_sides_and_chooses_none(self, conflict: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text

        assert "Changed on both sides since. Choose one." in page
        assert "Keep Production's" in page
        assert "Take Development's" in page
        assert "own@example.com" in page
        assert "new@example.com" in page
        assert not re.search(rf'name="side:{REPLY_TO}"\s+value="[a-z]+" checked', page)
        assert ticks(ada) == [SIGN_IN]

    @pytest.mark.parametrize("path", [PROMOTE, f"{PROMOTE}/test"])
    def test_without_choosing_it_is_refused_beside_it(self, conflict: House, ada: Browser, path: str) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, path, note="mine", to="ada@example.com")

        assert answer.status_code == 422
        assert "Choose which of the two it shall be." in answer.text
        assert 'value="mine"' in answer.text
        assert ticks(ada) == [SIGN_IN]
        assert live(conflict)["connector"]["config"]["replyTo"] == "own@example.com"

    @pytest.mark.parametrize(("side", "result"), [("here", "own@example.com"), ("there", "new@example.com")])
    def test_the_side_that_was_chosen_is_live(self, conflict: House, ada: Browser, side: str, result: str) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, reason="decided", **{f"side__{REPLY_TO}": side})

        assert answer.status_code == 303
        assert live(conflict)["connector"]["config"]["replyTo"] == result
        assert live(conflict)["templates"]["SignIn"]["*"]["subject"] == "Newer"

    def test_keeping_all_is_written_down_and_not_asked_again(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{REPLY_TO: "new@example.com"})
        edit(promoted, "prod", **{REPLY_TO: "own@example.com"})
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, **{f"side__{REPLY_TO}": "here"})

        assert answer.location == "/t/prod/connector/saved/3"
        assert ada.get(answer.location).status_code == 200
        assert ada.get("/t/prod/history/3").status_code == 200
        assert live(promoted)["connector"]["config"]["replyTo"] == "own@example.com"
        assert standing(ada.get(f"{PROMOTE}?from=dev").text, REPLY_TO) == "Left as it was last time"
        assert "Nothing new since" in ada.get("/t/prod/").text

    def test_what_was_chosen_stays_chosen_where_something_else_is_missing(self, conflict: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, **{f"side__{REPLY_TO}": "there"})

        assert answer.status_code == 409
        assert re.search(rf'name="side:{REPLY_TO}"\s+value="there" checked', answer.text)

    def test_a_tick_decides_no_conflict(self, conflict: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        assert promote(ada, tick=[REPLY_TO, SIGN_IN], reason="by hand").status_code == 422

    @pytest.mark.parametrize("slug", ["dev", "prod"])
    def test_one_that_came_up_meanwhile_is_asked(self, promoted: House, ada: Browser, slug: str) -> None:
        other = "prod" if slug == "dev" else "dev"
        edit(promoted, other, **{REPLY_TO: "one@example.com"})
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})
        ada.get(f"{PROMOTE}?from=dev")
        edit(promoted, slug, **{REPLY_TO: "two@example.com"})

        answer = promote(ada, note="mine", reason="moved")

        assert answer.status_code == 412
        assert "Changed on both sides since" in answer.text
        assert 'value="mine"' in answer.text
        assert promote(ada, reason="moved").status_code == 422
        assert promote(ada, reason="moved", **{f"side__{REPLY_TO}": "here"}).status_code == 303


class TestOverview:
    def test_production_shows_what_was_promoted_last(self, promoted: House, ada: Browser) -> None:
        page = ada.get("/t/prod/").text

        assert "revision 1 of Development" in page
        assert "Nothing new since" in page
        assert "Production is" not in page

    def test_it_tells_edits_and_what_is_new_by_their_pointers(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer", "/flows/mfa": {"emailCode": False}})
        edit(promoted, "prod", **{"/defaultLanguage": "th", SECRET: f"{CANARY}-own"})

        page = ada.get("/t/prod/").text

        assert "Edited since" in page
        assert "Development is one change ahead" in page
        shown = re.findall(r"<code>(/[^<]+)</code>", page)
        assert shown == [SIGN_IN, "/defaultLanguage", SECRET]
        assert LINK in page

    def test_development_tells_the_same_from_its_side(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})
        edit(promoted, "prod", **{"/defaultLanguage": "th"})

        page = ada.get("/t/dev/").text

        assert "Production is one change behind. It was edited since." in page
        assert LINK in page

    def test_what_was_left_counts_as_nothing(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{REPLY_TO: "left@example.com", "/defaultLanguage": "ja"})
        carry(promoted, "/defaultLanguage", whole=True)

        assert "Nothing new since" in ada.get("/t/prod/").text
        assert "Production is up to date with Development." in ada.get("/t/dev/").text

    def test_of_many_tenants_only_the_one_that_it_follows_is_counted(self, promoted: House, ada: Browser) -> None:
        person = Accounts(promoted.services.db).by_email(ADA)
        staging = promoted.services.tenants.add("staging", "Staging", Environment.DEVELOPMENT, OPERATOR)
        promoted.services.tenants.add_member(staging.id, person.id, Role.OWNER)
        carry(promoted, source="dev", target="staging")
        edit(promoted, "staging", **{"/defaultLanguage": "ja"})
        carry(promoted, source="staging", target="prod")
        edit(promoted, "staging", **{"/defaultLanguage": "th"})
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})

        prod, dev = ada.get("/t/prod/").text, ada.get("/t/dev/").text

        assert "revision 2 of Staging" in prod
        assert "Staging is one change ahead" in prod
        assert "behind" not in prod
        assert re.findall(r"\w+ is [\w ]+ behind[^<]*since\.", dev) == [
            "Staging is one change behind. It was edited since."
        ]

    def test_of_two_that_were_never_promoted_it_says_behind_which(self, house: House, ada: Browser) -> None:
        set_up(house)
        set_up(house, "prod", auth={"type": "login", "user": "acme@gmail.com", "pass": CANARY})
        person = Accounts(house.services.db).by_email(ADA)
        staging = house.services.tenants.add("staging", "Staging", Environment.DEVELOPMENT, OPERATOR)
        house.services.tenants.add_member(staging.id, person.id, Role.OWNER)
        carry(house, source="dev", target="staging")
        for slug in ("dev", "staging"):
            edit(house, slug, **{"/defaultLanguage": "ja"})

        page = ada.get("/t/prod/").text

        assert "Production is one change behind Development." in page
        assert "Production is one change behind Staging." in page

    def test_a_stranger_to_the_source_sees_its_short_name_alone(self, promoted: House, bob: Browser) -> None:
        members = promoted.services.tenants.members(promoted.tenant("dev").id)
        person = Accounts(promoted.services.db).by_email("bob@example.com")
        assert person.id in [each.person_id for each in members]
        promoted.services.tenants.remove_member(promoted.tenant("dev").id, person.id, OPERATOR)
        edit(promoted, "dev", **{f"{SIGN_IN}/subject": "Newer"})

        page = bob.get("/t/prod/").text

        assert "revision 1 of dev," in page
        assert "ahead" not in page


class TestTheNextStep:
    def test_after_saving_what_is_proven_it_leads_on_to_production(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{REPLY_TO: "new@example.com"})
        prove(promoted, "dev")

        page = ada.get("/t/dev/connector/saved/2").text

        assert "Promote to Production" in page
        assert LINK in page

    def test_not_where_production_has_it_already(self, promoted: House, ada: Browser) -> None:
        prove(promoted, "dev")

        assert "Promote to" not in ada.get("/t/dev/connector/saved/1").text

    def test_not_while_it_is_unproven(self, promoted: House, ada: Browser) -> None:
        edit(promoted, "dev", **{REPLY_TO: "new@example.com"})

        assert "Promote to" not in ada.get("/t/dev/connector/saved/2").text

    def test_an_empty_tenant_can_begin_with_what_another_has(self, house: House, ada: Browser) -> None:
        set_up(house)

        page = ada.get("/t/prod/").text

        assert "or bring it from Development" in page
        assert LINK in page


def prove(house: House, slug: str) -> None:
    """Let a test mail be accepted with what is live."""
    access, tag = access_of(house, slug), house.services.setups.active(house.tenant(slug)).values_tag
    assert tag
    house.services.setups.record_proof(access.tenant, tag, "test_send", OPERATOR)
