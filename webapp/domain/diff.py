"""What differs between two setups, as pointers into the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webapp.domain.problem import JSON

SECRET = "$secret"  # noqa: S105  the key that marks a secret's place


@dataclass(frozen=True, slots=True)
class Change:
    """One value that was added, changed or removed. A secret's old and new are never here."""

    pointer: str
    kind: Literal["added", "changed", "removed"]
    old: JSON = None
    new: JSON = None
    secret: bool = False

    def to_json(self) -> dict[str, JSON]:
        answer: dict[str, JSON] = {"pointer": self.pointer, "kind": self.kind}
        if self.secret:
            return answer | {"secret": "different"}
        if self.kind != "added":
            answer["old"] = self.old
        if self.kind != "removed":
            answer["new"] = self.new
        return answer


def escape(key: str) -> str:
    """Write a key as a token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def touches(one: str, other: str) -> bool:
    """Whether two pointers are the same place, or one lies in the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and SECRET in value


def changes(old: JSON | Mapping[str, Any], new: JSON | Mapping[str, Any], pointer: str = "") -> list[Change]:
    """List what leads from one document to the other, in the document's order."""
    return list(_walk(old, new, pointer))


def _walk(old: Any, new: Any, pointer: str) -> Iterator[Change]:
    if old == new:
        return
    if is_secret(old) or is_secret(new):
        kind: Literal["added", "changed", "removed"] = (
            "changed" if old is not None and new is not None else "added" if old is None else "removed"
        )
        yield Change(pointer, kind, secret=True)
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _member(old, new, key, f"{pointer}/{escape(key)}")
        return
    yield Change(pointer, "changed", old, new)


def _member(old: Mapping[str, Any], new: Mapping[str, Any], key: str, pointer: str) -> Iterator[Change]:
    if key not in new:
        yield from _leaf("removed", old[key], pointer)
    elif key not in old:
        yield from _leaf("added", new[key], pointer)
    else:
        yield from _walk(old[key], new[key], pointer)


def _leaf(kind: Literal["added", "removed"], value: Any, pointer: str) -> Iterator[Change]:
    """An added or removed branch is told leaf by leaf where it may hold secrets, so that none slips through."""
    if is_secret(value):
        yield Change(pointer, kind, secret=True)
    elif isinstance(value, Mapping) and _holds_secret(value):
        for key, part in value.items():
            yield from _leaf(kind, part, f"{pointer}/{escape(key)}")
    else:
        yield Change(pointer, kind, old=value if kind == "removed" else None, new=value if kind == "added" else None)


def _holds_secret(value: Any) -> bool:
    if is_secret(value):
        return True
    return isinstance(value, Mapping) and any(_holds_secret(part) for part in value.values())
