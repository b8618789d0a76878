"""JSON read strictly: what two readers could understand differently is refused, with a pointer to the place."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NoReturn

from webapp.domain.diff import escape
from webapp.domain.errors import FieldError, InputError, PostroomError
from webapp.domain.text import T

DEPTH_LIMIT: Final = 32
FAULTS_LIMIT: Final = 100
"""As many are told: a document of 5 MB has room for half a million."""


class NotJSONError(PostroomError):
    """The text is not JSON (RFC 8259) in UTF-8. The detail says at which line and column reading stopped."""

    code = "input.not_json"
    status = 400
    title = T("This is not JSON")


class _NoConstantError(ValueError):
    """NaN or Infinity, which Python would read."""


class _Twice(dict[str, Any]):
    """An object that names a key twice; found again by the walk, which knows the pointer."""

    key = ""


def loads(text: str | bytes) -> Any:
    """Read one JSON document. Raises NotJSONError, or InputError for duplicate keys, depth and odd values."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise InputError(errors=(_too_deep(""),)) from None
    except json.JSONDecodeError as exc:
        # Python ends some with the place, which stands before it here.
        what = exc.msg.rstrip(".").removesuffix(" at").removesuffix(" starting")
        at = T("Line %(line)s, column %(column)s: %(what)s.", line=exc.lineno, column=exc.colno, what=what)
        raise NotJSONError(at) from None
    except UnicodeDecodeError:
        raise NotJSONError(T("It is no text in UTF-8.")) from None
    except _NoConstantError as exc:
        raise NotJSONError(T("%(name)s is no value in JSON.", name=str(exc))) from None
    except ValueError:
        raise NotJSONError(T("A number in it has thousands of digits.")) from None
    if errors := tuple(islice(faults(value), FAULTS_LIMIT)):
        raise InputError(errors=errors)
    return value


def dumps(value: Any) -> str:
    """Write one JSON document, compact, readable beyond ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def faults(value: Any, pointer: str = "", depth: int = 1) -> Iterator[FieldError]:
    """Find what JSON allows and no store or second reader takes: depth, duplicate keys, NUL, half characters."""
    match value:
        case str():
            yield from _text_faults(value, pointer)
        case float() if not math.isfinite(value):
            yield FieldError(pointer, "number.too_large", T("This number is too large."))
        case dict() | list() if depth > DEPTH_LIMIT:
            yield _too_deep(pointer)
        case dict():
            if isinstance(value, _Twice):
                duplicate = T("The key %(key)s stands here twice.", key=json.dumps(value.key))
                yield FieldError(f"{pointer}/{escape(value.key)}", "key.duplicate", duplicate)
            for key, part in value.items():
                yield from _text_faults(key, pointer)
                yield from faults(part, f"{pointer}/{escape(key)}", depth + 1)
        case list():
            for index, part in enumerate(value):
                yield from faults(part, f"{pointer}/{index}", depth + 1)


def _text_faults(text: str, pointer: str) -> Iterator[FieldError]:
    if "\x00" in text:
        yield FieldError(pointer, "text.nul", T("The NUL character is not possible here."))
    elif not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        yield FieldError(pointer, "text.half_character", T("A surrogate stands alone here; it is no character."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    twice = _Twice(read)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
        seen.add(key)
    return twice


def _no_constant(name: str) -> NoReturn:
    raise _NoConstantError(name)


def _too_deep(pointer: str) -> FieldError:
    message = T("The document is nested deeper than %(limit)s levels.", limit=DEPTH_LIMIT)
    return FieldError(pointer, "document.too_deep", message)
