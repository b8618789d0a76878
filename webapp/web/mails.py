"""The mails on the set-up form: nine usage types, read from the setup document and from what is posted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from werkzeug.datastructures import MultiDict

from webapp.domain.problem import JSON
from webapp.domain.template import Template, Templates
from webapp.domain.text import Text
from webapp.domain.usage import UsageType

ANY_LANGUAGE: Final = "*"
_FIELDS: Final = ("subject", "preheader", "contentType", "content", "text")
_ONE_LINE: Final = ("subject", "preheader", "contentType")
_OPTIONAL: Final = ("preheader", "text")


@dataclass(slots=True)
class MailFields:
    """One usage type on the form."""

    usage_type: UsageType
    cell: Mapping[str, JSON]
    state: Literal["default", "edited", "missing"]
    languages: tuple[str, ...]
    """Other languages that are stored and stay as they are."""
    open: bool = False
    errors: dict[str, list[Text]] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"templates.{self.usage_type}"

    @property
    def required_placeholder(self) -> str:
        """What the mail is useless without, as it is written in its text."""
        return "{{" + self.usage_type.required_variable + "}}"

    @property
    def other_placeholders(self) -> str:
        """Values that most applications send along."""
        return "{{user.name}}, {{application.name}}, {{organization.name}}"

    def value(self, name: str) -> str:
        """A field as its control shows it."""
        value = self.cell.get(name)
        return "" if value is None else str(value)


def mails_of(templates: Mapping[str, Any], defaults: Templates, opened: str = "") -> list[MailFields]:
    """List the nine usage types with what stands in a setup document."""
    mails = []
    for usage_type in UsageType:
        cells = templates.get(usage_type) or {}
        cell = cells.get(ANY_LANGUAGE) or {}
        state: Literal["default", "edited", "missing"] = "edited" if cell else "missing"
        if cell and _same(cell, defaults[usage_type][ANY_LANGUAGE]):
            state = "default"
        others = tuple(tag for tag in cells if tag != ANY_LANGUAGE)
        mails.append(MailFields(usage_type, cell, state, others, open=opened == usage_type))
    return mails


def posted_templates(templates: Mapping[str, Any], posted: MultiDict[str, str]) -> dict[str, Any]:
    """Put the mail fields that were posted over those of the document; the others stay as they are."""
    merged = dict(templates)
    for usage_type in UsageType:
        typed = {
            name: _value(name, posted[f"templates.{usage_type}.{name}"])
            for name in _FIELDS
            if f"templates.{usage_type}.{name}" in posted
        }
        if typed:
            cells = merged.get(usage_type) or {}
            merged[usage_type.value] = {**cells, ANY_LANGUAGE: {**(cells.get(ANY_LANGUAGE) or {}), **typed}}
    return merged


def reset(templates: Mapping[str, Any], defaults: Templates, usage_type: UsageType) -> dict[str, Any]:
    """Put the default mail of a usage type back; its other languages stay."""
    default = defaults[usage_type][ANY_LANGUAGE].model_dump(mode="json", by_alias=True)
    return {**templates, usage_type.value: {**(templates.get(usage_type) or {}), ANY_LANGUAGE: default}}


def _value(name: str, text: str) -> JSON:
    # Browsers send a text area's lines with CR LF; kept so, an untouched text would count as changed.
    value = text.replace("\r\n", "\n")
    if name in _ONE_LINE:
        value = value.strip()
    return None if name in _OPTIONAL and not value.strip() else value


def _same(cell: Mapping[str, Any], default: Template) -> bool:
    """Whether a cell says what the default says; keys that are left out or null are the same."""
    standard = default.model_dump(mode="json", by_alias=True)
    return _said(cell) == _said(standard)


def _said(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.strip() if isinstance(value, str) else value for key, value in cell.items() if value is not None}
