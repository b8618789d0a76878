"""Every connector by its kind: ours, and those of other packages that name themselves in the entry points.

Other packages are loaded when somebody looks for the first time, not on import: what they are made of imports us. One
that cannot be used is left out, with the reason, and takes nothing else down.
"""

from __future__ import annotations

import inspect
import logging
import re
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, get_args

from webapp.connectors.base import INTERFACE, Connector, Group
from webapp.connectors.config import ConnectorConfig, settings_of
from webapp.domain.text import T, Text

GROUP: Final = "postroom.connectors"
"""Of the entry points: kind = "package.module:Class"."""
KIND: Final = re.compile(r"(?=.{2,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*")

log = logging.getLogger(__name__)


class UnusableError(Exception):
    """What an entry point names cannot be used. Carries the reason, for the operator."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A connector of another package that is not offered."""

    kind: str
    package: str
    """The distribution and its version."""
    why: Text


class Catalogue(MutableMapping[str, type[Connector[Any]]]):
    """Kind to class, ours first and in their order, then those of other packages by their names."""

    def __init__(self, ours: Mapping[str, type[Connector[Any]]]) -> None:
        self._all = dict(ours)
        self._ours = tuple(ours)
        self._left_out: list[LeftOut] = []
        self._looked = False
        self._lock = threading.RLock()

    @property
    def ours(self) -> tuple[str, ...]:
        """The kinds that ship with Postroom, in the order of the catalogue."""
        return self._ours

    def others(self) -> list[type[Connector[Any]]]:
        """The connectors of other packages."""
        return [connector for kind, connector in self.items() if kind not in self._ours]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was found and cannot be used."""
        self._found()
        return tuple(self._left_out)

    def __getitem__(self, kind: str) -> type[Connector[Any]]:
        return self._all[kind] if kind in self._ours else self._found()[kind]

    def __setitem__(self, kind: str, connector: type[Connector[Any]]) -> None:
        self._found()[kind] = connector

    def __delitem__(self, kind: str) -> None:
        del self._found()[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._found()))

    def __len__(self) -> int:
        return len(self._found())

    def _found(self) -> dict[str, type[Connector[Any]]]:
        with self._lock:
            if not self._looked:
                # Set first: a package may look into the catalogue while it is loaded.
                self._looked = True
                for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
                    self._take(entry)
            return self._all

    def _take(self, entry: EntryPoint) -> None:
        try:
            self._has_no(entry.name)
            self._all[entry.name] = usable(entry)
        except UnusableError as exc:
            package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
            log.warning("connector %s of %s is left out: %s", entry.name, package, exc.why)
            self._left_out.append(LeftOut(entry.name, package, exc.why))

    def _has_no(self, kind: str) -> None:
        if kind in self._ours:
            raise UnusableError(T("Postroom has a connector of this name itself, and it cannot be replaced."))
        if kind in self._all:
            raise UnusableError(T("Another package has a connector of this name already."))


def usable(entry: EntryPoint) -> type[Connector[Any]]:
    """Load what an entry point names and make sure that pages can be drawn from it. Raises UnusableError."""
    try:
        found: Any = entry.load()
    except (Exception, SystemExit) as exc:  # a package of somebody else may fail in any way
        raise UnusableError(T("It cannot be loaded: %(why)s.", why=_in_short(exc))) from exc
    if not (inspect.isclass(found) and issubclass(found, Connector)) or inspect.isabstract(found):
        raise UnusableError(T("%(name)s is not a complete subclass of Connector.", name=entry.value))
    if found.made_for != INTERFACE:
        raise UnusableError(
            T(
                "It was written for version %(its)s of the connectors' interface, and this is version %(ours)s. "
                "Install a version of the package that goes with this Postroom.",
                its=found.made_for,
                ours=INTERFACE,
            )
        )
    try:
        _look_through(found, entry.name)
    except UnusableError:
        raise
    except Exception as exc:
        raise UnusableError(T("It cannot say what it is: %(why)s.", why=_in_short(exc))) from exc
    return found


def _look_through(connector: type[Connector[Any]], kind: str) -> None:
    """Ask what the pages ask of every connector before anybody has chosen it."""
    if connector.kind != kind or not KIND.fullmatch(kind):
        raise UnusableError(
            T("Its kind is “%(kind)s”, its entry point says “%(name)s”: both are one name in small letters, digits "
              "and hyphens.", kind=connector.kind, name=kind)
        )  # fmt: skip
    if not issubclass(connector.config_model, ConnectorConfig) or not settings_of(connector.config_model):
        raise UnusableError(T("Its settings are no ConnectorConfig."))
    if not connector.title or not isinstance(connector.summary, Text) or not connector.phases:
        raise UnusableError(T("It has no title, no summary or no phases."))
    if connector.group not in get_args(Group):
        raise UnusableError(T("Its group is none of: %(groups)s.", groups=", ".join(get_args(Group))))
    connector.presets()
    connector.destination({})
    connector.contradictions({})


def _in_short(error: BaseException) -> str:
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return (words if len(words) < 200 else f"{words[:199]}…").rstrip(".")
