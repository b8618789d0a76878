"""Filling the slots of a document with secrets: given ones, sealed ones, or those that the target keeps."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from webapp.domain import tenant_document
from webapp.domain.diff import SECRET, escape
from webapp.domain.errors import FieldError, InputError
from webapp.domain.strict_json import dumps, loads
from webapp.domain.text import T
from webapp.services.marks import put

KEEP: Final = "keep"
KEPT: Final = {SECRET: {"set": True}}

Way = Literal["given", "lent", "sealed", "kept", "missing"]
Choice = str | Mapping[str, Any] | None
"""A value, the mark of a secret that the operator lends, or None for what is to be kept."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one secret, and where its value is from."""

    name: str
    pointer: str
    way: Way
    keepable: bool
    """Whether the target's own may stay there."""
    sealed: bool = False
    """Whether one came sealed with the document."""
    lent: str = ""
    """The name of the operator's secret that was chosen."""
    lendable: tuple[str, ...] = ()
    """The names of the operator's secrets that may go there."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A setup document whose slots are filled as far as there is something to fill them with."""

    document: dict[str, Any]
    missing: tuple[str, ...] = ()
    """The slots that nothing is there for; a stand-in holds their place, so that the rest can be judged."""
    missing_at: tuple[str, ...] = ()
    """The same as pointers."""
    slots: tuple[Slot, ...] = ()
    """Every slot of the document."""


def read_choices(given: Any) -> dict[str, Choice]:
    """Read ``{slot: {"value": "…"}, {"env": "NAME"} or "keep"}``.

    Raises InputError with pointers into ``secrets``.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        message = T("An object is expected here: slot to value.")
        raise InputError(errors=[FieldError("/secrets", "value.type", message)])
    choices: dict[str, Choice] = {}
    errors: list[FieldError] = []
    for slot, choice in given.items():
        match choice:
            case "keep":
                choices[slot] = None
            case {"value": str() as value} if len(choice) == 1 and value:
                choices[slot] = value
            case {"env": str() as name} if len(choice) == 1:
                choices[slot] = {SECRET: {"env": name}}
            case _:
                expected = T("Give {“value”: “…”}, {“env”: “NAME”} or “keep” here.")
                errors.append(FieldError(f"/secrets/{escape(str(slot))}", "secret.choice_unknown", expected))
    if errors:
        raise InputError(errors=errors)
    return choices


def fill(
    setup: Mapping[str, Any],
    choices: Mapping[str, Choice],
    sealed: Mapping[str, str],
    keepable: Iterable[str],
    lendable: Mapping[str, tuple[str, ...]] | None = None,
) -> Filled:
    """Fill the slots of a setup: what was given, else what was sealed, else what stays. ``keepable`` are pointers.

    ``lendable`` names what the operator lends for each section; what is chosen is judged with the setup.

    Raises InputError for a choice that no slot asks for.
    """
    document: dict[str, Any] = loads(dumps(setup))
    by_place = tenant_document.slots(document)
    unknown = [slot for slot in choices if slot not in by_place.values()]
    if unknown:
        message = T("The document has no such slot. It has: %(slots)s.", slots=", ".join(by_place.values()) or "-")
        raise InputError(
            errors=[FieldError(f"/secrets/{escape(slot)}", "secret.slot_unknown", message) for slot in unknown]
        )
    stays = frozenset(keepable)
    slots: list[Slot] = []
    for pointer, slot in by_place.items():
        value = choices.get(slot, sealed.get(slot) if slot not in choices else None)
        way: Way
        lent = str(value[SECRET]["env"]) if isinstance(value, Mapping) else ""
        if value is not None:
            put(document, pointer, value)
            way = "lent" if isinstance(value, Mapping) else "given" if choices.get(slot) is not None else "sealed"
        elif pointer in stays:
            put(document, pointer, dict(KEPT))
            way = "kept"
        else:
            put(document, pointer, f"stand-in-{secrets.token_hex(8)}")
            way = "missing"
        names = (lendable or {}).get(pointer.split("/")[1], ())
        slots.append(Slot(slot, pointer, way, pointer in stays, slot in sealed, lent, names))
    missing = [slot for slot in slots if slot.way == "missing"]
    return Filled(document, tuple(slot.name for slot in missing), tuple(slot.pointer for slot in missing), tuple(slots))
