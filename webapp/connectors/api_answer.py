"""What a provider answered over HTTP, and how to read it without trusting its shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import httpx2

from webapp.domain.problem import JSON


@dataclass(frozen=True)
class Answer:
    """What a provider answered, whatever its status."""

    status: int
    headers: httpx2.Headers
    text: str

    @cached_property
    def json(self) -> JSON:
        """The body as JSON; None where it is none."""
        try:
            read: JSON = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return read

    def at(self, *path: str | int) -> JSON:
        """What stands at a place of the JSON; None where nothing does."""
        value = self.json
        for key in path:
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
                value = value[key]
            else:
                return None
        return value

    def text_at(self, *path: str | int) -> str:
        """The text or number that stands at a place of the JSON; empty where neither does."""
        value = self.at(*path)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def objects_at(self, *path: str | int) -> list[dict[str, JSON]] | None:
        """The objects of the list that stands at a place of the JSON; None where no list does."""
        value = self.at(*path)
        return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def cleaned(text: str, clean: Callable[[str], str]) -> str:
    """Clean a body as it is written, and the texts inside where it is JSON that writes some of them by escapes."""
    text = clean(text)
    if "\\" not in text:
        return text
    try:
        read: JSON = json.loads(text)
        meant = _cleaned(read, clean)
    except (ValueError, RecursionError):
        return text
    return text if meant == read else json.dumps(meant)


def _cleaned(value: JSON, clean: Callable[[str], str]) -> JSON:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(part, clean) for part in value]
        case dict():
            return {clean(key): _cleaned(part, clean) for key, part in value.items()}
        case _:
            return value
