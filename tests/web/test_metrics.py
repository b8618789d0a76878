"""/metrics: who may ask, what is counted, and what is told to whom."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from tests.web.conftest import House
from webapp.domain.roles import OPERATOR


def token(house: House, *scopes: str, tenant: str = "dev") -> str:
    services = house.services
    return services.tokens.create(services.tenants.by_slug(tenant), "prometheus", scopes, OPERATOR)


def ask(house: House, token: str | None = None, *, from_: str = "127.0.0.1", **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Authorization"] = f"Bearer {token}"
    return house.app.test_client().get("/metrics", headers=given, environ_base={"REMOTE_ADDR": from_})


def numbers(answer: TestResponse) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample: (name, its labels' values in the order of the labels' names) → value."""
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


class TestWhoMayAsk:
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    def test_a_program_on_this_machine_may(self, house: House, address: str) -> None:
        assert ask(house, from_=address).status_code == 200

    def test_others_need_a_token(self, house: House) -> None:
        assert ask(house, from_="192.0.2.7").status_code == 401
        assert ask(house, token(house, "deliveries:read"), from_="192.0.2.7").status_code == 200

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_a_proxy_on_this_machine_does_not_ask_for_itself(self, house: House, header: str) -> None:
        assert ask(house, **{header: "192.0.2.7"}).status_code == 401

    def test_a_browser_on_this_machine_that_was_led_here_by_name_does_not(self, house: House) -> None:
        assert ask(house, Host="mallory.example").status_code == 401

    def test_a_token_of_another_kind_does_not_do(self, house: House) -> None:
        assert ask(house, token(house, "config:write")).status_code == 403
        assert ask(house, "prt_unknown").status_code == 401

    def test_the_console_s_public_name_does_not_matter(self, open_house) -> None:  # type: ignore[no-untyped-def]
        house = open_house(public_url="https://mail.example.com")

        assert ask(house, Host="127.0.0.1:8420").status_code == 200


class TestRequests:
    def test_are_counted_by_the_template_of_their_route(self, house: House) -> None:
        client = house.app.test_client()
        for path in ("/t/dev/", "/t/prod/", "/nowhere/at-all", "/livez"):
            client.get(path)
        client.open("/livez", method="BREW")

        found = numbers(ask(house))

        assert found["postroom_http_requests_total", ("GET", "/t/<tenant>/", "302")] == 2
        assert found["postroom_http_requests_total", ("GET", "none", "404")] == 1
        assert found["postroom_http_requests_total", ("GET", "/livez", "200")] == 1
        assert found["postroom_http_request_duration_seconds_count", ("GET", "/t/<tenant>/")] == 2
        assert not any("BREW" in labels or "at-all" in str(labels) for _, labels in found)


class TestRuns:
    @pytest.fixture
    def ran(self, house: House) -> House:
        """A house whose dev and elsewhere have checked and sent, or tried to."""
        dev, elsewhere = (house.services.tenants.by_slug(slug) for slug in ("dev", "elsewhere"))
        for tenant, kind, outcome, code in (
            (dev, "check", "ok", ""),
            (dev, "test_send", "not_sent", "smtp.auth_refused"),
            (elsewhere, "test_send", "not_sent", "smtp.auth_refused"),
        ):
            house.services.metrics.run_ended(tenant.id, kind, "smtp", outcome, code)
        return house

    def test_are_summed_up_without_names(self, ran: House) -> None:
        answer = ask(ran)

        found = numbers(answer)
        assert found["postroom_runs_total", ("smtp.auth_refused", "test_send", "not_sent", "smtp")] == 2
        assert found["postroom_runs_total", ("", "check", "ok", "smtp")] == 1
        assert found["postroom_tenants", ("development",)] == 2
        assert not any(slug in answer.text for slug in ('"dev"', '"prod"', '"elsewhere"'))

    def test_are_told_to_their_tenant_only(self, ran: House) -> None:
        answer = ask(ran, token(ran, "deliveries:read"))

        found = numbers(answer)
        assert found["postroom_runs_total", ("smtp.auth_refused", "test_send", "not_sent", "smtp", "dev")] == 1
        assert found["postroom_active_revision", ("dev",)] == 0
        assert "elsewhere" not in answer.text
        assert not any(name == "postroom_tenants" for name, _ in found)


class TestTheRest:
    def test_is_what_is_stored(self, house: House) -> None:
        dev = house.services.tenants.by_slug("dev")
        house.services.inbox.add(dev.id, ["ada@example.com"], b"Subject: Hello\r\n\r\nHello\r\n")

        found = numbers(ask(house))

        assert found["postroom_sandbox_mails", ()] == 1
        assert found["postroom_runs_under_way", ("check",)] == 0
        assert found["postroom_database_up", ()] == 1
        assert any(name == "postroom_build_info" for name, _ in found)

    def test_is_answered_without_a_database(self, house: House) -> None:
        with house.services.db.write() as session:
            session.connection().exec_driver_sql("ALTER TABLE inbox_mails RENAME TO gone")

        found = numbers(ask(house))

        assert found["postroom_database_up", ()] == 0
        assert ("postroom_sandbox_mails", ()) not in found

    def test_sets_no_cookie_and_is_kept_nowhere(self, house: House) -> None:
        answer = ask(house)

        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
