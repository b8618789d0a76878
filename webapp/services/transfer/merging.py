"""What of a setup is put over another: the parts that are wanted, and what stays of the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from webapp.domain.diff import touches
from webapp.domain.errors import FieldError, InputError, PromotionConflictsError
from webapp.domain.problem import Problem
from webapp.domain.text import T
from webapp.services.transfer.differing import LEFT_ALONE
from webapp.services.transfer.drift import Drift, Standing, overwritten

OVERWRITES: Final = "promote.overwrites_edit"

_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Promotion:
    """What somebody wants promoted."""

    only: Sequence[str] = ()
    """Pointers; without any, everything but what is left alone."""
    leave: Sequence[str] = ()
    """Pointers that stay the target's."""
    secrets: Any = field(default=None, repr=False)
    """``{slot: {"value": "…"}, {"env": "NAME"}, "keep" or "copy"}``."""
    whole: bool = False
    """Whether ``only`` was chosen among all that differs, so that what it leaves out was seen and left."""
    merge: bool = False
    """Whether what the target has of its own since the last promotion stays, and conflicts are refused."""
    seen: int | None = None
    """The revision of the source that somebody looked at and that is meant; without one, what is live."""


def kept(drift: Drift, wanted: Promotion) -> list[str]:
    """The parts of what is wanted that a merge keeps as the target has them. Raises PromotionConflictsError."""
    if not wanted.merge:
        return []
    open_parts = [part for part in drift.parts if not _decided(part.pointer, wanted)]
    if wanted.only:
        asked = [part for part in open_parts if any(touches(part.pointer, each) for each in wanted.only)]
    else:
        asked = [part for part in open_parts if not part.difference.left_alone]
    undecided = [part.pointer for part in asked if part.standing in (Standing.CONFLICT, Standing.UNKNOWN)]
    if undecided:
        raise PromotionConflictsError(undecided)
    return [part.pointer for part in asked if part.standing in (Standing.EDITED, Standing.LEFT)]


def settled(drift: Drift, wanted: Promotion) -> list[str]:
    """The conflicts that were decided for the target."""
    if wanted.whole:
        return [part.pointer for part in drift.parts if part.asked and part.pointer not in wanted.only]
    if not wanted.merge:
        return []
    asked = [part.pointer for part in drift.parts if part.asked and _left_out(part.pointer, wanted)]
    return [each for each in asked if not wanted.only or any(touches(each, only) for only in wanted.only)]


def _decided(part: str, wanted: Promotion) -> bool:
    """Whether somebody named this very part, or left it out."""
    named = any(each == part or each.startswith(f"{part}/") for each in wanted.only)
    return named or _left_out(part, wanted)


def _left_out(part: str, wanted: Promotion) -> bool:
    return any(each == part or part.startswith(f"{each}/") for each in wanted.leave)


def overwriting(drift: Drift, ours: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[Problem]:
    """Warn of each edit of the target that a setup would replace; both with slots."""
    for part in overwritten(drift, ours, made):
        yield Problem(
            OVERWRITES,
            T("An edit made here would be overwritten"),
            T(
                "“%(pointer)s” was edited in this tenant after revision %(number)s was promoted into it, and this "
                "plan replaces it.",
                pointer=part.pointer,
                number=drift.last.number if drift.last else 0,
            ),
            (T("Leave it out, or merge, to keep what was edited here."),),
        )


def put_over(
    target: Mapping[str, Any], source: Mapping[str, Any], wanted: Promotion, stays: Collection[str] = ()
) -> dict[str, Any]:
    """The target's setup with the wanted parts of the source's put over it, but for those that are kept."""
    errors: list[FieldError] = []
    usual = [] if wanted.whole else [f"/{name}" for name in source if name not in LEFT_ALONE]
    only = list(wanted.only) or usual
    made = dict(target)
    for pointers, place, origin in ((only, "only", source), (wanted.leave, "except", target)):
        for index, pointer in enumerate(pointers):
            value = _at(origin, pointer)
            if value is _NOTHING and _at(made, pointer) is _NOTHING and wanted.only:
                nowhere = T("Nothing stands at “%(pointer)s” in either tenant.", pointer=pointer[:200])
                errors.append(FieldError(f"/{place}/{index}", "pointer.nowhere", nowhere))
            else:
                made = _put(made, _steps(pointer), value)
    if errors:
        raise InputError(errors=errors)
    for pointer in stays:
        made = _put(made, _steps(pointer), _at(target, pointer))
    return made


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(document: Any, pointer: str) -> Any:
    if not pointer.startswith("/"):
        return _NOTHING
    for step in _steps(pointer):
        if not isinstance(document, Mapping) or step not in document:
            return _NOTHING
        document = document[step]
    return document


def _put(document: Any, steps: Sequence[str], value: Any) -> Any:
    """A copy with a value put, or with what stands there taken out; objects on the way are made where needed."""
    if not steps:
        return value
    first, *rest = steps
    copied = dict(document) if isinstance(document, Mapping) else {}
    if rest or value is not _NOTHING:
        inner = copied.get(first)
        if value is not _NOTHING or isinstance(inner, Mapping):
            copied[first] = _put(inner, rest, value)
    else:
        copied.pop(first, None)
    return copied
