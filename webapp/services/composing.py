"""Decides who makes a mail: we from the setup's template, the house, the provider, or whoever receives the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webapp.connectors.base import Connector
from webapp.domain.diff import escape
from webapp.domain.errors import FieldError, InputError, TemplateNotFoundError
from webapp.domain.message import Mail, StoredTemplate
from webapp.domain.problem import JSON
from webapp.domain.template import Template, Templates, find_template
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.ready_made import language_for, normal_tags, ready_made
from webapp.services.rendering import Identity, Rendered, blank, render


class StoredTemplateUnusableError(InputError):
    """The template names one that is stored at a provider, and the connector has none. Give it a text of its own."""

    code = "template.stored_elsewhere"
    title = T("This template is stored at another provider")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants mailed."""

    usage_type: UsageType
    to: str
    payload: Mapping[str, JSON] = field(default_factory=dict)
    locale: str | None = None
    ip: str | None = None

    @property
    def languages(self) -> list[str]:
        """The languages to try before the default one: what was asked for, then those of the reader's browser."""
        named = self.payload.get("uiLocales")
        others: Sequence[object] = named.split() if isinstance(named, str) else named if isinstance(named, list) else ()
        return normal_tags([*([self.locale] if self.locale else []), *others])


def compose(connector: Connector[Any], templates: Templates, default_language: str, wanted: Wanted) -> Rendered:
    """Make the mail as this connector wants it: with bodies, with the name of a stored template, or with values alone.

    Raises TemplateNotFoundError, StoredTemplateUnusableError, or TemplateVariableMissingError where the mail would be
    useless without a value.
    """
    identity = Identity.of(connector.config, connector.sender())
    if connector.rendering_of(connector.config) == "here":
        return _of_the_setup(connector, identity, templates, default_language, wanted)
    brand = connector.brand(connector.config)
    if brand is None:
        return blank(wanted.usage_type, wanted.to, identity, wanted.payload, locale=wanted.locale, ip=wanted.ip)
    language = language_for([*wanted.languages, default_language])
    template, values = ready_made(wanted.usage_type, language, brand, wanted.payload)
    return _with_values_of_the_caller(_filled(template, identity, wanted, values), wanted)


def _of_the_setup(
    connector: Connector[Any], identity: Identity, templates: Templates, default_language: str, wanted: Wanted
) -> Rendered:
    found = find_template(templates, wanted.usage_type, wanted.languages, default_language)
    if found is None:
        raise TemplateNotFoundError
    usage_type, language, template = found
    rendered = _filled(template, identity, wanted, wanted.payload)
    stored = template.provider_template
    if stored is None:
        return rendered
    if not connector.stored_templates:
        raise _unusable(connector, usage_type, language)
    variables = stored.get("variables")
    named = StoredTemplate(str(stored["id"]), variables if isinstance(variables, dict) else {})
    return replace(rendered, mail=replace(rendered.mail, stored_template=named))


def _filled(template: Template, identity: Identity, wanted: Wanted, values: Mapping[str, JSON]) -> Rendered:
    return render(template, wanted.usage_type, wanted.to, identity, values, locale=wanted.locale, ip=wanted.ip)


def _with_values_of_the_caller(rendered: Rendered, wanted: Wanted) -> Rendered:
    mail: Mail = replace(rendered.mail, payload=wanted.payload)
    return replace(rendered, mail=mail)


def _unusable(connector: Connector[Any], usage_type: UsageType, language: str) -> StoredTemplateUnusableError:
    message = T(
        "The template “%(template)s” (%(language)s) names one that is stored at a provider, and %(connector)s has "
        "none. Give it a text of its own.",
        template=usage_type.title,
        language=language,
        connector=connector.title,
    )
    pointer = f"/templates/{usage_type.value}/{escape(language)}/providerTemplate"
    return StoredTemplateUnusableError(message, errors=[FieldError(pointer, StoredTemplateUnusableError.code, message)])
