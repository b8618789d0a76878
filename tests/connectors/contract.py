"""What holds for every connector, asked of each in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.connectors.config import SECTIONS, secrets_of, settings_of


class ConnectorContract:
    """Inherit, and give the connector and settings that are complete; pytest asks the rest.

    ::

        class TestPostmark(ConnectorContract):
            connector = PostmarkConnector
            settings = {"serverToken": "pm-5ecret", "fromEmail": "no-reply@example.com"}
    """

    connector: ClassVar[type[Connector[Any]]]
    settings: ClassVar[Mapping[str, Any]]

    def test_it_is_in_the_catalogue_under_its_kind(self):
        assert CONNECTORS[self.connector.kind] is self.connector

    def test_it_says_what_it_is(self):
        assert self.connector.title
        assert str(self.connector.summary).startswith("Choose this")
        assert self.connector.phases[0] == "resolve"

    def test_complete_settings_are_accepted_and_come_back_by_their_json_keys(self):
        document = self.connector.config_model.model_validate(self.settings).model_dump(by_alias=True)

        assert set(self.settings) <= set(document)

    def test_every_setting_explains_itself(self):
        silent = [
            setting.name
            for setting in settings_of(self.connector.config_model)
            if not str(setting.about.title) or not setting.help.endswith(".")
        ]

        assert silent == []

    def test_every_setting_stands_in_a_section_of_the_form(self):
        sections = {name for name, _ in SECTIONS}

        assert {setting.about.section for setting in settings_of(self.connector.config_model)} <= sections

    def test_every_choice_has_its_words(self):
        choices = [setting for setting in settings_of(self.connector.config_model) if setting.kind == "choice"]

        assert [setting.name for setting in choices if not setting.about.choices] == []

    def test_secrets_do_not_show(self):
        config = self.connector.config_model.model_validate(self.settings)

        shown = repr(config) + str(config) + config.model_dump_json()

        assert secrets_of(self.connector.config_model)
        assert [secret for secret in self._secrets() if secret in shown] == []

    def test_secrets_are_marked_in_the_schema(self):
        schema = json.dumps(self.connector.config_model.model_json_schema())

        assert schema.count('"writeOnly": true') >= len(secrets_of(self.connector.config_model))

    def test_a_refusal_does_not_repeat_secrets(self):
        with pytest.raises(ValidationError) as caught:
            self.connector.config_model.model_validate({**self.settings, "fromEmail": "nobody", "unknown": 1})

        assert [secret for secret in self._secrets() if secret in str(caught.value)] == []

    def test_unknown_settings_are_refused_at_their_place(self):
        with pytest.raises(ValidationError) as caught:
            self.connector.config_model.model_validate({**self.settings, "unknown": 1})

        assert [error["loc"] for error in caught.value.errors()] == [("unknown",)]

    @pytest.mark.parametrize("value", ["********", "••••", "<placeholder>", "line\r\nbreak"])
    def test_a_mask_or_a_placeholder_is_no_secret(self, value):
        for secret in secrets_of(self.connector.config_model):
            with pytest.raises(ValidationError):
                self.connector.config_model.model_validate(_with(self.settings, secret.path, value))

    def test_secrets_stay_with_the_same_destination(self):
        destination = self.connector.destination(self.settings)

        assert destination.place
        assert self.connector.destination(dict(self.settings)).keeps_secrets_of(destination)

    def test_unfinished_settings_have_a_destination_and_no_contradictions(self):
        assert not self.connector.destination({}).keeps_secrets_of(self.connector.destination(self.settings))
        assert self.connector.contradictions({}) == []

    def test_complete_settings_do_not_contradict_themselves(self):
        assert self.connector.contradictions(self.settings) == []

    def _secrets(self) -> list[str]:
        """The secrets of ``settings``, as typed; those of other ways to log in are not among them."""
        found = [_at(self.settings, secret.path) for secret in secrets_of(self.connector.config_model)]
        return [str(secret) for secret in found if secret]


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = values
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _with(values: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {**values, key: _with(values.get(key, {}), tuple(rest), value) if rest else value}
