"""Changes in the admin's words: grouped as the review page shows them, named as the form names its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal

from webapp.connectors.base import Connector
from webapp.connectors.config import ConnectorConfig, Setting, settings_of
from webapp.domain.diff import Change, changes, is_secret
from webapp.domain.problem import JSON
from webapp.domain.text import T, Text
from webapp.domain.usage import FLOW_TITLES, UsageType

Connectors = Mapping[str, type[Connector[Any]]]

CONNECTOR, TEMPLATES, FLOWS, OTHER = T("Connector"), T("Templates"), T("Flows"), T("Other")
_ON, _OFF, _EMPTY = T("On"), T("Off"), T("empty")
_LONG: Final = 80
"""From this length on a value is shown as a text of its own."""

_TEMPLATE_PARTS: Final[Mapping[str, Text]] = {
    "contentType": T("Format"),
    "subject": T("Subject"),
    "preheader": T("Preview text"),
    "content": T("Content"),
    "text": T("Text version"),
    "sendFrom": T("Sender"),
    "replyTo": T("Reply to"),
    "providerTemplate": T("Template at the provider"),
}
_OTHER_TITLES: Final[Mapping[str, Text]] = {
    "verificationCode/length": T("Length of codes"),
    "verificationCode/expiresIn": T("Seconds that a code is valid"),
    "verificationCode/maxAttempts": T("Wrong codes allowed"),
    "verificationCode/resendAfter": T("Seconds between two codes"),
    "verificationCode": T("Verification codes"),
    "addressPolicy/blockSubaddressing": T("Block addresses with a plus"),
    "addressPolicy/allow": T("Allowed recipients"),
    "addressPolicy/block": T("Blocked recipients"),
    "addressPolicy": T("Address policy"),
    "defaultLanguage": T("Default language"),
}
_FORMATS: Final[Mapping[str, Text]] = {"text/html": T("HTML"), "text/plain": T("Plain text")}

Value = Text | str | None
"""A marked string is translated, a plain one is the admin's own and stays as it is; None: nothing was there."""


