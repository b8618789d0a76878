"""Reading a submitted setup document: its shape, its limits and its templates, before any connector is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from webapp.domain.diff import escape
from webapp.domain.errors import ConfigInvalidError, FieldError
from webapp.domain.setup import LANGUAGES_LIMIT, Setup, normal_tag
from webapp.domain.strict_json import FAULTS_LIMIT, dumps, faults
from webapp.domain.template import Template
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.wording import field_errors, sentence

MEMBERS_LIMIT: Final = 20_000
"""Values in one document, all levels counted: a setup with every mail in thirty languages has 2,000."""
KEY_LIMIT: Final = 200
"""Longest key of an object, so that a pointer stays readable."""
NAME_LIMIT: Final = 200
"""Characters of the name of a template that is stored at a provider."""


def read_setup(document: Any) -> tuple[Setup | None, list[FieldError]]:
    """Read everything but the connectors' own settings. The setup is None where the shape is wrong.

    Errors point into what was sent: where templates came as the source documents' array, at the array's items. Raises
    ConfigInvalidError for what nobody could read any further.
    """
    if not isinstance(document, dict):
        raise ConfigInvalidError(errors=[FieldError("", "value.type", T("A setup document is expected: an object."))])
    # One after the other: what is nested too deep for the first would be too deep for Python in the others.
    for unreadable in (faults(document), _too_many(document), _long_keys(document)):
        if found := [*islice(unreadable, FAULTS_LIMIT)]:
            raise ConfigInvalidError(errors=found)
    document, origins = _with_template_map(document)
    if isinstance(document, list):
        return None, document
    language_errors = list(_language_errors(document.get("templates")))
    if language_errors:
        document = {**document, "templates": {}}
    try:
        # Strict, as JSON: "no" is no switch and true is no number.
        setup = Setup.model_validate_json(dumps(document), strict=True, by_alias=True, by_name=False)
    except ValidationError as exc:
        errors = [*language_errors, *field_errors(exc, document)]
        return None, [_moved(error, origins) for error in errors]
    errors = [*language_errors, *_template_errors(setup)]
    return (None if language_errors else setup), [_moved(error, origins) for error in errors]


def read_templates(templates: Any) -> dict[UsageType, dict[str, Template]]:
    """Read templates alone, as a test send brings them. Raises ConfigInvalidError."""
    setup, errors = read_setup({"templates": templates})
    if errors or setup is None:
        raise ConfigInvalidError(errors=errors)
    return setup.templates


def _too_many(document: Any) -> Iterator[FieldError]:
    if _members(document) > MEMBERS_LIMIT:
        many = T("The document has more than %(limit)s values.", limit=MEMBERS_LIMIT)
        yield FieldError("", "document.too_many_values", many)


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return len(value) + sum(map(_members, value)) if isinstance(value, list) else 0


def _long_keys(value: Any, pointer: str = "") -> Iterator[FieldError]:
    if isinstance(value, dict):
        for key, part in value.items():
            if len(key) > KEY_LIMIT:
                message = T("A key has at most %(limit)s characters.", limit=KEY_LIMIT)
                yield FieldError(pointer, "key.too_long", message)
            else:
                yield from _long_keys(part, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _long_keys(part, f"{pointer}/{index}")


def _with_template_map(document: dict[str, Any]) -> tuple[dict[str, Any] | list[FieldError], dict[str, str]]:
    """Turn an array of templates into the map, and remember which cell came from which item."""
    items = document.get("templates")
    if not isinstance(items, list):
        return document, {}
    templates: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        at = f"/templates/{index}"
        if not isinstance(item, dict) or not isinstance(item.get("usageType"), str):
            errors.append(FieldError(f"{at}/usageType", "value.missing", T("A value is needed here.")))
            continue
        usage_type, tag = item["usageType"], item.get("languageTag") or "*"
        if not isinstance(tag, str):
            errors.append(FieldError(f"{at}/languageTag", "value.type", T("Text is expected here.")))
        elif tag in templates.setdefault(usage_type, {}):
            again = T("There are two templates for this usage type and language. Keep one of them.")
            errors.append(FieldError(at, "template.duplicated", again))
        else:
            templates[usage_type][tag] = {k: v for k, v in item.items() if k not in ("usageType", "languageTag")}
            origins[f"/templates/{escape(usage_type)}/{escape(tag)}"] = at
            origins.setdefault(f"/templates/{escape(usage_type)}", f"{at}/usageType")
    return (errors[:FAULTS_LIMIT] or {**document, "templates": templates}), origins


def _moved(error: FieldError, origins: Mapping[str, str]) -> FieldError:
    parts = error.pointer.split("/")
    cell, usage_type = "/".join(parts[:4]), "/".join(parts[:3])
    if cell in origins:
        return FieldError(origins[cell] + error.pointer[len(cell) :], error.code, error.message)
    if usage_type in origins:
        return FieldError(origins[usage_type], error.code, error.message)
    return error


def _language_errors(templates: Any) -> Iterator[FieldError]:
    if not isinstance(templates, dict):
        return
    for usage_type, cells in templates.items():
        pointer = f"/templates/{escape(usage_type)}"
        if not isinstance(cells, dict):
            continue
        if len(cells) > LANGUAGES_LIMIT:
            many = T("A usage type has at most %(limit)s languages.", limit=LANGUAGES_LIMIT)
            yield FieldError(pointer, "template.too_many_languages", many)
            continue
        seen: dict[str, str] = {}
        for tag in cells:
            at = f"{pointer}/{escape(tag)}"
            try:
                name = "*" if tag == "*" else normal_tag(tag)
            except ValueError as exc:
                yield FieldError(at, "template.language_invalid", sentence(str(exc)))
                continue
            if name in seen:
                twice = T(
                    "%(tag)s and %(other)s are one language. Keep one of them.",
                    tag=json.dumps(tag),
                    other=json.dumps(seen[name]),
                )
                yield FieldError(at, "template.duplicated", twice)
            seen.setdefault(name, tag)


def _template_errors(setup: Setup) -> Iterator[FieldError]:
    for usage_type, cells in setup.templates.items():
        for tag, template in cells.items():
            yield from _cell_errors(f"/templates/{usage_type.value}/{escape(tag)}", usage_type, template)


def _cell_errors(pointer: str, usage_type: UsageType, template: Template) -> Iterator[FieldError]:
    if not template.subject.strip() and template.provider_template is None:
        yield FieldError(f"{pointer}/subject", "value.missing", T("A mail needs a subject."))
    if template.provider_template is not None:
        yield from _provider_template_errors(pointer, template)
    elif not template.content.strip():
        yield FieldError(f"{pointer}/content", "value.missing", T("A mail needs a text."))
    elif not template.uses(usage_type.required_variable):
        variable = "{{" + usage_type.required_variable + "}}"
        useless = T(
            "Nobody could use this mail: %(variable)s does not stand in its text. Put it where it should be read.",
            variable=variable,
        )
        yield FieldError(f"{pointer}/content", "template.variable_not_used", useless)


def _provider_template_errors(pointer: str, template: Template) -> Iterator[FieldError]:
    named = template.provider_template or {}
    if template.content or template.text:
        both = T("Either a template stored at the provider or a text of your own, not both.")
        yield FieldError(f"{pointer}/providerTemplate", "template.content_excluded", both)
    name = named.get("id")
    if not isinstance(name, str | int) or isinstance(name, bool) or not str(name).strip():
        needed = T("The id or alias of the template at the provider is needed.")
        yield FieldError(f"{pointer}/providerTemplate/id", "value.missing", needed)
    elif len(str(name)) > NAME_LIMIT or not str(name).isprintable():
        one_line = T("Give the id or alias on one line, of at most %(limit)s characters.", limit=NAME_LIMIT)
        yield FieldError(f"{pointer}/providerTemplate/id", "value.too_long", one_line)
    if not isinstance(named.get("variables", {}), dict):
        yield FieldError(f"{pointer}/providerTemplate/variables", "value.type", T("An object is expected here."))
    for key in named.keys() - {"id", "variables"}:
        unknown = T("There is no setting “%(name)s” here.", name=key[:60])
        yield FieldError(f"{pointer}/providerTemplate/{escape(key)}", "key.unknown", unknown)
