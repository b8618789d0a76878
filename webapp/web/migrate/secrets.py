"""The secrets of a plan, one by one: which there are, where each comes from, and what somebody chose.

What is typed is kept sealed with the plan and never comes back in a page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from webapp.connectors.config import Setting, settings_of
from webapp.domain.tenant_document import lent
from webapp.domain.text import T, Text
from webapp.web.context import current_tenant, services

Way = str
"""keep, type, copy or sealed; or ``env:`` and the name of a secret that the operator lends."""
ENV: Final = "env:"
WAYS: Final[Mapping[str, Text]] = {
    "keep": T("Keep the one that is stored here"),
    "sealed": T("Take the sealed one of the document"),
    "copy": T("Copy it from the other tenant"),
    "type": T("Type it"),
}
MISSING: Final = T("This secret is needed. Give it here.")
LENT: Final = T("lent by the operator")
WITH_DOCUMENT: Final = T("comes with the document")


@dataclass(frozen=True, slots=True)
class Row:
    """One secret that somebody decides about."""

    slot: str
    title: Text
    ways: tuple[Way, ...]
    chosen: Way
    typed: bool = False
    """Whether one was typed before, which is kept with the plan."""
    errors: Sequence[Text] = ()
    lines: bool = False
    """Whether it has several lines, as a key has."""
    stays_behind: bool = False
    """Whether one is stored here that may not go where the plan says."""
    source: str = ""
    """The name of the tenant that it can be copied from."""

    @property
    def labels(self) -> list[tuple[Way, Text]]:
        return [(way, self._words(way)) for way in self.ways]

    def _words(self, way: Way) -> Text:
        named = way == "copy" and self.source
        return T("Copy it from %(tenant)s", tenant=self.source) if named else _words_of(way)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form says about secrets."""

    ways: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    could_keep: frozenset[str] = frozenset()
    """The slots for which the page offered to keep what is stored."""

    @classmethod
    def of(cls, form: MultiDict[str, str]) -> Chosen:
        """Read the fields ``way:<slot>`` and ``secret:<slot>``."""
        ways = {name.removeprefix("way:"): value for name, value in form.items() if name.startswith("way:")}
        typed = {
            name.removeprefix("secret:"): value for name, value in form.items() if name.startswith("secret:") and value
        }
        typed = {slot: value for slot, value in typed.items() if ways.get(slot, "type") == "type"}
        return cls(ways, typed, frozenset(form.getlist("could-keep")))

    @property
    def lent(self) -> dict[str, str]:
        """Slot → the name of the operator's secret that was chosen."""
        return {slot: way.removeprefix(ENV) for slot, way in self.ways.items() if way.startswith(ENV)}

    def way(self, slot: str, ways: Sequence[Way], usual: Way) -> Way:
        """What was chosen for a slot, where that is possible."""
        return next((way for way in ways if way == self.ways.get(slot)), usual)


def ways_of_lent(names: Sequence[str]) -> list[tuple[Way, bool]]:
    """The ways to borrow a secret from the operator; each of them is there."""
    return [(f"{ENV}{name}", True) for name in names]


def _words_of(way: Way) -> Text:
    return WAYS[way] if way in WAYS else T("Lent by the operator as %(name)s", name=way.removeprefix(ENV))


def title_of(document: Mapping[str, Any], pointer: str) -> Text:
    """A secret's name as its form says it."""
    setting = _setting(document, pointer)
    return setting.about.title if setting else Text(".".join(pointer.split("/")[3:]))


def lacking(document: Mapping[str, Any], pointers: Sequence[str]) -> list[Text]:
    """Say which secrets have to be given first."""
    return [T("Give this secret first: %(title)s.", title=title_of(document, each)) for each in pointers]


def stays_behind(pointer: str, keepable: bool) -> bool:
    """Whether the tenant has a secret at this place that may not go where a plan says."""
    return not keepable and pointer in services().setups.active(current_tenant()).tags


def has_lines(document: Mapping[str, Any], pointer: str) -> bool:
    """Whether a secret has several lines."""
    setting = _setting(document, pointer)
    return bool(setting and setting.about.multiline)


def _setting(document: Mapping[str, Any], pointer: str) -> Setting | None:
    _, section, _, *path = pointer.split("/")
    provider = (document.get(section) or {}).get("provider")
    kind = services().connectors.get(str(provider))
    found = settings_of(kind.config_model) if kind else []
    return next((each for each in found if list(each.path) == path), None)


def lent_in(document: Mapping[str, Any], but: Collection[str] = ()) -> list[tuple[Text, Text]]:
    """Secrets that the operator lends: nobody here decides about them. ``but`` are the places of those that are."""
    return [
        (title_of(document, pointer), T("lent by the operator as %(name)s", name=name))
        for pointer, name in lent(document).items()
        if pointer not in but
    ]
