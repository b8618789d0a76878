"""Where things stand in a JSON text: pointer, line and extent of each value, also while the text is not JSON yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from webapp.domain.diff import escape

DEEPEST: Final = 64
"""Levels that pointers tell apart; what lies deeper is found as if it stood there. Pointers grow with each level."""

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a text, or a key without one."""

    pointer: str
    start: int
    """Where its key begins; an item of a list begins with itself."""
    value_start: int
    value_end: int
    kind: Literal["text", "other", "container"]
    whole: bool = True
    """Whether a text is closed by its quotation mark."""
    value: str | None = None
    """A text's value, where it can be read."""


@dataclass(slots=True)
class _Open:
    """An object or a list that is being read."""

    pointer: str
    listed: bool
    start: int
    value_start: int
    depth: int = 1
    count: int = 0
    key: str | None = None
    key_start: int = 0
    expects_value: bool = False
    last: tuple[str, int] | None = None
    """The value that was read last, which a colon after it turns into a key."""

    def separated(self, sign: str) -> None:
        """Go on after a comma or a colon."""
        if sign == ",":
            self.count += 1
            self.key = None
        elif self.last and not self.expects_value:
            self.key, self.key_start = self.last
        self.expects_value, self.last = sign == ":", None

    @property
    def here(self) -> str:
        return f"{self.pointer}/{self.count if self.listed else escape(self.key or '')}"


def places(text: str) -> list[Place]:
    """Find every value, outer ones after inner ones. What is broken is guessed at: nothing here refuses anything."""
    return list(_walk(text))


def line_of(text: str, offset: int) -> int:
    """The line of an offset, counted from 1."""
    return text.count("\n", 0, offset) + 1


def _walk(text: str) -> Iterator[Place]:
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        sign, at = token[0], stack[-1] if stack else None
        match sign[0]:
            case "{" | "[":
                stack.append(_opened(at, sign == "[", token.start()))
            case "}" | "]":
                if stack:
                    done = stack.pop()
                    yield Place(done.pointer, done.start, done.value_start, token.end(), "container")
                    _value_ends(stack[-1] if stack else None)
            case "," | ":":
                if at:
                    at.separated(sign)
            case _ if at and not at.listed and not at.expects_value:
                # A comma or a colon may be missing: the next name on its own is taken for the next key.
                at.key, at.key_start, at.last = _text_of(sign) or "", token.start(), None
            case _:
                yield _leaf(at, sign, token.start(), token.end())
                _value_ends(at)
                if at:
                    at.last = (_text_of(sign) or "", token.start())
    while stack:
        left = stack.pop()
        yield Place(left.pointer, left.start, left.value_start, len(text), "container")


def _opened(at: _Open | None, listed: bool, start: int) -> _Open:
    if at is None:
        return _Open("", listed, start, start)
    pointer = at.here if at.depth < DEEPEST else at.pointer
    return _Open(pointer, listed, start if at.listed else at.key_start, start, at.depth + 1)


def _leaf(at: _Open | None, sign: str, start: int, end: int) -> Place:
    pointer = at.here if at else ""
    begins = at.key_start if at and not at.listed else start
    if sign[0] != '"':
        return Place(pointer, begins, start, end, "other")
    value = _text_of(sign)
    return Place(pointer, begins, start, end, "text", value is not None, value)


def _value_ends(at: _Open | None) -> None:
    if at and not at.listed:
        at.expects_value = False


def _text_of(sign: str) -> str | None:
    if len(sign) < 2 or sign[-1] != '"':
        return None if sign[0] == '"' else sign
    try:
        return str(json.loads(sign))
    except ValueError:
        return None
