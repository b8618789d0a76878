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
_EXCLUDED: Final = {"preheader": None, "content": "", "text": None}
"""What a mail has not got whose text is stored at the provider."""


@dataclass(slots=True)
class MailFields:
    """One usage type on the form."""

    usage_type: UsageType
    cell: Mapping[str, JSON]
    state: Literal["default", "edited", "missing"]
    languages: tuple[str, ...]
    """Other languages that are stored and stay as they are."""
    own: Mapping[str, JSON] = field(default_factory=dict)
    """What the mail would say here, where a template stored at the provider says it instead."""
    open: bool = False
    errors: dict[str, list[Text]] = field(default_factory=dict)

    @property
    def stored(self) -> str:
        """The name of the template at the provider that makes this mail."""
        return _stored_name(self.cell)

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
        value = (self.own if self.stored and name in _EXCLUDED else self.cell).get(name)
        return "" if value is None else str(value)


def mails_of(
    templates: Mapping[str, Any], defaults: Templates, opened: str = "", aside: Mapping[str, Any] | None = None
) -> list[MailFields]:
    """List the nine usage types with what stands in a setup document; ``aside`` holds texts that wait."""
    mails = []
    for usage_type in UsageType:
        cells = templates.get(usage_type) or {}
        cell = cells.get(ANY_LANGUAGE) or {}
        state: Literal["default", "edited", "missing"] = "edited" if cell else "missing"
        if cell and _same(cell, defaults[usage_type][ANY_LANGUAGE]):
            state = "default"
        others = tuple(tag for tag in cells if tag != ANY_LANGUAGE)
        own = (aside or {}).get(usage_type) or defaults[usage_type][ANY_LANGUAGE].model_dump(mode="json", by_alias=True)
        mails.append(MailFields(usage_type, cell, state, others, own, open=opened == usage_type))
    return mails


def posted_templates(templates: Mapping[str, Any], posted: MultiDict[str, str]) -> dict[str, Any]:
    """Put the mail fields that were posted over those of the document; the others stay as they are."""
    merged = dict(templates)
    for usage_type in UsageType:
        typed = posted_texts(usage_type, posted)
        stored = posted.get(f"templates.{usage_type}.providerTemplate")
        if typed or stored is not None:
            cells = merged.get(usage_type) or {}
            cell = {**(cells.get(ANY_LANGUAGE) or {}), **typed}
            merged[usage_type.value] = {
                **cells,
                ANY_LANGUAGE: cell if stored is None else _made_by(cell, stored.strip()),
            }
    return merged


def posted_texts(usage_type: UsageType, posted: MultiDict[str, str]) -> dict[str, JSON]:
    """The texts of a mail as they were typed, whether or not they are used."""
    return {
        name: _value(name, posted[f"templates.{usage_type}.{name}"])
        for name in _FIELDS
        if f"templates.{usage_type}.{name}" in posted
    }


def _made_by(cell: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A mail that a template of this name at the provider makes, or with no name its own text."""
    if not name:
        return {key: value for key, value in cell.items() if key != "providerTemplate"}
    kept = cell.get("providerTemplate") or {}
    return {**cell, **_EXCLUDED, "providerTemplate": {**kept, "id": name}}


def _stored_name(cell: Mapping[str, Any]) -> str:
    named = cell.get("providerTemplate")
    return str(named.get("id") or "") if isinstance(named, Mapping) else ""


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
