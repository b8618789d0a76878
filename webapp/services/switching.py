"""From one provider to another: what of the settings comes along, and what is lost.

Templates and flows are not touched. Secrets never come along: they were given for another place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from webapp.connectors.base import Connector, Preset, Rendering
from webapp.connectors.config import Setting, settings_of
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.address import AddressError, Mailbox, parse_mailbox
from webapp.domain.diff import SECRET
from webapp.domain.problem import JSON
from webapp.domain.text import T, Text
from webapp.domain.usage import UsageType
from webapp.services.detection import recognition

_SENDER: Final = ("fromEmail",)
_ADDRESSES: Final = (_SENDER, ("replyTo",))
_NAME: Final = ("senderName",)
_DOMAIN: Final = ("domain",)
_LOGIN: Final = ("authentication", "connection")


@dataclass(frozen=True, slots=True)
class Provider:
    """One side of a switch: a connector, and the preset of it where there is one."""

    kind: type[Connector[Any]]
    preset: Preset | None = None

    @property
    def title(self) -> str:
        return self.preset.title if self.preset else self.kind.title

    @property
    def begins(self) -> Mapping[str, Any]:
        """What its form begins with where nothing comes along."""
        return self.preset.config if self.preset else self.kind.starts

    def label(self, setting: Setting) -> Text:
        """The provider's own word for a setting."""
        return self.preset.labels.get(setting.name, setting.about.title) if self.preset else setting.about.title


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


@dataclass(frozen=True, slots=True)
class Carried:
    """What a new provider's form begins with, coming from another one. No secret is in it."""

    config: dict[str, Any]
    aside: dict[str, JSON]
    """Setting → what came along and has a place only after another choice on the form."""


def carried(
    old: Provider, config: Mapping[str, Any], new: Provider, earlier: Mapping[str, JSON] | None = None
) -> Carried:
    """Take over what can be taken over; ``earlier`` is what was ``lasting`` and had no place with the old one."""
    carrier = _Carrier(old, config, new, earlier or {})
    return Carried(carrier.config, carrier.aside)


def lasting(old: Provider, config: Mapping[str, Any]) -> dict[str, JSON]:
    """What is said about the sender: worth keeping while another provider is looked at that does not ask for it."""
    return {
        setting.name: _at(config, setting.path)
        for setting in settings_of(old.kind.config_model)
        if len(setting.path) == 1
        and not setting.about.secret
        and (setting.about.section == "sender" or setting.path in _ADDRESSES)
        and _at(config, setting.path) not in (None, "", {})
    }


