"""Which mails come, change and go with some changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from webapp.domain.diff import Change, escape


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of which something changes, by its pointer."""

    pointer: str
    kind: Literal["added", "changed", "removed"]


def mails(found: Iterable[Change]) -> list[Mail]:
    """List the mails that come, change or go."""
    kinds: dict[str, Literal["added", "changed", "removed"]] = {}
    for change in found:
        area, *rest = change.pointer.split("/")[1:] or [""]
        if area != "templates":
            continue
        branch = change.new if change.kind == "added" else change.old
        if len(rest) == 1 and isinstance(branch, Mapping):
            kinds |= {f"{change.pointer}/{escape(tag)}": change.kind for tag in branch}
        elif len(rest) == 2:
            kinds[change.pointer] = change.kind
        elif len(rest) > 2:
            kinds.setdefault("/".join(["", area, *rest[:2]]), "changed")
    return [Mail(pointer, kind) for pointer, kind in kinds.items()]
