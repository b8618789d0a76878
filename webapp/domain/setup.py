"""The setup: one snapshot of everything that decides what a tenant mails, saved and restored as a whole."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from webapp.domain.address import parse_address, parse_host
from webapp.domain.template import Template
from webapp.domain.usage import UsageType

LANGUAGES_LIMIT: Final = 100
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class ConnectorSetup(_Document):
    """The chosen provider and its settings as JSON; the connector's own model judges them.

    Secrets in ``config`` are ``{"$secret": …}`` objects or, in what is submitted, plain strings.
    """

    provider: str = Field(min_length=1, max_length=64)
    config: dict[str, Any]


class _EmailFlow(_Document):
    email: bool = True


class _CodeFlow(_Document):
    email_code: bool = True


class _AccountFlow(_Document):
    bind_email: bool = True


class Flows(_Document):
    """Which end-user flows use email. All are on by default."""

    sign_up: _EmailFlow = _EmailFlow()
    sign_in: _CodeFlow = _CodeFlow()
    forgot_password: _CodeFlow = _CodeFlow()
    mfa: _CodeFlow = _CodeFlow()
    account: _AccountFlow = _AccountFlow()
    organization_invitation: _EmailFlow = _EmailFlow()

    def enabled(self) -> list[str]:
        """The names of the flows that are on, in camelCase."""
        return [to_camel(name) for name in type(self).model_fields if any(dict(getattr(self, name)).values())]


class VerificationCodePolicy(_Document):
    """How codes are made and judged; times in seconds."""

    length: int = Field(default=6, ge=4, le=10)
    expires_in: int = Field(default=600, ge=60, le=3600)
    max_attempts: int = Field(default=10, ge=1, le=100)
    resend_after: int = Field(default=60, ge=0, le=3600)


def _recipient(value: str) -> str:
    if not value.isprintable() or " " in value:
        raise ValueError("an entry is a domain such as example.com, or an address such as ada@example.com")
    local, at, domain = value.rpartition("@")
    return parse_address(value) if local else at + parse_host(domain)


Recipient = Annotated[str, Field(min_length=1, max_length=320), AfterValidator(_recipient)]
"""A whole domain (``example.com`` or ``@example.com``) or one address."""


class AddressPolicy(_Document):
    """Which recipients are accepted."""

    block_subaddressing: bool = False
    allow: tuple[Recipient, ...] = Field(default=(), max_length=1000)
    block: tuple[Recipient, ...] = Field(default=(), max_length=1000)


class Setup(_Document):
    """What is saved, shown in history, exported, imported, promoted and restored. One document, one number."""

    connector: ConnectorSetup | None = None
    fallback: ConnectorSetup | None = None
    templates: dict[UsageType, dict[str, Template]] = Field(default_factory=dict)
    flows: Flows = Flows()
    verification_code: VerificationCodePolicy = VerificationCodePolicy()
    address_policy: AddressPolicy = AddressPolicy()
    default_language: str = "en"

    @field_validator("templates", mode="before")
    @classmethod
    def _templates_of_array(cls, value: Any) -> Any:
        """Read the source documents' array ``[{usageType, languageTag?, …}]`` as the map."""
        if not isinstance(value, list):
            return value
        templates: dict[str, dict[str, Any]] = {}
        for item in value:
            if not isinstance(item, dict) or not isinstance(item.get("usageType"), str):
                raise ValueError("each template of an array needs a usageType")  # noqa: TRY004  pydantic wants ValueError
            cells = templates.setdefault(item["usageType"], {})
            tag = item.get("languageTag") or "*"
            if tag in cells:
                raise ValueError(f"two templates for {item['usageType']} in language {tag}")
            cells[tag] = {key: part for key, part in item.items() if key not in ("usageType", "languageTag")}
        return templates

    @field_validator("templates")
    @classmethod
    def _normal_tags(cls, value: dict[UsageType, dict[str, Template]]) -> dict[UsageType, dict[str, Template]]:
        return {usage_type: _normalised(cells) for usage_type, cells in value.items()}

    @field_validator("default_language")
    @classmethod
    def _normal_language(cls, value: str) -> str:
        return normal_tag(value)

    @model_validator(mode="after")
    def _fallback_needs_connector(self) -> Setup:
        if self.fallback and not self.connector:
            raise ValueError("a fallback needs a connector to fall back from")
        return self

    def document(self) -> dict[str, Any]:
        """The setup as JSON, in the shape of the API."""
        return self.model_dump(mode="json", by_alias=True)


def normal_tag(tag: str) -> str:
    """Normalise a language tag's case and separator (RFC 5646 section 2.1.1). Raises ValueError."""
    tag = tag.strip().replace("_", "-")
    if not _TAG.fullmatch(tag):
        raise ValueError("a language tag looks like en, pt-BR or zh-Hant")
    first, *rest = tag.split("-")
    cased = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join([first.lower(), *cased])


def _normalised(cells: dict[str, Template]) -> dict[str, Template]:
    if len(cells) > LANGUAGES_LIMIT:
        raise ValueError(f"a usage type has at most {LANGUAGES_LIMIT} languages")
    normal: dict[str, Template] = {}
    for tag, template in cells.items():
        name = "*" if tag == "*" else normal_tag(tag)
        if name in normal:
            raise ValueError(f"{tag} and {name} are one language; keep one of them")
        normal[name] = template
    return normal