def switched(old: Provider, was: Mapping[str, Any], new: Provider, becomes: Mapping[str, Any]) -> Switch | None:
    """Say what a change means, from one setup document to another; None where it is the same provider."""
    if old == new:
        return None
    before, after = was["connector"]["config"], becomes["connector"]["config"]
    carrier = _Carrier(old, before, new)
    return Switch(
        old,
        new,
        carried=tuple(dict.fromkeys(new.label(each) for each in carrier.taken if _at(after, each.path) is not None)),
        waiting=tuple(
            new.label(each) for each in carrier.taken if each.name in carrier.aside and not _at(after, each.path)
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
    if _SENDER not in settings and (named := _mails(cells, "sendFrom")):
        yield Loss(T("These have a sender of their own, which is not used."), named)
    if ("replyTo",) not in settings and (named := _mails(cells, "replyTo")):
        yield Loss(T("These have a reply-to address of their own, which is not used."), named)


def rendering(kind: type[Connector[Any]], config: Mapping[str, Any]) -> Rendering:
    """Who makes the mails with a config, complete or not."""
    return kind.rendering_of(kind.config_model.model_construct(**config))


class _Carrier:
    """Lays what can come along over what the new form begins with, and remembers from where it took it."""

    def __init__(
        self, old: Provider, config: Mapping[str, Any], new: Provider, earlier: Mapping[str, JSON] | None = None
    ) -> None:
        self._settings = {each.path: each for each in settings_of(new.kind.config_model)}
        self._known = {each.path: each for each in settings_of(old.kind.config_model)}
        self._earlier = {name: value for name, value in (earlier or {}).items() if _at(config, (name,)) is None}
        self._old = {**self._earlier, **config}
        self.config: dict[str, Any] = {key: _copied(value) for key, value in new.begins.items()}
        self.aside: dict[str, JSON] = {}
        self.taken: list[Setting] = []
        """The settings of the new provider that got a value."""
        self.used: set[tuple[str, ...]] = set()
        """The places of the old config that were read."""
        self._sources: dict[tuple[str, ...], tuple[str, ...]] = {}
        twin = _same_company(old, config, new)
        for key, value in (_region(twin, old, config) if twin else {}).items():
            self._put((key,), value, (key,))
        self._sender_settings()
        self._sender(account=_mailbox(_at(config, ("auth", "user"))) if twin else None)
        self._put_aside()
        self._without_unfit(new.kind)

    def _sender_settings(self) -> None:
        """What both know under one name, and as the same kind of value."""
        for path, setting in self._settings.items():
            known = self._known.get(path, setting if setting.name in self._earlier else None)
            if not known or setting.about.secret or known.about.secret:
                continue
            if "sender" not in (setting.about.section, known.about.section):
                continue
            value = _at(self._old, path)
            same = known.kind == setting.kind and isinstance(value, Mapping) == (setting.kind == "headers")
            if value not in (None, "", {}) and same and _at(self.config, path) is None:
                self._put(path, _copied(value), path)

    def _sender(self, account: Mailbox | None) -> None:
        """A name alone, or a domain alone, where the new provider asks for that; the account's own domain is surer."""
        mailbox = _mailbox(_at(self._old, _SENDER))
        domain = account or mailbox
        for path, value in ((_NAME, mailbox and mailbox.name), (_DOMAIN, domain and domain.domain)):
            if path in self._settings and path not in self._known and value and _at(self.config, path) is None:
                self._put(path, value, _SENDER if path == _NAME or not account else ("auth", "user"))

    def _put_aside(self) -> None:
        """Take what has no place with the choices as they stand out of the config, to be there when it has one."""
        named = {each.name: each for each in self._settings.values()}
        for setting in self.taken:
            if len(setting.path) == 1 and not _applies(setting, named, self.config):
                self.aside[setting.name] = self.config.pop(setting.path[0])

    def _without_unfit(self, kind: type[Connector[Any]]) -> None:
        """Leave behind what the new provider would refuse. An address is the same everywhere, finished or not."""
        try:
            kind.config_model.model_validate(self.config)
        except ValidationError as exc:
            unfit = {str(error["loc"][0]) for error in exc.errors() if error["loc"] and error["type"] != "missing"}
        else:
            return
        for setting in [each for each in self.taken if each.path[0] in unfit and each.path not in _ADDRESSES]:
            self.config.pop(setting.path[0], None)
            self.taken.remove(setting)
            self.used.discard(self._sources.get(setting.path, setting.path))

    def _put(self, path: tuple[str, ...], value: Any, source: tuple[str, ...]) -> None:
        at = self.config
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value
        self.used.add(source)
        self._sources[path] = source
        if path in self._settings:
            self.taken.append(self._settings[path])


def _same_company(old: Provider, config: Mapping[str, Any], new: Provider) -> recognition.Provider | None:
    """The company that both are ways to, one by SMTP and one by its API."""
    if old.kind is SmtpConnector:
        known = recognition.of_host(str(config.get("host")))
        return known if known and known.connector == new.kind.kind else None
    if new.preset is None or new.kind is not SmtpConnector:
        return None
    found = (each for each in recognition.providers() if each.preset == new.preset.id)
    return next((each for each in found if each.connector == old.kind.kind), None)


def _region(company: recognition.Provider, old: Provider, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the other way that lead to the same region."""
    if old.kind is SmtpConnector:
        return company.api_config(str(config["host"]))
    for host in company.hosts():
        says = company.api_config(host)
        if says and all(config.get(key) == value for key, value in says.items()):
            return {"host": host}
    return {}


def _dropped(
    old: Provider, before: Mapping[str, Any], after: Mapping[str, Any], used: set[tuple[str, ...]]
) -> Iterator[Kept]:
    """What somebody set on purpose and what the new config does not say. The old login is no loss, and not told."""
    for setting in settings_of(old.kind.config_model):
        value, about = _at(before, setting.path), setting.about
        usual = value is None or value == setting.default or value in ("", {}, [])
        login = about.section in _LOGIN and not about.advanced
        if usual or login or about.secret or setting.path in used:
            continue
        if _at(after, setting.path) != value:
            yield Kept(old.label(setting), _shown(setting, value))


def _needed(new: Provider, config: Mapping[str, Any]) -> Iterator[Text]:
    """The secrets that have to be given, with the choices as they stand now."""
    settings = {each.name: each for each in settings_of(new.kind.config_model)}
    for setting in settings.values():
        # One that a choice asks for is needed with it, though its declaration has to allow that it is not there.
        asked = setting.required or (setting.about.show_if is not None and not setting.about.advanced)
        if setting.about.secret and asked and _applies(setting, settings, config):
            yield new.label(setting)


def _applies(setting: Setting, settings: Mapping[str, Setting], config: Mapping[str, Any]) -> bool:
    if setting.about.show_if is None:
        return True
    name, values = setting.about.show_if
    other = settings.get(name)
    if other is None:
        return True
    said = _at(config, other.path)
    return str(other.default if said is None else said).lower() in values and _applies(other, settings, config)


def _mails(cells: list[tuple[UsageType, Mapping[str, JSON]]], key: str) -> tuple[Text, ...]:
    return tuple(dict.fromkeys(usage_type.title for usage_type, cell in cells if cell.get(key)))


def _mailbox(value: Any) -> Mailbox | None:
    try:
        return parse_mailbox(value) if isinstance(value, str) else None
    except AddressError:
        # Typed and not finished; its own field says so.
        return None


def _shown(setting: Setting, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(value)
    if isinstance(value, bool):
        return ""
    text = str(dict(setting.about.choices).get(str(value), value))
    return text if len(text) <= 80 and "\n" not in text else ""


def _at(config: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(config, Mapping) or SECRET in config:
            return None
        config = config.get(key)
    return config


def _copied(value: Any) -> Any:
    return {key: _copied(part) for key, part in value.items()} if isinstance(value, Mapping) else value
