"""Promote: two tenants side by side, each difference with a tick, each secret with its way."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, Browser, House
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import SCRIPT, SLOT, TYPED, password, revision
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Role

OWN = f"{CANARY}-of-production"
PROMOTE = "/t/prod/migrate/promote"


def ticks(browser: Browser) -> list[str]:
    return re.findall(r'name="tick"\s+value="([^"]+)" checked', browser.page)


def promote(browser: Browser, path: str = PROMOTE, **fields: Any) -> Any:
    """Send the form of the page as it stands, with some fields changed; ``__`` stands for a colon."""
    shown = {name: browser.field(name) for name in ("from", "revision", "base")}
    plan = re.search(r'name="plan" value="([^"]+)"', browser.page)
    ways = re.findall(r'name="(way:[^"]+)"\s+value="([a-z]+)"(?: checked|>\s*<div class="secret-typed")', browser.page)
    could_keep = re.findall(r'name="could-keep" value="([^"]+)"', browser.page)
    given = {name.replace("__", ":"): value for name, value in fields.items()}
    sent = {
        **shown,
        **dict(ways),
        "plan": plan[1] if plan else "",
        "tick": ticks(browser),
        "could-keep": could_keep,
        **given,
    }
    return browser.post(path, sent)


def change(house: House, slug: str, **parts: Any) -> None:
    """Save other parts of a setup, as the operator."""
    access = house.services.tenants.access(OPERATOR, slug)
    document = house.services.setups.active(access.tenant).document
    house.services.setups.save(access, {**document, **parts}, base=None, reason="arranged by a test")


def with_reply_to(house: House) -> dict[str, Any]:
    connector = house.services.setups.active(house.tenant("dev")).document["connector"]
    return {**connector, "config": {**connector["config"], "replyTo": "help@example.com"}}


@pytest.fixture
def home(house: House) -> House:
    """The development tenant is set up, production is not."""
    set_up(house)
    return house


@pytest.fixture
def both(home: House) -> House:
    """Both are set up, and differ in host, in one mail and in one flow."""
    set_up(home, "prod", host="smtp.example.com", auth={"type": "login", "user": "acme@gmail.com", "pass": OWN})
    setup = home.services.setups.active(home.tenant("dev")).document
    templates = {**setup["templates"]}
    templates["SignIn"] = {"*": {"contentType": "text/plain", "subject": SCRIPT, "content": "{{code}}"}}
    change(home, "dev", templates=templates, flows={**setup["flows"], "mfa": {"emailCode": False}})
    return home


class TestCompare:
    def test_shows_both_sides_and_ticks_all_but_what_end_users_may_do(self, both: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text

        assert re.search(r"<del>.*smtp.example.com</del>.*<ins>.*smtp.gmail.com</ins>", page, re.DOTALL)
        assert ticks(ada) == ["/connector/config/host", "/templates/SignIn/*"]
        assert 'value="/flows/mfa">' in page
        assert "Promote into production" in page

    def test_names_are_shown_as_text(self, both: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text

        assert SCRIPT not in page
        assert "&lt;script&gt;" in page

    def test_looking_keeps_nothing_and_stays_light(self, both: House, ada: Browser) -> None:
        answer = ada.get(f"{PROMOTE}?from=dev")

        assert len(answer.data) < 60 * 1024
        assert 'name="plan" value="" id' in answer.text

    def test_begins_with_development_where_nothing_is_said(self, both: House, ada: Browser) -> None:
        assert 'name="from" value="dev"' in ada.get(PROMOTE).text

    def test_the_pair_leads_to_the_targets_page(self, both: House, ada: Browser) -> None:
        answer = ada.get("/t/dev/migrate/pair?from=dev&to=prod")

        assert answer.location == f"{PROMOTE}?from=dev"
        assert ada.get("/t/dev/migrate/pair?from=dev&to=dev").location == "/t/dev/migrate"

    def test_a_tenant_is_not_compared_with_itself(self, both: House, ada: Browser) -> None:
        assert ada.get(f"{PROMOTE}?from=prod").location == "/t/prod/migrate"

    def test_the_same_setup_has_nothing_to_promote(self, house: House, ada: Browser) -> None:
        assert "nothing to promote" in ada.get(f"{PROMOTE}?from=dev").text


class TestPromoting:
    def test_what_is_ticked_is_live_and_can_be_undone(self, both: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, note="Release 7", reason="moved", **{f"way__{SLOT}": "copy"})

        live = both.services.setups.active(both.tenant("prod")).document
        assert answer.location == "/t/prod/connector/saved/2"
        assert "Undo" in ada.get(answer.location).text
        assert live["connector"]["config"]["host"] == "smtp.gmail.com"
        assert live["flows"]["mfa"] == {"emailCode": True}
        assert "Promoted from dev" in ada.get("/t/prod/history").text

    def test_only_what_is_ticked_goes(self, both: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, tick=["/flows/mfa"], **{f"way__{SLOT}": "copy"})

        live = both.services.setups.active(both.tenant("prod")).document
        assert answer.status_code == 303
        assert live["flows"]["mfa"] == {"emailCode": False}
        assert live["connector"]["config"]["host"] == "smtp.example.com"
        assert password(both, "prod") == OWN

    def test_where_a_reason_is_missing_what_is_stored_stays_chosen(self, both: House, ada: Browser) -> None:
        change(both, "dev", connector=with_reply_to(both))
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, tick=["/connector/config/replyTo"])

        assert answer.status_code == 409
        assert f'name="way:{SLOT}"\nvalue="keep" checked' in answer.text
        assert promote(ada, tick=["/connector/config/replyTo"], reason="answers").status_code == 303
        assert password(both, "prod") == OWN

    def test_nothing_ticked_is_said(self, both: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, tick=[], note="mine")

        assert answer.status_code == 422
        assert "Nothing is ticked" in answer.text
        assert 'value="mine"' in answer.text

    def test_without_a_reason_production_asks_for_one(self, both: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert answer.status_code == 409
        assert "Production wants a proof or a reason." in answer.text
        assert TYPED not in answer.text
        assert promote(ada, reason="moved", **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(both, "prod") == TYPED


class TestSecrets:
    def test_copied_it_is_the_sources(self, home: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text
        assert "Copy it from Development" in page

        promote(ada, reason="first", **{f"way__{SLOT}": "copy"})

        assert password(home, "prod") == CANARY

    def test_kept_it_is_the_targets(self, home: House, ada: Browser) -> None:
        set_up(home, "prod", auth={"type": "login", "user": "prod", "pass": TYPED})
        page = ada.get(f"{PROMOTE}?from=dev").text
        assert "Keep the one that is stored here" in page

        assert promote(ada, reason="user name").status_code == 303
        assert password(home, "prod") == TYPED

    def test_left_out_nothing_is_applied(self, home: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, reason="mine", **{f"way__{SLOT}": "type"})

        assert answer.status_code == 422
        assert "This secret is needed." in answer.text
        assert 'value="mine"' in answer.text
        assert revision(home, "prod") == 0

    def test_to_an_owner_of_one_copying_is_not_offered(self, home: House, ada: Browser) -> None:
        accounts = Accounts(home.services.db)
        other = home.services.tenants.add("more", "More", home.tenant("dev").environment, OPERATOR)
        home.services.tenants.add_member(other.id, accounts.by_email(ADA).id, Role.EDITOR)
        ada.get("/t/more/migrate/promote?from=dev")
        assert "Copy it from" not in ada.page

        assert promote(ada, "/t/more/migrate/promote", **{f"way__{SLOT}": "copy"}).status_code == 403

    def test_out_of_production_none_is_copied(self, house: House, ada: Browser) -> None:
        set_up(house, "prod")
        ada.get("/t/dev/migrate/promote?from=prod")
        assert "Copy it from" not in ada.page

        assert promote(ada, "/t/dev/migrate/promote", **{f"way__{SLOT}": "copy"}).status_code == 403

    def test_typed_for_one_server_it_never_goes_to_another(self, home: House, ada: Browser) -> None:
        """Bob, who edits the source, changes the server after Ada typed the password of the first one."""
        ada.get(f"{PROMOTE}?from=dev")
        promote(ada, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})  # no reason yet: what was typed is kept
        connector = home.services.setups.active(home.tenant("dev")).document["connector"]
        elsewhere = {**connector["config"], "host": "smtp.bob.example", "auth": {**connector["config"]["auth"]}}
        elsewhere["auth"]["pass"] = f"{CANARY}-of-bob"
        change(home, "dev", connector={**connector, "config": elsewhere})

        moved = promote(ada, reason="first", **{f"way__{SLOT}": "type"})
        again = promote(ada, reason="first", **{f"way__{SLOT}": "type"})

        assert (moved.status_code, again.status_code) == (412, 422)
        assert home.tenant("prod").active_revision == 0

    def test_typed_while_the_server_changes_it_does_not_go_there_either(self, home: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        connector = home.services.setups.active(home.tenant("dev")).document["connector"]
        elsewhere = {**connector["config"], "host": "smtp.bob.example", "auth": {**connector["config"]["auth"]}}
        elsewhere["auth"]["pass"] = f"{CANARY}-of-bob"
        change(home, "dev", connector={**connector, "config": elsewhere})

        moved = promote(ada, reason="first", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})
        again = promote(ada, reason="first", **{f"way__{SLOT}": "type"})

        assert (moved.status_code, again.status_code) == (412, 422)
        assert home.tenant("prod").active_revision == 0

    def test_typed_and_kept_it_goes_where_it_was_typed_for(self, home: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        promote(ada, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})
        change(home, "dev", defaultLanguage="ja")

        moved = promote(ada, reason="first", **{f"way__{SLOT}": "type"})
        again = promote(ada, reason="first", **{f"way__{SLOT}": "type"})

        assert (moved.status_code, again.status_code) == (412, 303)
        assert password(home, "prod") == TYPED

    def test_a_plan_of_somebody_else_gives_nothing(self, home: House, ada: Browser, bob: Browser) -> None:
        home.make_bob(Role.OWNER)
        ada.get(f"{PROMOTE}?from=dev")
        promote(ada, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})
        theirs = ada.field("plan")
        bob.get(f"{PROMOTE}?from=dev")

        assert promote(bob, plan=theirs, reason="x", **{f"way__{SLOT}": "type"}).status_code == 404


class TestWhatBreaks:
    def test_needs_its_own_tick(self, both: House, ada: Browser) -> None:
        change(both, "dev", connector=None, fallback=None)
        ada.get(f"{PROMOTE}?from=dev")
        assert "What breaks" in ada.page

        answer = promote(ada)

        assert answer.status_code == 409
        assert "Tick what may break" in answer.text
        flows = re.findall(r'name="breaks"\s+value="([A-Za-z]+)"', ada.page)
        assert promote(ada, breaks=flows[:1]).status_code == 409
        assert promote(ada, breaks=flows).status_code == 303


class TestMeanwhile:
    @pytest.mark.parametrize("slug", ["dev", "prod"])
    def test_a_change_on_either_side_applies_nothing(self, both: House, ada: Browser, slug: str) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        change(both, slug, defaultLanguage="ja")
        before = revision(both, "prod")

        answer = promote(ada, note="mine", reason="moved", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert answer.status_code == 412
        assert "changed meanwhile" in answer.text
        assert 'value="mine"' in answer.text
        assert TYPED not in answer.text
        assert revision(both, "prod") == before
        assert promote(ada, reason="moved", **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(both, "prod") == TYPED


class TestRoles:
    def test_an_editor_compares_and_does_not_confirm(self, both: House, bob: Browser) -> None:
        page = bob.get(f"{PROMOTE}?from=dev").text

        assert "Only owners save to this tenant." in page
        assert promote(bob).status_code == 403

    def test_a_stranger_to_the_source_does_not_learn_that_it_is_there(self, both: House, mallory: Browser) -> None:
        path = "/t/elsewhere/migrate/promote"

        assert mallory.get(f"{path}?from=dev").status_code == 404
        assert mallory.get(f"{path}?from=nowhere").status_code == 404
        assert mallory.post(path, {"from": "dev"}).status_code == 404
        assert "no other tenant" in mallory.get(path).text


class TestOverview:
    def test_says_how_far_production_is_behind(self, both: House, ada: Browser) -> None:
        for slug in ("dev", "prod"):
            page = ada.get(f"/t/{slug}/").text

            assert "Production is 2 changes behind." in page
            assert 'href="/t/prod/migrate/promote?from=dev"' in page

    def test_leads_nobody_where_they_may_not_go(self, both: House, bob: Browser) -> None:
        both.make_bob(Role.VIEWER)

        page = bob.get("/t/dev/").text

        assert "2 changes behind" in page
        assert "/migrate/promote" not in page
