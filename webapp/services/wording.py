"""What pydantic refuses, in our own words: where it stands, and what is expected there. Never the value itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from webapp.connectors.config import settings_of
from webapp.domain.diff import escape
from webapp.domain.errors import FieldError
from webapp.domain.strict_json import FAULTS_LIMIT
from webapp.domain.text import T, Text

_SHOWN_KEY: Final = 60

_NUMBER = T("A number is expected here.")
_WHOLE = T("A whole number is expected here.")
_TEXT = T("Text is expected here.")
_SWITCH = T("Either true or false is expected here.")
_OBJECT = T("An object is expected here.")
_LIST = T("A list is expected here.")

_WORDS: Final[Mapping[str, tuple[str, Text]]] = {
    "missing": ("value.missing", T("A value is needed here.")),
    "string_type": ("value.type", _TEXT),
    "string_unicode": ("value.type", _TEXT),
    "int_type": ("value.type", _WHOLE),
    "int_parsing": ("value.type", _WHOLE),
    "int_from_float": ("value.type", _WHOLE),
    "int_parsing_size": ("value.too_large", T("This number is too large.")),
    "float_type": ("value.type", _NUMBER),
    "float_parsing": ("value.type", _NUMBER),
    "finite_number": ("value.type", _NUMBER),
    "bool_type": ("value.type", _SWITCH),
    "bool_parsing": ("value.type", _SWITCH),
    "dict_type": ("value.type", _OBJECT),
    "model_type": ("value.type", _OBJECT),
    "model_attributes_type": ("value.type", _OBJECT),
    "list_type": ("value.type", _LIST),
    "tuple_type": ("value.type", _LIST),
    "none_required": ("value.unexpected", T("Nothing is expected here.")),
    "union_tag_not_found": ("value.missing", T("A value is needed here.")),
    "string_pattern_mismatch": ("value.pattern", T("This does not have the expected form.")),
}
"""Error type → our code and sentence."""

_BOUNDED: Final[Mapping[str, tuple[str, str, Callable[..., Text]]]] = {
    "string_too_long": (
        "value.too_long",
        "max_length",
        lambda limit: T("At most %(limit)s characters are possible here.", limit=limit),
    ),
    "string_too_short": (
        "value.too_short",
        "min_length",
        lambda limit: T("At least %(limit)s characters are needed here.", limit=limit),
    ),
    "too_long": (
        "value.too_long",
        "max_length",
        lambda limit: T("At most %(limit)s entries are possible here.", limit=limit),
    ),
    "too_short": (
        "value.too_short",
        "min_length",
        lambda limit: T("At least %(limit)s entries are needed here.", limit=limit),
    ),
    "greater_than_equal": (
        "value.too_small",
        "ge",
        lambda limit: T("The value has to be %(limit)s or more.", limit=limit),
    ),
    "greater_than": ("value.too_small", "gt", lambda limit: T("The value has to be more than %(limit)s.", limit=limit)),
    "less_than_equal": (
        "value.too_large",
        "le",
        lambda limit: T("The value has to be %(limit)s or less.", limit=limit),
    ),
    "less_than": ("value.too_large", "lt", lambda limit: T("The value has to be less than %(limit)s.", limit=limit)),
    "literal_error": (
        "value.not_a_choice",
        "expected",
        lambda choices: T("Choose one of: %(choices)s.", choices=choices.replace("'", "").replace(" or ", ", ")),
    ),
    "enum": (
        "value.not_a_choice",
        "expected",
        lambda choices: T("Choose one of: %(choices)s.", choices=choices.replace("'", "").replace(" or ", ", ")),
    ),
    "union_tag_invalid": (
        "value.not_a_choice",
        "expected_tags",
        lambda choices: T("Choose one of: %(choices)s.", choices=choices.replace("'", "")),
    ),
}
"""Error type → our code, the name of its bound, and the sentence around that."""

_REFUSED = T("This value is not accepted here.")


def field_errors(
    error: ValidationError, data: Any, prefix: str = "", model: type[BaseModel] | None = None
) -> list[FieldError]:
    """Translate a model's refusal of ``data``. Pointers begin with ``prefix``; one for each, and not endless."""
    known = _known_paths(model) if model else frozenset()
    tags = _tags(model) if model else {}
    found: dict[str, FieldError] = {}
    for each in error.errors(include_url=False, include_input=False)[:FAULTS_LIMIT]:
        kind, context = each["type"], each.get("ctx", {})
        path = _path(each["loc"], kind, data, known, tags)
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            path = (*path, context["discriminator"].strip("'"))
        pointer = prefix + pointer_of(path)
        code, message = _words(kind, context, path, data)
        found.setdefault(pointer, FieldError(pointer, code, message))
    return list(found.values())


