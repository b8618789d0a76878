"""What a connector says of itself: that it is there, explained, and that its secrets are marked."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.connectors.belongings import guide_of, logo_of
from webapp.connectors.config import SECTIONS, Setting, secrets_of, settings_of

STEPS = ("What you need", "Create the credentials", "Fill in the form", "Try it", "When it fails")
"""The sections of every guide, in order; others may follow."""


class Declaration:
    """The part of the contract that needs no provider."""

    connector: ClassVar[type[Connector[Any]]]
    settings: ClassVar[Mapping[str, Any]]
    """Complete settings, as JSON, with every secret that belongs to them."""
    elsewhere: ClassVar[Mapping[str, Any]]
    """Settings that, put over the others, lead to another destination."""
    in_clear: ClassVar[Mapping[str, Any]]
    """Settings that, put over the others, would send a secret unprotected to another machine."""
    secretless: ClassVar[bool] = False
    """Whether it has no secrets at all, because the operator holds them."""

    def test_it_is_in_the_catalogue_under_its_kind(self) -> None:
        assert CONNECTORS.get(self.connector.kind) is self.connector, "install the package, or add its line"

    def test_it_says_what_it_is(self) -> None:
        assert self.connector.title
        assert str(self.connector.summary).startswith("Choose this")
        assert str(self.connector.summary).endswith(".")
        assert self.connector.phases[0] == "resolve"

    def test_it_has_a_guide_of_five_sections(self) -> None:
        guide = guide_of(self.connector)

        assert guide, f"there is no guide: {self.connector.kind}.md"
        assert re.findall(r"^# .+$", guide, re.MULTILINE), "the guide begins with its title: # …"
        assert tuple(re.findall(r"^## (.+)$", guide, re.MULTILINE))[:5] == STEPS

    @pytest.mark.parametrize("place", ["module", "guide", "test"])
    def test_nothing_is_left_to_write(self, place: str) -> None:
        if place == "guide":
            text = guide_of(self.connector) or ""
        else:
            text = inspect.getsource(sys.modules[self.connector.__module__] if place == "module" else type(self))

        left = [line.strip() for line in text.splitlines() if re.search(r"\bTODO\b", line)]
        assert not left, "there is something to write:\n" + "\n".join(left)

    def test_its_logo_is_a_small_plain_drawing(self) -> None:
        logo = logo_of(self.connector)

        if logo is not None:  # without one its card shows a letter
            assert logo.startswith("<svg ")
            assert len(logo) < 4096
            assert not re.search(r"<script|\bon\w+=|style=|href|url\(", logo)

    def test_complete_settings_are_accepted_and_come_back_by_their_json_keys(self) -> None:
        document = self._config().model_dump(by_alias=True)

        assert set(self.settings) <= set(document)

    def test_every_setting_explains_itself(self) -> None:
        silent = [
            setting.name
            for setting in settings_of(self.connector.config_model)
            if not str(setting.about.title) or not setting.help.endswith(".")
        ]

        assert silent == []

    def test_every_setting_stands_in_a_section_of_the_form(self) -> None:
        sections = {name for name, _ in SECTIONS}

        assert {setting.about.section for setting in settings_of(self.connector.config_model)} <= sections

    def test_every_choice_has_its_words(self) -> None:
        choices = [setting for setting in settings_of(self.connector.config_model) if setting.kind == "choice"]

        assert [setting.name for setting in choices if not setting.about.choices] == []

    def test_every_example_is_accepted(self) -> None:
        refused = [setting.name for setting in settings_of(self.connector.config_model) if self._refuses(setting)]

        assert refused == []

    def test_it_has_secrets_unless_it_says_otherwise(self) -> None:
        assert bool(secrets_of(self.connector.config_model)) is not self.secretless
        assert bool(self._secrets()) is not self.secretless, "give `settings` the secrets that belong to them"

    def test_secrets_do_not_show(self) -> None:
        config = self._config()

        shown = repr(config) + str(config) + config.model_dump_json() + repr(config.model_dump())

        assert [secret for secret in self._secrets() if secret in shown] == []

    def test_secrets_are_marked_in_the_schema(self) -> None:
        schema = json.dumps(self.connector.config_model.model_json_schema())

        assert schema.count('"writeOnly": true') >= len(secrets_of(self.connector.config_model))

    def test_a_refusal_does_not_repeat_secrets(self) -> None:
        secrets = {setting.path[0] for setting in secrets_of(self.connector.config_model)}
        nonsense = {key: {"nonsense": 1} for key in self._keys() if key not in secrets}

        with pytest.raises(ValidationError) as caught:
            self.connector.config_model.model_validate({**self.settings, **nonsense, "unknown": 1})

        assert [secret for secret in self._secrets() if secret in str(caught.value)] == []

    def test_unknown_settings_are_refused_at_their_place(self) -> None:
        with pytest.raises(ValidationError) as caught:
            self.connector.config_model.model_validate({**self.settings, "unknown": 1})

        assert [error["loc"] for error in caught.value.errors()] == [("unknown",)]

    @pytest.mark.parametrize("value", ["********", "••••", "<placeholder>", "line\r\nbreak"])
    def test_a_mask_or_a_placeholder_is_no_secret(self, value: str) -> None:
        for secret in secrets_of(self.connector.config_model):
            with pytest.raises(ValidationError):
                self.connector.config_model.model_validate(changed(self.settings, secret.path, value))

    def test_secrets_stay_with_the_same_destination(self) -> None:
        destination = self.connector.destination(self.settings)

        assert destination.place
        assert self.connector.destination(dict(self.settings)).keeps_secrets_of(destination)

    def test_secrets_do_not_follow_to_another_destination(self) -> None:
        old, new = (self.connector.destination({**self.settings, **each}) for each in ({}, self.elsewhere))

        assert self.secretless or not new.keeps_secrets_of(old)

    def test_no_secret_goes_in_clear_to_another_machine(self) -> None:
        try:
            self.connector.config_model.model_validate({**self.settings, **self.in_clear})
        except ValidationError:
            return

        refused = self.connector.contradictions({**self.settings, **self.in_clear})

        assert refused or self.secretless, "neither the settings nor their contradictions speak of it"

    def test_unfinished_settings_have_a_destination_and_no_contradictions(self) -> None:
        assert self.connector.destination({}) == self.connector.destination({})
        assert self.connector.contradictions({}) == []
        assert self.connector.cautions({}) == []

    def test_complete_settings_do_not_contradict_themselves(self) -> None:
        assert self.connector.contradictions(self.settings) == []

    def test_its_form_begins_with_no_secret(self) -> None:
        begun = [_at(self.connector.starts, secret.path) for secret in secrets_of(self.connector.config_model)]

        assert [value for value in begun if value is not None] == []

    def _config(self, **changes: Any) -> Any:
        return self.connector.config_model.model_validate({**self.settings, **changes})

    def _keys(self) -> set[str]:
        return {setting.path[0] for setting in settings_of(self.connector.config_model)}

    def _secrets(self) -> list[str]:
        """The secrets of ``settings``, as typed; those of other ways to log in are not among them."""
        found = [_at(self.settings, secret.path) for secret in secrets_of(self.connector.config_model)]
        return [str(secret) for secret in found if secret]

    def _refuses(self, setting: Setting) -> bool:
        """Whether the example of a setting is not accepted where it stands; those of another choice are let be."""
        if not _has_value(setting) or (setting.kind == "choice" and len(setting.path) > 1):
            return False  # another choice of a group asks for others beside it
        values = {**self.settings}
        if len(setting.path) > 1 and setting.path[0] not in values:
            # A group that is not among the settings is begun with all of its examples.
            for each in settings_of(self.connector.config_model):
                if each.path[0] == setting.path[0] and _has_value(each):
                    values = changed(values, each.path, each.about.example)
        try:
            self.connector.config_model.model_validate(changed(values, setting.path, setting.about.example))
        except ValidationError as exc:
            key = setting.path[-1]
            return any(error["loc"][-1:] == (key,) and error["type"] != "extra_forbidden" for error in exc.errors())
        return False


def _has_value(setting: Setting) -> bool:
    """Whether the example is a whole value, not a part of one, as for headers and certificates."""
    return bool(setting.about.example) and setting.kind not in ("headers", "lines") and not setting.about.multiline


def changed(values: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Settings with one of them replaced, wherever it stands."""
    key, *rest = path
    inside = values.get(key)
    if rest:
        value = changed(inside if isinstance(inside, Mapping) else {}, tuple(rest), value)
    return {**values, key: value}


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = values
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
