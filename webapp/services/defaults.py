"""The nine mails that a tenant starts with, and sample values to show and try any mail with."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Mapping
from functools import cache
from string import Template as Layout

from webapp.domain.problem import JSON
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.resources import resource

_ACTIONS = {"code": ("code.html", "{{code}}"), "link": ("link.html", "{{link}}")}
"""Required variable → the part of the HTML mail that shows it, and how the text says it."""


def default_templates() -> dict[UsageType, dict[str, Template]]:
    """The default mail of each usage type, for any language. The caller may change the maps."""
    return {usage_type: {"*": template} for usage_type, template in _templates().items()}


def sample_payload(usage_type: UsageType) -> dict[str, JSON]:
    """Values for previews and test sends; the code is always 000000."""
    person: dict[str, JSON] = {
        "id": "user-ada",
        "name": "Ada Lovelace",
        "username": "ada",
        "primaryEmail": "ada@example.com",
        "primaryPhone": None,
        "avatar": None,
        "profile": {"givenName": "Ada", "familyName": "Lovelace", "locale": "en"},
    }
    payload: dict[str, JSON] = {
        "locale": "en",
        "application": {"id": "app-sample", "name": "Sample application", "displayName": "Sample application"},
        "organization": {"id": "org-sample", "name": "Sample organization"},
    }
    if usage_type is UsageType.ORGANIZATION_INVITATION:
        return payload | {"link": "https://example.com/invitation?token=sample", "inviter": person}
    return payload | {"code": "000000", "user": person}


@cache
def _templates() -> dict[UsageType, Template]:
    words = tomllib.loads(_read("en.toml"))
    return {
        usage_type: mail_of(words["common"] | words[usage_type.value], usage_type.required_variable)
        for usage_type in UsageType
    }


def mail_of(words: Mapping[str, str], action: str) -> Template:
    """Put words into the look that all our mails have. ``action`` is the variable they are about: code or link."""
    part, in_text = _ACTIONS[action]
    return Template(
        content_type="text/html",
        subject=words["subject"],
        preheader=words["preheader"],
        content=_content(part, words),
        text=_text(in_text, words),
    )


def _content(action: str, words: Mapping[str, str]) -> str:
    """Put the words into the look. What comes out stands for itself: the admin edits it as one text."""
    escaped = {name: html.escape(word, quote=False) for name, word in words.items()}
    parts = {"brand": "brand.html", "action": action, "signature": "signature.html"}
    wanted = {name: file for name, file in parts.items() if name in words or name == "action"}
    made = {name: Layout(_read(file)).substitute(escaped) for name, file in wanted.items()}
    return Layout(_read("layout.html")).substitute({"lang": "en", **dict.fromkeys(parts, ""), **escaped, **made})


def _text(action: str, words: Mapping[str, str]) -> str:
    slots = {"brand": "", "signature": "", **words, "action": action}
    return Layout(_read("layout.txt")).substitute(slots).strip() + "\n"


def _read(name: str) -> str:
    return (resource("templates") / "mails" / "default" / name).read_text(encoding="utf-8")
