"""What a change of provider means, to be read before it is saved: what comes along and what does not.

Templates and flows are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.connectors.base import Connector, Rendering
from webapp.connectors.config import Setting, settings_of
from webapp.domain.problem import JSON
from webapp.domain.text import T, Text
from webapp.domain.usage import UsageType
from webapp.services.carrying import SENDER, Carrier, Provider, applies, value_of

_LOGIN: Final = ("authentication", "connection")


@dataclass(frozen=True, slots=True)
class Kept:
    """A setting and what it is set to."""

    label: Text
    value: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens to templates with the new provider."""

    sentence: Text
    mails: tuple[Text, ...] = ()
    """The mails that it happens to; none where it is all of them."""
    breaks: bool = False
    """Whether these mails cannot be sent any more."""
    unused: bool = False
    """Whether no template is used at all."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What a change of provider means, to be read before it is saved."""

    old: Provider
    new: Provider
    carried: tuple[Text, ...]
    """Settings whose values came along, in the new provider's words."""
    waiting: tuple[Text, ...]
    """Settings whose values come along as soon as another choice on the form asks for them."""
    dropped: tuple[Kept, ...]
    """What was set and has no place in the new one, in the old provider's words."""
    retyped: tuple[Text, ...]
    """Secrets that the new one needs."""
    losses: tuple[Loss, ...]


def switched(old: Provider, was: Mapping[str, Any], new: Provider, becomes: Mapping[str, Any]) -> Switch | None:
    """Say what a change means, from one setup document to another; None where it is the same provider."""
    if old == new:
        return None
    before, after = was["connector"]["config"], becomes["connector"]["config"]
    carrier = Carrier(old, before, new)
    return Switch(
        old,
        new,
        carried=tuple(
            dict.fromkeys(new.label(each) for each in carrier.taken if value_of(after, each.path) is not None)
        ),
        waiting=tuple(
            new.label(each) for each in carrier.taken if each.name in carrier.aside and not value_of(after, each.path)
        ),
        dropped=tuple(_dropped(old, before, after, carrier.used)),
        retyped=tuple(_needed(new, after)),
        losses=tuple(losses(new.kind, after, becomes.get("templates") or {})),
    )


def losses(kind: type[Connector[Any]], config: Mapping[str, Any], templates: Mapping[str, Any]) -> Iterator[Loss]:
    """What of the templates does not go out with a connector, or keeps them from going out."""
    cells = [
        (UsageType(usage_type), cell)
        for usage_type, languages in templates.items()
        for cell in languages.values()
        if isinstance(cell, Mapping)
    ]
    stored = _mails(cells, "providerTemplate")
    match rendering(kind, config):
        case "none":
            yield Loss(
                T("The receiving end makes the mails itself: the templates stay stored and are not used."), unused=True
            )
            return
        case "provider":
            yield Loss(
                T("It sends ready-made mails of its own: the templates stay stored and are not used."), unused=True
            )
            return
    if stored and not kind.stored_templates:
        yield Loss(
            T(
                "These name a template stored at a provider, and there is none here. They cannot be sent until they "
                "have a text of their own."
            ),
            stored,
            breaks=True,
        )
    elif stored:
        yield Loss(T("These name a template stored at a provider. It has to be there under the same name."), stored)
    settings = {each.path for each in settings_of(kind.config_model)}
    if SENDER not in settings and (named := _mails(cells, "sendFrom")):
        yield Loss(T("These have a sender of their own, which is not used."), named)
    if ("replyTo",) not in settings and (named := _mails(cells, "replyTo")):
        yield Loss(T("These have a reply-to address of their own, which is not used."), named)


def rendering(kind: type[Connector[Any]], config: Mapping[str, Any]) -> Rendering:
    """Who makes the mails with a config, complete or not."""
    return kind.rendering_of(kind.config_model.model_construct(**config))


def _dropped(
    old: Provider, before: Mapping[str, Any], after: Mapping[str, Any], used: set[tuple[str, ...]]
) -> Iterator[Kept]:
    """What somebody set on purpose and what the new config does not say. The old login is no loss, and not told."""
    for setting in settings_of(old.kind.config_model):
        value, about = value_of(before, setting.path), setting.about
        usual = value is None or value == setting.default or value in ("", {}, [])
        login = about.section in _LOGIN and not about.advanced
        if usual or login or about.secret or setting.path in used:
            continue
        if value_of(after, setting.path) != value:
            yield Kept(old.label(setting), _shown(setting, value))


def _needed(new: Provider, config: Mapping[str, Any]) -> Iterator[Text]:
    """The secrets that have to be given, with the choices as they stand now."""
    settings = {each.name: each for each in settings_of(new.kind.config_model)}
    for setting in settings.values():
        # One that a choice asks for is needed with it, though its declaration has to allow that it is not there.
        asked = setting.required or (setting.about.show_if is not None and not setting.about.advanced)
        if setting.about.secret and asked and applies(setting, settings, config):
            yield new.label(setting)


def _mails(cells: list[tuple[UsageType, Mapping[str, JSON]]], key: str) -> tuple[Text, ...]:
    return tuple(dict.fromkeys(usage_type.title for usage_type, cell in cells if cell.get(key)))


def _shown(setting: Setting, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(value)
    if isinstance(value, bool):
        return ""
    text = str(dict(setting.about.choices).get(str(value), value))
    return text if len(text) <= 80 and "\n" not in text else ""
