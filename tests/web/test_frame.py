"""What stands around every page: environment, navigation, status, errors, static files, health."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import BOB, Browser, House, settings_in
from webapp.app import create_app
from webapp.domain.roles import OPERATOR, Environment, Role
from webapp.resources import resource

SETTINGS = ("", "/members", "/members/1", "/members/invite", "/tokens", "/tokens/new", "/audit", "/danger")
PAGES = ["/t/dev/", "/t/prod/", "/account", *(f"/t/dev/settings{page}" for page in SETTINGS)]


def set_up(house: House, slug: str = "dev", **config: Any) -> None:
    """Save a connector as the operator."""
    access = house.services.tenants.access(OPERATOR, slug)
    document = house.services.setups.active(access.tenant).document
    document["connector"] = {
        "provider": "smtp",
        "config": {
            "host": "smtp.gmail.com",
            "port": 465,
            "security": "tls",
            "auth": {"type": "login", "user": "acme@gmail.com", "pass": CANARY},
            "fromEmail": "Acme <no-reply@example.com>",
        }
        | config,
    }
    house.services.setups.save(access, document, base=None, reason="first set-up")


class TestEnvironment:
    @pytest.mark.parametrize(("slug", "word"), [("dev", "Development"), ("prod", "Production")])
    def test_is_said_in_words_on_every_page_of_a_tenant(self, ada: Browser, slug: str, word: str) -> None:
        page = ada.get(f"/t/{slug}/").text

        assert f"strip-{word.lower()}" in page
        assert re.search(rf'chip-{word.lower()}">.*?{word}</span>', page, re.DOTALL)

    def test_stays_on_the_account_page(self, ada: Browser) -> None:
        ada.get("/t/prod/")

        assert "chip-production" in ada.get("/account").text


class TestNavigation:
    def test_marks_the_page(self, ada: Browser) -> None:
        page = ada.get("/t/dev/").text

        assert re.search(r'href="/t/dev/" aria-current="page"', page)

    def test_leads_only_to_pages_that_exist(self, house: House, ada: Browser) -> None:
        set_up(house)
        for path in PAGES:
            for link in set(re.findall(r'<a [^>]*href="(/[^"#]*)', ada.get(path).text)):
                assert ada.get(link).status_code in (200, 302), f"{path} → {link}"

    def test_offers_the_inbox_in_development_only(self, ada: Browser) -> None:
        assert "/inbox" not in ada.get("/t/prod/").text

    def test_switches_to_the_tenants_of_the_person(self, ada: Browser) -> None:
        page = ada.get("/t/dev/").text

        assert 'href="/t/prod/"' in page

    def test_leads_to_a_list_where_the_tenants_are_many(self, house: House, ada: Browser) -> None:
        bob = house.signed_in(BOB)
        assert 'href="/tenants"' not in bob.get("/t/dev/").text
        for number in range(20):
            house.services.tenants.add(f"more-{number}", f"More {number}", Environment.DEVELOPMENT, OPERATOR)

        page = ada.get("/t/more-19/").text

        assert page.count(">More 3<") == 2
        assert ">More 12<" not in page
        assert page.count('<span class="grow">More 19<') == 2
        assert "All 23 tenants" in page
        assert all(f'href="/t/more-{number}/"' in ada.get("/tenants").text for number in range(20))

    def test_lists_nobody_the_tenants_of_others(self, bob: Browser) -> None:
        page = bob.get("/tenants").text

        assert 'href="/t/dev/"' in page
        assert "elsewhere" not in page

    def test_starts_where_the_person_was_last(self, ada: Browser) -> None:
        ada.get("/t/prod/")

        assert ada.get("/").headers["Location"] == "/t/prod/"

    def test_starts_elsewhere_once_the_tenant_is_gone(self, house: House, ada: Browser) -> None:
        ada.get("/t/prod/")
        house.services.tenants.archive("prod", OPERATOR)

        assert ada.get("/").headers["Location"] == "/t/dev/"


class TestOverview:
    def test_of_nothing_offers_one_way_on(self, ada: Browser) -> None:
        page = ada.get("/t/dev/").text

        assert page.count("btn-primary") == 1
        assert "Set up email" in page

    def test_of_a_connector_says_where_it_stands(self, house: House, ada: Browser) -> None:
        set_up(house)

        page = ada.get("/t/dev/").text

        assert "Gmail" in page
        assert "smtp.gmail.com:465" in page
        assert "Acme &lt;no-reply@example.com&gt;" in page
        assert "Not proven" in page
        assert "revision 1" in page
        assert CANARY not in page

    def test_says_when_a_test_was_accepted(self, house: House, ada: Browser) -> None:
        set_up(house)
        tenant = house.tenant("dev")
        stored = house.services.setups.active(tenant)
        assert stored.values_tag
        house.services.setups.record_proof(tenant, stored.values_tag, "test_send", OPERATOR)

        assert "Proven" in ada.get("/t/dev/").text

    def test_compares_with_the_other_tenant(self, house: House, ada: Browser) -> None:
        set_up(house)
        before = ada.get("/t/dev/").text
        set_up(house, "prod", host="smtp.example.com")

        after = ada.get("/t/dev/").text

        assert "Production is not set up yet" in before
        assert "Production is one change behind." in after
        assert 'href="/t/prod/migrate/promote?from=dev"' in after

    def test_compares_with_nothing_that_is_not_ones_own(self, house: House, mallory: Browser) -> None:
        set_up(house, "elsewhere")

        page = mallory.get("/t/elsewhere/").text

        assert "Production" not in page

    def test_offers_a_viewer_nothing_to_change(self, house: House) -> None:
        house.make_bob(Role.VIEWER)
        set_up(house)

        page = house.signed_in(BOB).get("/t/dev/").text

        assert "btn-primary" not in page
        assert "Change provider" not in page


class TestErrors:
    def test_stand_in_the_frame(self, ada: Browser) -> None:
        answer = ada.get("/nowhere")

        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
        assert "nav-groups" in answer.text or "account-link" in answer.text

    def test_of_the_wrong_method_name_the_right_one(self, ada: Browser) -> None:
        answer = ada.post("/account")

        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]

    def test_of_a_large_body_say_the_limit(self, ada: Browser) -> None:
        answer = ada.post("/account/password", {"new": "x" * (5 * 1024 * 1024 + 1)})

        assert answer.status_code == 413
        assert "5 MB" in answer.text

    def test_of_ours_carry_the_id_of_the_log(self, house: House, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        house.app.config["PROPAGATE_EXCEPTIONS"] = False
        monkeypatch.setitem(house.app.view_functions, "account.account", lambda: 1 / 0)

        answer = ada.get("/account", headers={"X-Request-Id": "find-me-in-the-log"})

        assert answer.status_code == 500
        assert "find-me-in-the-log" in answer.text
        assert "ZeroDivisionError" not in answer.text

    def test_are_a_notice_where_a_part_of_a_page_was_asked_for(self, ada: Browser) -> None:
        answer = ada.get("/nowhere", headers={"HX-Request": "true"})

        assert answer.status_code == 404
        assert "<html" not in answer.text
        assert 'role="alert"' in answer.text


class TestStatic:
    def test_is_cached_for_good_under_its_hash(self, ada: Browser) -> None:
        address = re.search(r'href="(/static/css/app\.css\?v=[0-9a-f]+)"', ada.get("/account").text)
        assert address

        answer = ada.get(address[1])

        assert "immutable" in answer.headers["Cache-Control"]

    def test_is_asked_for_again_under_another(self, anonymous: Browser) -> None:
        assert anonymous.get("/static/css/app.css?v=0").headers["Cache-Control"] == "no-cache"

    def test_is_compressed_for_those_who_can_read_it(self, anonymous: Browser) -> None:
        plain = anonymous.get("/static/css/app.css").data

        answer = anonymous.get("/static/css/app.css", headers={"Accept-Encoding": "gzip"})

        assert gzip.decompress(answer.data) == plain

    def test_is_not_sent_twice(self, anonymous: Browser) -> None:
        tag = anonymous.get("/static/css/app.css").headers["ETag"]

        assert anonymous.get("/static/css/app.css", headers={"If-None-Match": tag}).status_code == 304

    @pytest.mark.parametrize(
        "path", ["../pyproject.toml", "css/../../pyproject.toml", "css", "nothing.css", "%2e%2e/LICENSE"]
    )
    def test_holds_nothing_else(self, anonymous: Browser, path: str) -> None:
        assert anonymous.get(f"/static/{path}").status_code == 404

    def test_vendored_files_are_those_that_were_copied(self) -> None:
        import hashlib

        folder = resource("static") / "vendor"
        listed = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())

        assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed} == listed

    def test_icons_that_are_used_are_in_the_sprite(self) -> None:
        there = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (resource("static") / "vendor/icons.svg").read_text()))
        used = {
            name
            for path in resource("templates").rglob("*.html")
            for name in re.findall(r"""\bicon\(["']([a-z0-9-]+)["']""", path.read_text())
        }

        assert used - there == set()


class TestWeight:
    def test_first_load_stays_under_250_kb(self, ada: Browser) -> None:
        page = ada.get("/t/dev/")
        links = re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text)

        parts = [len(ada.get(link, headers={"Accept-Encoding": "gzip"}).data) for link in set(links)]

        assert sum(parts) + len(page.data) < 250 * 1024

    @pytest.mark.parametrize("path", PAGES)
    def test_html_stays_under_60_kb(self, ada: Browser, path: str) -> None:
        assert len(ada.get(path).data) < 60 * 1024


class TestHealth:
    def test_lives_and_is_ready(self, anonymous: Browser) -> None:
        assert anonymous.get("/livez").status_code == 200
        assert anonymous.get("/readyz").status_code == 200

    def test_lives_and_is_not_ready_without_tables(self, tmp_path: Path) -> None:
        app = create_app(settings_in(tmp_path / "bare"))
        client = app.test_client()

        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        app.extensions["postroom"].close()
