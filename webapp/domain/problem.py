"""A diagnosis: what failed, why, what to do, and the change that mends it where there is one."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue as JSON  # noqa: N814  the name everybody else uses for it

from webapp.domain.text import Text

__all__ = ["JSON", "PatchOperation", "Problem"]


@dataclass(frozen=True, slots=True)
class PatchOperation:
    """One operation of a JSON Patch (RFC 6902) for the setup document."""

    op: Literal["add", "replace", "remove"]
    path: str
    value: JSON = None

    def to_json(self) -> dict[str, JSON]:
        if self.op == "remove":
            return {"op": self.op, "path": self.path}
        return {"op": self.op, "path": self.path, "value": self.value}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something does not work. ``temporary`` says whether trying again later can help.

    A ``patch`` never lowers security.
    """

    code: str
    title: Text
    cause: Text
    steps: tuple[Text, ...] = ()
    temporary: bool = False
    patch: tuple[PatchOperation, ...] = ()
    patch_label: Text | None = None
    transcript: str | None = None

    def with_transcript(self, transcript: str) -> "Problem":
        return replace(self, transcript=transcript)