@dataclass(frozen=True, slots=True)
class DescribedChange:
    """One line of a diff."""

    label: Text
    kind: Literal["added", "changed", "removed"]
    old_text: Value
    new_text: Value
    secret: bool = False
    """Whether it is a secret: then it is only said that it changed."""
    multiline: bool = False
    within: tuple[Value, ...] = ()
    """Where the label belongs: a mail's usage type and language, a list's own key."""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one part of the setup."""

    title: Text
    lines: tuple[DescribedChange, ...]


def described(found: Iterable[Change], connectors: Connectors, *, provider: str | None = None) -> list[Group]:
    """Say what changes, grouped Connector, Templates, Flows, Other. ``provider`` is the one whose words are used."""
    leaves = [leaf for change in found for leaf in _leaves(change)]
    titles = _Titles(connectors, provider or _provider(leaves))
    groups: dict[Text, list[DescribedChange]] = {CONNECTOR: [], TEMPLATES: [], FLOWS: [], OTHER: []}
    for leaf in leaves:
        if not _default_of_new(leaf, titles):
            group, line = _line(leaf, titles)
            groups[group].append(line)
    return [Group(title, tuple(lines)) for title, lines in groups.items() if lines]


def template_part(name: str) -> Text:
    """Call a field of a mail as its form does."""
    return _TEMPLATE_PARTS.get(name) or Text(name)


def in_short(changed: Iterable[tuple[str, str]], connectors: Connectors, limit: int = 4) -> list[Text]:
    """Say what a revision changed in a few words, such as "Server", "2 templates"; the last may be "3 more"."""
    titles = _Titles(connectors, None)
    words: dict[Text, None] = {}
    cells: set[tuple[str, ...]] = set()
    for pointer, kind in changed:
        area, *rest = _steps(pointer)
        if area == "templates":
            cells.add(tuple(rest[:2]))
        elif area == "flows":
            words[FLOW_TITLES.get(rest[0], FLOWS) if rest else FLOWS] = None
        elif area in ("connector", "fallback"):
            words[_connector_word(area, rest, kind, titles)] = None
        else:
            words[_OTHER_TITLES.get(area, OTHER)] = None
    said = list(words)
    if cells:
        said.append(T("1 template") if len(cells) == 1 else T("%(count)s templates", count=len(cells)))
    if len(said) > limit:
        said = [*said[: limit - 1], T("%(count)s more", count=len(said) - limit + 1)]
    return said


@cache
def _settings(models: tuple[type[ConnectorConfig], ...]) -> Mapping[tuple[str, ...], Setting]:
    """The declared settings by their paths, of the first model that has them. Read once: a page asks for each line."""
    found: dict[tuple[str, ...], Setting] = {}
    for model in models:
        for each in settings_of(model):
            found.setdefault(each.path, each)
    return found


class _Titles:
    """Finds the declared setting of a pointer into a config."""

    def __init__(self, connectors: Connectors, provider: str | None) -> None:
        self.connectors = connectors
        first = [connectors[provider]] if provider and provider in connectors else []
        self._settings = _settings(tuple(dict.fromkeys(kind.config_model for kind in (*first, *connectors.values()))))

    def find(self, path: list[str]) -> tuple[Setting | None, list[str]]:
        """The setting, and what of the path lies below it."""
        for length in range(len(path), 0, -1):
            found = self._settings.get(tuple(path[:length]))
            if found:
                return found, path[length:]
        return None, []


def _leaves(change: Change) -> Iterator[Change]:
    """Tell a whole branch that came or went value by value, as the form would."""
    if change.secret or not _steps(change.pointer):
        yield change
        return
    old, new = change.old, change.new
    if change.pointer in ("/connector", "/fallback") or change.pointer.startswith(
        ("/templates", "/connector/", "/fallback/")
    ):
        if isinstance(new, dict) and old is None and not is_secret(new):
            yield from _told("added", changes({}, new, change.pointer))
            return
        if isinstance(old, dict) and new is None and not is_secret(old):
            if change.pointer in ("/connector", "/fallback"):
                yield replace(change, pointer=f"{change.pointer}/provider", kind="removed", old=old.get("provider"))
                return
            yield from _told("removed", changes(old, {}, change.pointer))
            return
    yield change


def _told(kind: Literal["added", "removed"], found: Iterable[Change]) -> Iterator[Change]:
    for change in found:
        value = change.new if kind == "added" else change.old
        if value is None and not change.secret:
            continue
        yield from _leaves(replace(change, kind=kind))


def _default_of_new(leaf: Change, titles: _Titles) -> bool:
    """Whether it only says that a new connector has an advanced setting as it usually is."""
    area, *rest = _steps(leaf.pointer) or [""]
    if leaf.kind != "added" or leaf.secret or area not in ("connector", "fallback") or rest[:1] != ["config"]:
        return False
    setting, below = titles.find(rest[1:])
    if setting is None or below:
        return False
    return leaf.new in ({}, []) or (setting.about.advanced and leaf.new == setting.default)


def _provider(leaves: Iterable[Change]) -> str | None:
    for leaf in leaves:
        if leaf.pointer == "/connector/provider":
            return leaf.new if isinstance(leaf.new, str) else leaf.old if isinstance(leaf.old, str) else None
    return None


def _line(change: Change, titles: _Titles) -> tuple[Text, DescribedChange]:
    area, *rest = _steps(change.pointer) or [""]
    match area:
        case "connector" | "fallback":
            return CONNECTOR, _setting_line(change, rest, titles, (T("Fallback"),) if area == "fallback" else ())
        case "templates":
            return TEMPLATES, _template_line(change, rest)
        case "flows":
            title = FLOW_TITLES.get(rest[0], FLOWS) if rest else FLOWS
            return FLOWS, _described(change, title, _plain)
        case _:
            path = "/".join([area, *rest])
            return OTHER, _described(change, _OTHER_TITLES.get(path) or _OTHER_TITLES.get(area, OTHER), _plain)


def _setting_line(change: Change, rest: list[str], titles: _Titles, within: tuple[Value, ...]) -> DescribedChange:
    if rest[:1] != ["config"]:
        return _described(change, T("Provider"), lambda value: _provider_title(value, titles.connectors), within)
    setting, below = titles.find(rest[1:])
    if setting is None:
        return _described(change, Text(".".join(rest[1:]) or "config"), _plain, within)

    def said(value: JSON) -> Value:
        choice = dict(setting.about.choices).get(value) if isinstance(value, str) else None
        unit = setting.about.unit
        if isinstance(value, int) and not isinstance(value, bool) and unit.template:
            return f"{value} {unit}"
        return choice or _plain(value)

    line = _described(change, setting.about.title, said, (*within, *below))
    return replace(
        line, secret=change.secret or setting.about.secret, multiline=line.multiline or setting.about.multiline
    )


def _template_line(change: Change, rest: list[str]) -> DescribedChange:
    usage, tag, part = (*rest, "", "", "")[:3]
    title = UsageType(usage).title if usage in list(UsageType) else Text(usage)
    language: tuple[Value, ...] = (T("any language") if tag == "*" else tag,) if tag else ()
    label = template_part(part) if part else T("Whole mail")
    line = _described(change, label, lambda value: _FORMATS.get(str(value)) or _plain(value), (title, *language))
    return replace(line, multiline=line.multiline or part in ("content", "text"))


def _described(change: Change, label: Text, said: Any, within: tuple[Value, ...] = ()) -> DescribedChange:
    if change.secret:
        return DescribedChange(label, change.kind, None, None, True, False, within, change.pointer)
    old = None if change.kind == "added" else said(change.old)
    new = None if change.kind == "removed" else said(change.new)
    multiline = any(isinstance(text, str) and (len(text) > _LONG or "\n" in text) for text in (old, new))
    return DescribedChange(label, change.kind, old, new, False, multiline, within, change.pointer)


def _plain(value: JSON) -> Value:
    if value in (None, "", [], {}):
        return _EMPTY
    match value:
        case bool():
            return _ON if value else _OFF
        case list():
            return ", ".join(str(_plain(part)) for part in value)
        case dict() if is_secret(value):
            return None
        case dict():
            return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
        case _:
            return str(value)


def _provider_title(value: JSON, connectors: Connectors) -> Value:
    if isinstance(value, dict):
        value = value.get("provider")
    if isinstance(value, str):
        return connectors[value].title if value in connectors else value
    return _EMPTY


def _connector_word(area: str, rest: list[str], kind: str, titles: _Titles) -> Text:
    if area == "fallback":
        return T("Fallback")
    if not rest:
        return T("Connector removed") if kind == "removed" else CONNECTOR
    if rest[0] != "config":
        return T("Provider")
    setting, _ = titles.find(rest[1:])
    return setting.about.title if setting else Text(".".join(rest[1:]) or "config")


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
