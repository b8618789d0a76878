"""What of one provider's settings another one can begin with. Secrets never come along: they were given for another
place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from webapp.connectors.base import Connector, Preset
from webapp.connectors.config import Setting, settings_of
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.address import AddressError, Mailbox, parse_mailbox
from webapp.domain.diff import SECRET
from webapp.domain.problem import JSON
from webapp.domain.text import Text
from webapp.services.detection import recognition

SENDER: Final = ("fromEmail",)
_ADDRESSES: Final = (SENDER, ("replyTo",))
_NAME: Final = ("senderName",)
_DOMAIN: Final = ("domain",)


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
class Carried:
    """What a new provider's form begins with, coming from another one. No secret is in it."""

    config: dict[str, Any]
    aside: dict[str, JSON]
    """Setting → what came along and has a place only after another choice on the form."""


def carried(
    old: Provider, config: Mapping[str, Any], new: Provider, earlier: Mapping[str, JSON] | None = None
) -> Carried:
    """Take over what can be taken over; ``earlier`` is what was ``lasting`` and had no place with the old one."""
    carrier = Carrier(old, config, new, earlier or {})
    return Carried(carrier.config, carrier.aside)


def lasting(old: Provider, config: Mapping[str, Any]) -> dict[str, JSON]:
    """What is said about the sender: worth keeping while another provider is looked at that does not ask for it."""
    return {
        setting.name: value_of(config, setting.path)
        for setting in settings_of(old.kind.config_model)
        if len(setting.path) == 1
        and not setting.about.secret
        and (setting.about.section == "sender" or setting.path in _ADDRESSES)
        and value_of(config, setting.path) not in (None, "", {})
    }


class Carrier:
    """Lays what can come along over what the new form begins with, and remembers from where it took it."""

    def __init__(
        self, old: Provider, config: Mapping[str, Any], new: Provider, earlier: Mapping[str, JSON] | None = None
    ) -> None:
        self._settings = {each.path: each for each in settings_of(new.kind.config_model)}
        self._known = {each.path: each for each in settings_of(old.kind.config_model)}
        self._earlier = {name: value for name, value in (earlier or {}).items() if value_of(config, (name,)) is None}
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
        self._sender(account=_mailbox(value_of(config, ("auth", "user"))) if twin else None)
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
            value = value_of(self._old, path)
            same = known.kind == setting.kind and isinstance(value, Mapping) == (setting.kind == "headers")
            if value not in (None, "", {}) and same and value_of(self.config, path) is None:
                self._put(path, _copied(value), path)

    def _sender(self, account: Mailbox | None) -> None:
        """A name alone, or a domain alone, where the new provider asks for that; the account's own domain is surer."""
        mailbox = _mailbox(value_of(self._old, SENDER))
        domain = account or mailbox
        for path, value in ((_NAME, mailbox and mailbox.name), (_DOMAIN, domain and domain.domain)):
            if path in self._settings and path not in self._known and value and value_of(self.config, path) is None:
                self._put(path, value, SENDER if path == _NAME or not account else ("auth", "user"))

    def _put_aside(self) -> None:
        """Take what has no place with the choices as they stand out of the config, to be there when it has one."""
        named = {each.name: each for each in self._settings.values()}
        for setting in self.taken:
            if len(setting.path) == 1 and not applies(setting, named, self.config):
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


def applies(setting: Setting, settings: Mapping[str, Setting], config: Mapping[str, Any]) -> bool:
    """Whether a setting has a meaning with the choices as they stand."""
    if setting.about.show_if is None:
        return True
    name, values = setting.about.show_if
    other = settings.get(name)
    if other is None:
        return True
    said = value_of(config, other.path)
    return str(other.default if said is None else said).lower() in values and applies(other, settings, config)


def _mailbox(value: Any) -> Mailbox | None:
    try:
        return parse_mailbox(value) if isinstance(value, str) else None
    except AddressError:
        # Typed and not finished; its own field says so.
        return None


def value_of(config: Any, path: tuple[str, ...]) -> Any:
    """What a config says at a place; None where it says nothing."""
    for key in path:
        if not isinstance(config, Mapping) or SECRET in config:
            return None
        config = config.get(key)
    return config


def _copied(value: Any) -> Any:
    return {key: _copied(part) for key, part in value.items()} if isinstance(value, Mapping) else value
