"""Whether a config as text has the names and types that a form can hold."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from webapp.connectors.config import Setting
from webapp.domain.diff import SECRET, escape, is_secret
from webapp.domain.errors import FieldError
from webapp.domain.text import T, Text
from webapp.services.marks import is_mark

WHOLE: Final = re.compile(r"-?\d{1,15}")
"""A number as it is typed."""


class Shape:
    """Judges whether a value has the names and types that a form can hold."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._kinds = {each.path: each.kind for each in settings}
        self._groups = {path[:n] for path in self._kinds for n in range(len(path))}
        self._titles = {_plain(str(each.about.title)): each.path for each in settings}

    def faults(self, value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[FieldError]:
        for key, part in value.items():
            here = (*path, key)
            pointer = "".join(f"/{escape(step)}" for step in here)
            if here in self._kinds:
                message = _type_fault(self._kinds[here], part)
                if message:
                    yield FieldError(pointer, "value.type", message)
            elif here not in self._groups:
                yield FieldError(pointer, "key.unknown", self._unknown(key, path))
            elif isinstance(part, Mapping) and not is_secret(part):
                yield from self.faults(part, here)
            elif part is not None:
                yield FieldError(pointer, "value.type", T("An object is expected here: { … }."))

    def _unknown(self, key: str, path: tuple[str, ...]) -> Text:
        meant = self._meant(key, path)
        shown = key if len(key) <= 60 else key[:60] + "…"
        if meant is None:
            return T("There is no setting “%(name)s” here.", name=shown)
        if meant[:-1] == path:
            return T("There is no setting “%(name)s” here. Did you mean “%(other)s”?", name=shown, other=meant[-1])
        place = ".".join(meant[:-1])
        if not place:
            return T("“%(other)s” stands at the top, not in here.", other=meant[-1])
        return T(
            "There is no setting “%(name)s” here. Did you mean “%(other)s” in “%(place)s”?",
            name=shown,
            other=meant[-1],
            place=place,
        )

    def _meant(self, key: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        known = {*self._kinds, *(group for group in self._groups if group)}
        beside = {_plain(each[-1]): each for each in known if each[:-1] == path}
        anywhere = {_plain(each[-1]): each for each in known}
        titles_beside = {title: each for title, each in self._titles.items() if each[:-1] == path}
        everywhere = (beside, titles_beside, anywhere, self._titles)
        for cutoff in (1.0, 0.75):
            for candidates in everywhere:
                close = difflib.get_close_matches(_plain(key), candidates, n=1, cutoff=cutoff)
                if close:
                    return candidates[close[0]]
        return None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _type_fault(kind: str, value: Any) -> Text | None:
    if value is None:
        return None
    fits, words = True, T("Text is expected here, in quotation marks.")
    match kind:
        case "number":
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits = whole or (isinstance(value, str) and bool(WHOLE.fullmatch(value.strip()) or not value))
            words = T("A whole number is expected here.")
        case "switch":
            fits, words = isinstance(value, bool), T("Either true or false is expected here.")
        case "secret":
            fits = value == "" or (is_secret(value) and len(value) == 1 and is_mark(value[SECRET]))
            words = T("Give the secret as text, or keep the stored one with {“$secret”: {“set”: true}}.")
        case "headers":
            fits = isinstance(value, Mapping) and all(map(_header_fits, value.values()))
            words = T("An object is expected here: names of headers, each with a text or a list of texts.")
        case _:
            fits = isinstance(value, str)
    return None if fits else words


def _header_fits(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