def pointer_of(path: Iterable[str | int]) -> str:
    """Write a path as a JSON pointer."""
    return "".join(f"/{escape(str(step))}" for step in path)


def sentence(words: str) -> Text:
    """A validator's words as a sentence of the page."""
    words = words.strip()
    return Text(words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else "."))


def _words(kind: str, context: Mapping[str, Any], path: tuple[str | int, ...], data: Any) -> tuple[str, Text]:
    if kind == "extra_forbidden":
        name = str(path[-1])
        shown = name if len(name) <= _SHOWN_KEY else name[:_SHOWN_KEY] + "…"
        return "key.unknown", T("There is no setting “%(name)s” here.", name=shown)
    if kind in ("too_long", "too_short") and isinstance(_value_at(path, data), str):
        # Behind a validator of ours pydantic does not know any more that it measures a text.
        kind = f"string_{kind}"
    if kind in ("string_too_short", "too_short") and context["min_length"] == 1:
        return _WORDS["missing"]
    if kind == "value_error":
        return "value.invalid", _own_words(str(context["error"]), path, data)
    if kind in _BOUNDED:
        code, bound, words = _BOUNDED[kind]
        return code, words(context[bound])
    return _WORDS.get(kind, ("value.invalid", _REFUSED))


def _own_words(words: str, path: tuple[str | int, ...], data: Any) -> Text:
    """A validator's own sentence, unless it repeats the value: Python's own errors do, and a value may be a secret."""
    value = _value_at(path, data)
    if isinstance(value, str) and len(value) > 2 and value.strip() in words:
        return _REFUSED
    return sentence(words)


def _value_at(path: tuple[str | int, ...], data: Any) -> Any:
    for step in path:
        data = data[step] if _has(data, step) else None
    return data


def _path(
    loc: tuple[str | int, ...],
    kind: str,
    data: Any,
    known: frozenset[tuple[str, ...]],
    tags: Mapping[tuple[str, ...], frozenset[str]],
) -> tuple[str | int, ...]:
    """Where the refused value stands in what was sent: pydantic's location without its names of union members."""
    path: tuple[str | int, ...] = ()
    value, tagged = data, False
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        here = tuple(str(part) for part in (*path, step))
        if step == "[key]":
            continue
        if not tagged and str(step) in tags.get(here[:-1], ()):
            tagged = True
            continue
        if _has(value, step):
            value, path, tagged = value[step], (*path, step), False
        elif here in known or (last and kind in ("missing", "extra_forbidden")):
            value, path, tagged = None, (*path, step), False
    return path


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _known_paths(model: type[BaseModel]) -> frozenset[tuple[str, ...]]:
    paths = [each.path for each in settings_of(model)]
    return frozenset(path[:n] for path in paths for n in range(1, len(path) + 1))


def _tags(model: type[BaseModel]) -> dict[tuple[str, ...], frozenset[str]]:
    """Container of a union → the values of its discriminator, which pydantic puts into locations."""
    conditions = [each.about.show_if for each in settings_of(model) if each.about.show_if]
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for name, values in conditions:
        container = tuple(name.split("."))[:-1]
        if container:
            found[container] = found.get(container, frozenset()) | frozenset(values)
    return found
