"""The set-up form: nothing typed is lost, errors stand beside their field, corrections take one click."""

from __future__ import annotations

import pytest

from tests.web.conftest import Browser, House
from tests.web.filling import FORM, SECRET, VALUES, around, choose, fill, send, shown
from webapp.domain.roles import OPERATOR, Role

CONFIG = {"host": "smtp.example.com", "port": 587, "security": "starttls", "fromEmail": "a@example.com"}
HTMX = {"HX-Request": "true"}

BAD = [
    ("host", "smtp.example.com:587"),
    ("host", "not a host"),
    ("host", ""),
    ("host", "<your host>"),
    ("port", "ninety"),
    ("port", "0"),
    ("port", "70000"),
    ("port", ""),
    ("security", "rot13"),
    ("auth.type", "magic"),
    ("auth.user", ""),
    ("auth.user", "ada\nBcc: mallory@example.net"),
    ("auth.pass", "••••••••"),
    ("fromEmail", "nobody"),
    ("fromEmail", "a@example.com, b@example.com"),
    ("fromEmail", "Acme <a@example.com>\r\nBcc: mallory@example.net"),
    ("fromEmail", ""),
    ("replyTo", "nobody at all"),
    ("name", "two words"),
    ("localAddress", "localhost"),
    ("connectionTimeout", "1"),
    ("connectionTimeout", "soon"),
    ("greetingTimeout", "1000000"),
    ("socketTimeout", "-5"),
    ("dnsTimeout", "1.5"),
    ("servername", "not a name"),
]


def field_id(name: str) -> str:
    return f"set-{name.replace('.', '-')}"


