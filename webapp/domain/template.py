"""Mail templates: ``{{ path.to.value }}`` and nothing else.

Jinja is not used for mails: its sandbox has no resource limit, and admins of identity systems know this syntax.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticKnownError

from webapp.domain.errors import TemplateTooLargeError
from webapp.domain.problem import JSON
from webapp.domain.usage import UsageType

CONTENT_LIMIT = 256 * 1024
"""Longest template content, in bytes of UTF-8."""
FILLED_LIMIT = 1024 * 1024
"""Characters that a text may have once its values are in."""

_SPACE = r"[\s\u00a0\ufeff]*"
PLACEHOLDER = re.compile(r"\{\{" + _SPACE + r"([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)" + _SPACE + r"\}\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Template(BaseModel):
    """One mail text: a usage type in one language."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    provider_template: dict[str, JSON] | None = None
    """Names one stored at the provider: ``{"id", "variables"}``. It stands first, for the rules of the others."""
    content_type: Literal["text/html", "text/plain"] = "text/html"
    subject: str = Field(default="", max_length=998, validate_default=True)
    """Every mail needs one; a template stored at the provider has its own there."""
    preheader: str | None = Field(default=None, max_length=500)
    content: str = ""
    text: str | None = None
    send_from: str | None = Field(default=None, max_length=998)
    reply_to: str | None = Field(default=None, max_length=998)

    @field_validator("subject")
    @classmethod
    def _needed(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("provider_template") is None:
            raise PydanticKnownError("missing")
        return value

    @field_validator("subject", "preheader", "send_from", "reply_to")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and _CONTROL.search(value):
            raise ValueError("line breaks and control characters are not possible here")
        return value

    @field_validator("content", "text")
    @classmethod
    def _limited(cls, value: str | None) -> str | None:
        if value is not None and len(value.encode()) > CONTENT_LIMIT:
            raise ValueError("a template holds at most 256 KB")
        return value

    def variables(self) -> set[str]:
        """The paths of all placeholders in subject and bodies."""
        texts = (self.subject, self.preheader, self.content, self.text, self.send_from, self.reply_to)
        return {path for text in texts if text for path in PLACEHOLDER.findall(text)}

    def uses(self, variable: str) -> bool:
        """Whether a body carries this root variable."""
        bodies = (self.content, self.text or "")
        return any(path.split(".")[0] == variable for body in bodies for path in PLACEHOLDER.findall(body))


Templates = Mapping[UsageType, Mapping[str, Template]]
"""Usage type → language tag (``*``: any) → template."""


def fallbacks(locale: str) -> list[str]:
    """A language tag and its shorter forms: zh-Hant-TW, zh-Hant, zh (RFC 4647 lookup)."""
    parts = locale.split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


def find_template(
    templates: Templates, usage_type: UsageType, locales: Iterable[str], default_language: str
) -> tuple[UsageType, str, Template] | None:
    """Choose the template of a mail: the type in each language, then in any, then the same for Generic.

    A template without the requested type's required variable is passed over, so that an invitation never goes
    out as a code mail.
    """
    languages: list[str] = []
    for locale in (*locales, default_language):
        languages += [tag for tag in fallbacks(locale) if tag not in languages]
    languages.append("*")
    for candidate in dict.fromkeys((usage_type, UsageType.GENERIC)):
        for language in languages:
            template = templates.get(candidate, {}).get(language)
            if template and (template.provider_template or template.uses(usage_type.required_variable)):
                return candidate, language, template
    return None


def as_text(value: JSON) -> str:
    """Write a value as a mail shows it: objects as compact JSON, arrays comma-joined, nulls empty."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list():
            return ",".join(as_text(item) for item in value)
        case dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return json.dumps(value)


def look_up(payload: Mapping[str, JSON], path: str) -> JSON:
    """Walk a dotted path; a missing hop is None. Arrays are indexed by number."""
    value: Any = payload
    for hop in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(hop)
        elif isinstance(value, list) and hop.isdigit() and len(hop) < 10 and int(hop) < len(value):
            value = value[int(hop)]
        else:
            return None
    found: JSON = value
    return found


def substitute(text: str, payload: Mapping[str, JSON], escape: Callable[[str], str] = str) -> str:
    """Fill the placeholders in one pass; values are never read as templates themselves.

    Raises TemplateTooLargeError: a long value at every placeholder of a long template would fill any memory.
    """
    room = FILLED_LIMIT - len(text)

    def value_of(placeholder: re.Match[str]) -> str:
        nonlocal room
        value = escape(as_text(look_up(payload, placeholder[1])))
        room -= len(value)
        if room < 0:
            raise TemplateTooLargeError
        return value

    return PLACEHOLDER.sub(value_of, text)


def in_html(value: str) -> str:
    """Escape a value for an HTML body or attribute."""
    return html.escape(value, quote=True)


def in_header(value: str) -> str:
    """Make a value harmless in a header: control characters become spaces."""
    return " ".join(_CONTROL.sub(" ", value).split())
