"""Every route says what it needs, and nobody gets past without it. New routes are judged by being there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pyotp
import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule

from tests.web.conftest import ADA, BOB, Browser, House, settings_in
from webapp.accounts import Accounts, SecondFactor
from webapp.app import create_app
from webapp.domain.roles import Permission, Role
from webapp.web.security import Gate

PUBLIC = {
    "static",
    "frame.home",
    "frame.theme",
    "health.livez",
    "health.readyz",
    "metrics.metrics",
    "account.first_run_page",
    "account.first_run_save",
    "account.sign_in",
    "account.sign_in_check",
    "account.sign_in_passkey",
    "account.second_step",
    "account.second_step_check",
    "account.sign_out",
    "openid.begin",
    "openid.begin_keeping",
    "openid.done",
    "links.password",
    "links.password_save",
    "links.sign_in",
    "links.sign_in_now",
    "invitation.invitation",
    "invitation.invitation_accept",
}
"""The routes that anybody may ask. Adding one is a decision, made here."""

SAMPLES = {"tenant": "dev", "token": "x" * 43, "n": 1, "number": 1, "usage_type": "SignIn", "filename": "css/app.css"}


def pages_of(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api")]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(settings_in(tmp_path_factory.mktemp("walk")))


def address(rule: Rule) -> str:
    values = {name: SAMPLES.get(name, "1") for name in rule.arguments}
    built = rule.build(values)
    assert built, f"give {rule.rule} a sample in SAMPLES"
    return built[1]


def targets(app: Flask, *permissions: str) -> Iterator[tuple[str, str]]:
    """Method and address of each route that needs one of these."""
    for rule in pages_of(app):
        if getattr(app.view_functions[rule.endpoint], "permission", None) in permissions:
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"}):
                yield method, address(rule)


def call(browser: Browser, method: str, path: str) -> int:
    return (browser.get(path) if method == "GET" else browser.post(path)).status_code


class TestEveryRoute:
    def test_says_what_it_needs(self, walked: Flask) -> None:
        silent = [
            rule.rule
            for rule in pages_of(walked)
            if rule.endpoint not in PUBLIC and not hasattr(walked.view_functions[rule.endpoint], "permission")
        ]

        assert silent == []

    def test_public_ones_are_those_listed(self, walked: Flask) -> None:
        public = {
            rule.endpoint
            for rule in pages_of(walked)
            if getattr(walked.view_functions[rule.endpoint], "permission", Gate.PUBLIC) is Gate.PUBLIC
        }

        assert public == PUBLIC

    def test_of_a_tenant_needs_a_permission_there(self, walked: Flask) -> None:
        loose = [
            rule.rule
            for rule in pages_of(walked)
            if "tenant" in rule.arguments
            and not isinstance(walked.view_functions[rule.endpoint].permission, Permission)  # type: ignore[attr-defined]
        ]

        assert loose == []

    def test_that_changes_something_is_posted_with_more_than_reading(self, walked: Flask) -> None:
        assert [path for method, path in targets(walked, Permission.READ) if method != "GET"] == []


class TestAnonymous:
    def test_pages_lead_to_the_sign_in_and_say_nothing(self, house: House, anonymous: Browser) -> None:
        for method, path in targets(house.app, *Permission, Gate.SIGNED_IN, Gate.ADMINISTRATOR):
            if method != "GET":
                continue

            answer = anonymous.get(path)

            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/sign-in?next="), path
            assert "Acme" not in answer.text

    def test_forms_do_nothing(self, house: House, anonymous: Browser) -> None:
        anonymous.get("/sign-in")
        for method, path in targets(house.app, *Permission, Gate.SIGNED_IN, Gate.ADMINISTRATOR):
            if method != "GET":
                assert call(anonymous, method, path) == 419, path

    def test_a_tenant_that_exists_looks_like_one_that_does_not(self, anonymous: Browser) -> None:
        real, made_up = anonymous.get("/t/dev/"), anonymous.get("/t/nowhere/")

        assert real.status_code == made_up.status_code == 302


class TestInstallation:
    def test_is_for_its_administrators(self, house: House, bob: Browser) -> None:
        house.make_bob(Role.OWNER)
        asked = list(targets(house.app, Gate.ADMINISTRATOR))

        assert len(asked) > 8
        assert {f"{method} {path}": call(bob, method, path) for method, path in asked} == {
            f"{method} {path}": 403 for method, path in asked
        }

    def test_is_named_in_their_navigation_only(self, ada: Browser, bob: Browser) -> None:
        assert 'href="/people"' in ada.get("/t/dev/").text
        assert 'href="/people"' not in bob.get("/t/dev/").text


class TestHalfSignedIn:
    """Whoever knows the password of an account with a second factor, and no more."""

    @pytest.fixture
    def half(self, house: House, ada: Browser) -> Browser:
        factor = SecondFactor(house.services.db, house.services.vault, house.services.audit)
        person = Accounts(house.services.db).by_email(ADA)
        offer = factor.offer(person)
        factor.enable_app(person, offer.state, pyotp.TOTP(offer.key.replace("-", "")).now())
        browser = house.browser()
        browser.sign_in(ADA)
        assert "One more step" in browser.get("/sign-in/second-step").text
        return browser

    def test_gets_as_far_as_somebody_unknown(self, house: House, half: Browser) -> None:
        for method, path in targets(house.app, *Permission, Gate.SIGNED_IN, Gate.ADMINISTRATOR):
            assert call(half, method, path) == (302 if method == "GET" else 419), f"{method} {path}"


class TestOwingASecondFactor:
    """Of whom the operator demands a second factor, and who has none."""

    PAYING = ("/account/secure", "/account/confirm", "/account/two-step", "/account/passkeys/new")

    def test_gets_to_where_one_is_set_up_and_nowhere_else(self, open_house: Callable[..., House]) -> None:
        house = open_house(require_second_factor="everybody")
        ada = house.signed_in(ADA)
        ada.get("/account/secure")
        for method, path in targets(house.app, *Permission, Gate.SIGNED_IN, Gate.ADMINISTRATOR):
            if path in self.PAYING:
                continue
            answer = ada.get(path) if method == "GET" else ada.post(path)

            assert answer.status_code == (302 if method == "GET" else 403), f"{method} {path}"
            if method == "GET":
                assert answer.headers["Location"].startswith("/account/secure?next="), path


class TestStranger:
    def test_gets_a_404_everywhere(self, house: House, mallory: Browser) -> None:
        for method, path in targets(house.app, *Permission):
            assert call(mallory, method, path) == 404, f"{method} {path}"

    def test_gets_the_same_page_for_a_tenant_that_does_not_exist(self, mallory: Browser) -> None:
        # The form token of a page carries the second in which it was made.
        with time_machine.travel(datetime.now(UTC), tick=False):
            theirs, nobodys = mallory.get("/t/prod/"), mallory.get("/t/nowhere/")

        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace("prod", "nowhere") == nobodys.text

    def test_is_not_offered_other_tenants(self, mallory: Browser) -> None:
        page = mallory.get("/t/elsewhere/").text

        assert "/t/elsewhere/" in page
        assert "/t/dev/" not in page
        assert "/t/prod/" not in page


class TestViewer:
    @pytest.fixture
    def viewer(self, house: House) -> Browser:
        house.make_bob(Role.VIEWER)
        return house.signed_in(BOB)

    def test_may_change_nothing(self, house: House, viewer: Browser) -> None:
        for method, path in targets(house.app, *(set(Permission) - {Permission.READ})):
            assert call(viewer, method, path) == 403, f"{method} {path}"

    def test_may_read(self, viewer: Browser) -> None:
        assert viewer.get("/t/dev/").status_code == 200


class TestEditor:
    def test_may_not_save_in_production(self, house: House, bob: Browser) -> None:
        for method, path in targets(house.app, Permission.SAVE, Permission.RESTORE, Permission.MANAGE):
            assert call(bob, method, path.replace("/t/dev/", "/t/prod/")) == 403, f"{method} {path}"


class TestAdministrator:
    def test_reads_tenants_of_others_and_changes_nothing_there(self, house: House, ada: Browser) -> None:
        assert ada.get("/t/elsewhere/").status_code == 200
        for method, path in targets(house.app, *(set(Permission) - {Permission.READ})):
            assert call(ada, method, path.replace("/t/dev/", "/t/elsewhere/")) == 403, f"{method} {path}"