class TestBadInput:
    @pytest.mark.parametrize(("name", "value"), BAD)
    def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(
        self, house: House, ada: Browser, name: str, value: str
    ) -> None:
        fill(ada)

        answer = send(
            ada, "review", **{name.replace(".", "__"): value, "replyTo" if name != "replyTo" else "port": "x@y"}
        )

        assert answer.status_code == 422
        assert "field-error" in around(ada.page, field_id(name))
        assert f'href="#{field_id(name)}"' in ada.page
        assert house.services.setups.active(house.tenant("dev")).number == 0
        if name != "auth.pass":
            assert shown(ada)[name] == value.replace("\r\n", "\n").strip()
        assert shown(ada)["replyTo" if name != "replyTo" else "port"] == "x@y"

    def test_a_missing_password_is_said_at_the_password(self, ada: Browser) -> None:
        choose(ada)
        values = {name.replace(".", "__"): value for name, value in VALUES.items()} | {"auth__pass": ""}

        send(ada, "review", **values)

        assert "field-error" in around(ada.page, "set-auth-pass")

    @pytest.mark.parametrize(("header", "value"), [("Bcc", "mallory@example.net"), ("X Spaced", "1"), ("", "no name")])
    def test_a_header_that_cannot_be_is_said_at_the_headers(self, ada: Browser, header: str, value: str) -> None:
        fill(ada)

        send(ada, "review", customHeaders__name=[header], customHeaders__value=[value])

        assert (
            "field-error" in ada.page.partition('id="set-customHeaders"')[2].partition('id="set-customHeaders-help"')[0]
        )
        assert value in ada.page

    def test_a_template_without_its_variable_is_said_at_its_content(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:SignIn")
        ada.get(FORM)

        answer = send(ada, "review", templates__SignIn__content="No code at all", templates__SignIn__text="")

        assert answer.status_code == 422
        assert 'href="#templates.SignIn.content"' in ada.page
        assert "No code at all" in ada.page


class TestNothingIsLost:
    def test_what_is_typed_is_there_after_a_reload(self, ada: Browser) -> None:
        fill(ada, port="5 87", fromEmail="not yet")

        assert (shown(ada)["port"], shown(ada)["fromEmail"]) == ("5 87", "not yet")

    def test_it_is_there_in_another_session_of_the_same_person(self, house: House, ada: Browser) -> None:
        fill(ada)

        again = house.signed_in("ada@example.com")
        again.get(FORM)

        assert shown(again)["host"] == "smtp.example.com"

    def test_nobody_else_sees_it(self, ada: Browser, bob: Browser) -> None:
        fill(ada)

        assert bob.get(FORM).location == f"{FORM}/choose"

    def test_a_setting_that_does_not_apply_comes_back(self, ada: Browser) -> None:
        fill(ada)
        send(ada, auth__type="none")
        ada.get(FORM)

        send(ada, auth__type="login")
        ada.get(FORM)

        assert shown(ada)["auth.user"] == "ada"

    def test_a_form_sent_without_a_session_is_kept(self, ada: Browser) -> None:
        fill(ada)
        ada.lose_session()

        answer = send(ada, auth__user="grace")

        assert answer.status_code == 419
        assert ada.field("sealed")

    def test_rows_of_headers_grow_and_stay(self, ada: Browser) -> None:
        fill(ada)

        send(ada, customHeaders__name=["X-A", "X-B", ""], customHeaders__value=["1", "2", ""])
        ada.get(FORM)

        assert shown(ada).getlist("customHeaders.name") == ["X-A", "X-B", "", ""]


class TestSecretsOnTheForm:
    def test_a_typed_secret_is_never_in_a_page(self, ada: Browser) -> None:
        fill(ada)

        assert SECRET not in ada.page
        assert "New, not saved yet" in ada.page

    def test_a_typed_secret_can_be_taken_back(self, ada: Browser) -> None:
        fill(ada)

        send(ada, "forget:auth.pass")
        ada.get(FORM)

        assert "New, not saved yet" not in ada.page

    def test_it_does_not_follow_to_another_server(self, ada: Browser) -> None:
        fill(ada)

        answer = send(ada, "review", host="mail.example.net")

        assert answer.status_code == 422
        assert "Type it again" in around(ada.page, "set-auth-pass")


class TestCorrections:
    def test_starttls_on_465_is_said_before_any_test_and_corrected_in_one_click(self, ada: Browser) -> None:
        fill(ada, port="465", security="starttls")
        code = ada.page.partition('value="fix:')[2].partition('"')[0]
        assert code

        send(ada, f"fix:{code}")
        ada.get(FORM)

        assert (shown(ada)["port"], shown(ada)["security"]) in (("465", "tls"), ("587", "starttls"))
        assert "Corrected; it was" in ada.page
        assert 'value="fix:' not in ada.page

    def test_tls_on_587_is_said_too(self, ada: Browser) -> None:
        fill(ada, port="587", security="tls")

        assert 'value="fix:' in ada.page

    def test_another_port_of_the_provider_is_one_click_away(self, ada: Browser) -> None:
        choose(ada, "smtp:gmail")

        send(ada, "alternative:0")
        ada.get(FORM)

        assert (shown(ada)["port"], shown(ada)["security"]) == ("465", "tls")

    def test_one_of_many_regions_is_chosen_from_a_list_and_there_is_a_way_back(self, ada: Browser) -> None:
        choose(ada, "smtp:amazon-ses")
        assert "US East (N. Virginia)</option>" in ada.get(FORM).text

        send(ada, "region", region="7")

        assert "selected>Europe (Frankfurt)</option>" in ada.get(FORM).text
        assert shown(ada)["host"] == "email-smtp.eu-central-1.amazonaws.com"
        send(ada, "region", region="0")
        ada.get(FORM)
        assert shown(ada)["host"] == "email-smtp.us-east-1.amazonaws.com"

    @pytest.mark.parametrize("number", ["", "99", "-1", "x"])
    def test_a_region_that_does_not_exist_changes_nothing(self, ada: Browser, number: str) -> None:
        choose(ada, "smtp:amazon-ses")

        send(ada, "region", region=number)
        ada.get(FORM)

        assert shown(ada)["host"] == "email-smtp.us-east-1.amazonaws.com"

    def test_the_mailbox_outlasts_a_change_of_login_and_the_way_is_offered_no_more(self, ada: Browser) -> None:
        choose(ada, "smtp:gmail")
        send(ada, auth__user="ada@gmail.com")

        send(ada, "alternative:1", auth__user="ada@gmail.com")

        page = ada.get(FORM).text
        assert shown(ada)["auth.user"] == "ada@gmail.com"
        assert "OAuth 2.0, signed in with Google</button>" not in page
        assert "App password</button>" in page


class TestWhileTyping:
    def test_a_setting_that_was_left_is_judged_and_the_others_are_not(self, ada: Browser) -> None:
        choose(ada)

        answer = send(ada, to=f"{FORM}/draft", host="no host", left="host", judge="yes")

        assert "field-error" in around(answer.text, "set-host")
        assert "field-error" not in around(answer.text, "set-fromEmail")

    def test_nothing_is_judged_while_it_is_typed(self, ada: Browser) -> None:
        choose(ada)

        answer = send(ada, to=f"{FORM}/draft", host="no host")

        assert "field-error" not in answer.text
        assert "Draft kept" in answer.text

    def test_the_errors_of_settings_that_were_left_are_there_after_a_reload(self, ada: Browser) -> None:
        choose(ada)
        send(ada, to=f"{FORM}/draft", host="no host", left="host", judge="yes")

        ada.get(FORM)

        assert "field-error" in around(ada.page, "set-host")
        assert "field-error" not in around(ada.page, "set-fromEmail")


class TestMails:
    def test_a_mail_opens_and_its_text_is_kept(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:Register")
        ada.get(FORM)

        send(ada, "close:Register", templates__Register__subject="Welcome: {{code}}")
        ada.get(FORM)

        assert "Edited" in ada.page.partition('id="mail-Register"')[2].partition("</li>")[0]

    def test_an_untouched_mail_stays_the_default(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:Register")
        ada.get(FORM)

        send(ada)
        ada.get(FORM)

        assert "Edited" not in ada.page

    def test_a_mail_goes_back_to_the_default(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:Register")
        ada.get(FORM)
        send(ada, templates__Register__subject="Welcome: {{code}}")
        ada.get(FORM)

        send(ada, "reset:Register")
        ada.get(FORM)

        assert "Edited" not in ada.page

    def test_a_mail_opens_in_its_place_with_scripts(self, ada: Browser) -> None:
        fill(ada)

        answer = send(ada, to=f"{FORM}/mails/SignIn", open="yes")

        assert "templates.SignIn.content" in answer.text
        assert "<html" not in answer.text


class TestGuide:
    def test_a_long_step_comes_when_it_is_opened_or_on_a_page_of_its_own(self, ada: Browser) -> None:
        fill(ada)
        address = f"{FORM}/guide/smtp/guide-every-setting"
        assert f'href="{address}"' in ada.page

        assert "<html" not in ada.get(address, headers=HTMX).text
        assert "Back to the form" in ada.get(address).text

    @pytest.mark.parametrize("path", ["smtp/guide-nothing", "nothing/guide-try-it", "..%2Fx/guide-try-it"])
    def test_what_is_not_there_is_not_found(self, ada: Browser, path: str) -> None:
        assert ada.get(f"{FORM}/guide/{path}").status_code == 404

    def test_ticks_are_kept(self, ada: Browser) -> None:
        fill(ada)

        send(ada, ticks=["", "guide-try-it"])
        ada.get(FORM)

        assert shown(ada).getlist("ticks") == ["", "guide-try-it"]


class TestRoles:
    def test_a_viewer_sees_the_live_setup_and_can_change_nothing(
        self, house: House, bob: Browser, ada: Browser
    ) -> None:
        fill(ada)
        ada.get(f"{FORM}/review")
        ada.post(f"{FORM}/review", {"reviewed": ada.field("reviewed")})
        house.make_bob(Role.VIEWER)

        page = bob.get(FORM).text

        assert "smtp.example.com" in page
        assert 'value="review"' not in page
        assert bob.post(FORM, {"action": "draft"}).status_code == 403

    def test_a_stranger_finds_nothing(self, mallory: Browser) -> None:
        assert mallory.get(FORM).status_code == 404


def test_the_page_is_light(ada: Browser) -> None:
    fill(ada)
    send(ada, "open:SignIn")

    assert len(ada.get(FORM).data) < 60_000


class TestWhatComesLate:
    def test_what_a_page_kept_by_itself_does_not_undo_a_correction(self, house: House, ada: Browser) -> None:
        fill(ada, port="465")
        before = shown(ada)
        send(ada, "fix:smtp.starttls_on_tls_port")

        answer = ada.post("/t/dev/connector/draft", before, headers=HTMX)

        assert answer.status_code == 204
        ada.get("/t/dev/connector")
        assert shown(ada)["security"] == "tls"

    def test_what_somebody_saved_while_the_page_was_open_is_not_undone_unseen(self, house: House, ada: Browser) -> None:
        access = house.services.tenants.access(OPERATOR, "dev")
        connector = {"provider": "smtp", "config": {**CONFIG, "auth": {"type": "none"}}}
        house.services.setups.save(access, {"connector": connector}, base=0)
        ada.get("/t/dev/connector")
        page = shown(ada)
        theirs = {"op": "replace", "path": "/connector/config/fromEmail", "value": "theirs@example.com"}
        house.services.setups.patch(access, [theirs])

        ada.post("/t/dev/connector/draft", {**page, "host": "mine.example.com"}, headers=HTMX)

        ada.get("/t/dev/connector")
        assert "Revision 2 was saved since you began" in ada.page
