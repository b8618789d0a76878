"""``form_for`` a config model: the form follows from the declaration of the settings; nothing is written twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

from webapp.connectors.base import Preset
from webapp.connectors.config import SECTIONS, ConnectorConfig, settings_of
from webapp.domain.diff import SECRET
from webapp.domain.problem import JSON
from webapp.domain.text import T, Text
from webapp.web.fields import SecretField, SettingField, Words, field_of


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form: what is needed first, the rest under Advanced."""

    id: str
    title: Text
    fields: tuple[SettingField, ...]
    advanced: tuple[SettingField, ...]

    late: tuple[SettingField, ...] = ()
    """Those that have no meaning with the values as they are: a page gets them with the first change."""
    late_advanced: tuple[SettingField, ...] = ()
    """The same of ``advanced``, which holds them too."""

    @property
    def advanced_now(self) -> tuple[SettingField, ...]:
        """What of ``advanced`` has a meaning now."""
        return tuple(field for field in self.advanced if field not in self.late_advanced)

    @property
    def advanced_set(self) -> int:
        """How many of the advanced settings say something of their own."""
        return sum(field.is_set for field in self.advanced)

    @property
    def advanced_open(self) -> bool:
        """Whether something under Advanced needs to be seen at once."""
        return any(field.faulty or field.problems or field.was for field in self.advanced)

    @property
    def faults(self) -> int:
        return sum(field.faulty or bool(field.problems) for field in (*self.fields, *self.advanced))


class SettingsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The settings of one connector. Made by ``form_for``; filled by ``filled``."""

    def setting_fields(self) -> list[SettingField]:
        """The fields in the order of the model."""
        return [field for field in self if isinstance(field, SettingField)]

    def applies(self, field: SettingField) -> bool:
        """Whether a field has a meaning with the values of those that it depends on."""
        condition = field.setting.about.show_if
        if condition is None:
            return True
        name, values = condition
        other = self._fields.get(name)
        return other is None or (self.applies(other) and other.shown in values)

    def sections(self) -> list[Section]:
        """The fields as the page shows them."""
        sections = []
        for section, title in SECTIONS:
            fields = [field for field in self.setting_fields() if field.setting.about.section == section]
            first = tuple(field for field in fields if not field.setting.about.advanced)
            advanced = tuple(field for field in fields if field.setting.about.advanced)
            late = tuple(field for field in first if not self.applies(field))
            if fields:
                at_once = tuple(field for field in first if field not in late)
                later = tuple(field for field in advanced if not self.applies(field))
                sections.append(Section(section, title, at_once, advanced, late, later))
        # What nobody needs to touch stands last.
        return sorted(sections, key=lambda each: not (each.fields or each.late))

    def numbers(self, fields: Sequence[SettingField]) -> str:
        """Name fields by their places in the model."""
        names = [field.name for field in self.setting_fields()]
        return "-".join(str(names.index(field.name)) for field in fields)

    def config(self) -> dict[str, JSON]:
        """What is typed, as the config in JSON; numbers that are none stay text, so that the model refuses them."""
        config: dict[str, JSON] = {}
        for field in self.setting_fields():
            value = field.json() if self.applies(field) else None
            if value is not None:
                _put(config, field.setting.path, value)
        return config

    def aside(self) -> dict[str, JSON]:
        """What is typed and has no place in the config now, because another setting says so."""
        kept: dict[str, JSON] = {}
        for field in self.setting_fields():
            if field.is_set and not self.applies(field) and not isinstance(field, SecretField):
                kept[field.setting.name] = field.json()
        return kept

    def typed_secrets(self) -> dict[str, str]:
        """Pointer into the config → the secret that was typed."""
        return {
            field.setting.pointer: field.typed
            for field in self.setting_fields()
            if isinstance(field, SecretField) and field.typed and self.applies(field)
        }

    def at(self, pointer: str) -> tuple[SettingField | None, str]:
        """Find the field that a pointer into the config means, and what the pointer says below it."""
        for field in sorted(self.setting_fields(), key=lambda each: -len(each.setting.pointer)):
            own = field.setting.pointer
            if pointer == own or pointer.startswith(f"{own}/"):
                return field, pointer[len(own) :]
        return None, pointer

    def faulty(self) -> list[SettingField]:
        """The fields that hold an error, for the summary."""
        return [field for field in self.setting_fields() if field.faulty]


def form_for(config_model: type[ConnectorConfig], preset: Preset | None = None) -> type[SettingsForm]:
    """Make the form class of a config model, in the words of the preset where it has some."""
    labels, helps = (preset.labels, preset.helps) if preset else ({}, {})
    fields = {
        setting.name: field_of(
            setting,
            Words(labels.get(setting.name, setting.about.title), helps.get(setting.name, T(setting.help))),
        )
        for setting in settings_of(config_model)
    }
    return type(f"{config_model.__name__}Form", (SettingsForm,), fields)


def filled(
    form: type[SettingsForm],
    config: Mapping[str, Any],
    aside: Mapping[str, JSON],
    posted: MultiDict[str, str] | None = None,
) -> SettingsForm:
    """Fill a form with a config, then with what was posted; a field that was not posted keeps its value."""
    values = {
        field.setting.name: aside.get(field.setting.name, _look_up(config, field.setting.path))
        for field in form(formdata=None).setting_fields()
    }
    return form(formdata=posted, data={name: value for name, value in values.items() if value is not None})


def _look_up(config: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = config
    for key in path:
        if not isinstance(value, Mapping) or SECRET in value:
            return None
        value = value.get(key)
    return value


def _put(config: dict[str, JSON], path: Sequence[str], value: JSON) -> None:
    at: Any = config
    for key in path[:-1]:
        at = at.setdefault(key, {})
    at[path[-1]] = value
