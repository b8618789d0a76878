"""The form follows from the declaration of the settings."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from webapp.connectors.base import Preset
from webapp.connectors.config import settings_of
from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.text import T
from webapp.web.fields import HeadersField, SecretField
from webapp.web.forms import SettingsForm, filled, form_for

STORED = {"$secret": {"set": True, "fingerprint": "9c1f"}}
CONFIG: dict[str, Any] = {
    "host": "smtp.example.com",
    "port": 587,
    "security": "starttls",
    "auth": {"type": "login", "user": "ada", "pass": STORED},
    "fromEmail": "Acme <no-reply@example.com>",
}
GMAIL = Preset(
    "gmail", "Gmail", T("Choose this when …"), {}, {"auth.pass": T("App password")}, {"auth.pass": T("16 letters.")}
)


@pytest.fixture(autouse=True)
def request_context() -> Any:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="test", WTF_CSRF_ENABLED=False)
    with app.test_request_context(method="POST"):
        yield


def smtp(posted: dict[str, Any] | None = None, config: dict[str, Any] = CONFIG, **aside: Any) -> SettingsForm:
    return filled(form_for(SmtpConfig), config, aside, MultiDict(posted) if posted is not None else None)


class TestFormFor:
    def test_every_setting_becomes_a_field_with_title_and_help(self) -> None:
        fields = {field.setting.name: field for field in smtp().setting_fields()}

        assert list(fields) == [setting.name for setting in settings_of(SmtpConfig)]
        assert all(field.words.title and field.words.help for field in fields.values())

    def test_it_speaks_the_words_of_the_preset(self) -> None:
        form = filled(form_for(SmtpConfig, GMAIL), CONFIG, {})

        assert str(form["auth.pass"].words.title) == "App password"
        assert str(form["auth.pass"].words.help) == "16 letters."
        assert str(form["auth.user"].words.title) == "User name"

    def test_the_form_gives_back_the_config_that_it_was_filled_with(self) -> None:
        config = smtp().config()

        assert {key: config[key] for key in CONFIG} == CONFIG

    def test_required_settings_come_first_and_the_rest_is_counted(self) -> None:
        sections = {section.id: section for section in smtp(config={**CONFIG, "name": "mail.example.com"}).sections()}

        assert [field.setting.name for field in sections["connection"].fields] == ["host", "port", "security"]
        assert sections["connection"].advanced_set == 1
        assert sections["authentication"].advanced_set == 0


class TestPosted:
    def test_white_space_around_pasted_values_is_trimmed(self) -> None:
        form = smtp({"host": "  smtp.example.org \t", "auth.pass": " s3cret\n"})

        assert form.config()["host"] == "smtp.example.org"
        assert form.typed_secrets() == {"/auth/pass": "s3cret"}

    def test_a_number_that_is_none_stays_as_typed(self) -> None:
        assert smtp({"port": "5 87"}).config()["port"] == "5 87"
        assert smtp({"port": "465"}).config()["port"] == 465

    def test_an_emptied_setting_is_left_out(self) -> None:
        assert "host" not in smtp({"host": "  "}).config()

    def test_a_field_that_was_not_posted_keeps_its_value(self) -> None:
        assert smtp({"port": "465"}).config()["host"] == "smtp.example.com"

    @pytest.mark.parametrize(("posted", "risk"), [(["", "true"], True), ([""], False)])
    def test_a_switch_is_on_only_when_it_was_sent_so(self, posted: list[str], risk: bool) -> None:
        form = filled(form_for(SmtpConfig), CONFIG, {}, MultiDict([("allowInsecureAuth", each) for each in posted]))

        assert form.config()["allowInsecureAuth"] is risk


class TestSwitches:
    def test_one_that_is_on_by_default_is_on_until_it_is_sent_off(self) -> None:
        config = smtp().config()
        assert isinstance(config["tls"], dict)
        assert config["tls"]["verify"] is True

        off = filled(form_for(SmtpConfig), CONFIG, {}, MultiDict([("tls.verify", "false")])).config()
        assert isinstance(off["tls"], dict)
        assert off["tls"]["verify"] is False


class TestSettingsThatDepend:
    def test_a_setting_that_does_not_apply_stays_out_of_the_config_and_is_kept_aside(self) -> None:
        form = smtp({"auth.type": "none"})

        assert form.config()["auth"] == {"type": "none"}
        assert form.aside() == {"auth.user": "ada"}

    def test_what_was_kept_aside_comes_back(self) -> None:
        config = {**CONFIG, "auth": {"type": "none"}}

        form = smtp({"auth.type": "login"}, config, **{"auth.user": "ada"})

        assert form.config()["auth"] == {"type": "login", "user": "ada"}


class TestSecrets:
    def test_a_stored_secret_is_kept_and_not_shown(self) -> None:
        form = smtp({"auth.pass": ""})
        field = form["auth.pass"]

        assert isinstance(field, SecretField)
        assert (field.state, field.shown) == ("stored", "")
        assert field.json() == STORED

    def test_a_typed_secret_is_drafted_and_not_in_the_config(self) -> None:
        form = smtp({"auth.pass": "s3cret"})

        assert form["auth.pass"].state == "drafted"
        assert form.config()["auth"] == {"type": "login", "user": "ada", "pass": {"$secret": {"draft": True}}}


class TestHeaders:
    def test_rows_become_a_map_and_empty_rows_nothing(self) -> None:
        posted = MultiDict(
            [
                ("customHeaders.name", "X-A"),
                ("customHeaders.value", "1"),
                ("customHeaders.name", ""),
                ("customHeaders.value", ""),
            ]
        )

        assert filled(form_for(SmtpConfig), CONFIG, {}, posted).config()["customHeaders"] == {"X-A": "1"}

    def test_two_rows_of_one_name_are_one_header_with_two_values(self) -> None:
        posted = MultiDict(
            [
                ("customHeaders.name", "X-A"),
                ("customHeaders.value", "1"),
                ("customHeaders.name", "X-A"),
                ("customHeaders.value", "2"),
            ]
        )

        form = filled(form_for(SmtpConfig), CONFIG, {}, posted)

        assert form.config()["customHeaders"] == {"X-A": ["1", "2"]}
        field = smtp(config=form.config())["customHeaders"]
        assert isinstance(field, HeadersField)
        assert [(row.name, row.value) for row in field.rows] == [("X-A", "1"), ("X-A", "2")]


class TestPointers:
    @pytest.mark.parametrize(
        ("pointer", "field", "rest"),
        [
            ("/auth/pass", "auth.pass", ""),
            ("/customHeaders/X-A", "customHeaders", "/X-A"),
            ("/nothing", None, "/nothing"),
        ],
    )
    def test_a_pointer_finds_its_field(self, pointer: str, field: str | None, rest: str) -> None:
        found, below = smtp().at(pointer)

        assert (found and found.setting.name, below) == (field, rest)
