"""Reading a document from text that anybody may have written: JSON, or YAML 1.2 as far as JSON knows it."""

from __future__ import annotations

from codecs import BOM_UTF8
from datetime import date
from itertools import islice
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from webapp.domain import strict_json
from webapp.domain.diff import escape
from webapp.domain.errors import DocumentInvalidError, FieldError, InputError, PayloadTooLargeError
from webapp.domain.strict_json import FAULTS_LIMIT, NotJSONError
from webapp.domain.text import T, Text

SIZE_LIMIT: Final = 5 * 1024 * 1024
"""Bytes of a document as text."""
YAML_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of a document in YAML, which takes a hundred times longer to read."""
_BITS_LIMIT: Final = 10_000
"""Of a number: longer ones cannot even be written."""
YAML_VALUES: Final = 20_000
"""Keys and values of a document in YAML: the setup of a tenant in twenty languages has a quarter of them."""


def parsed(text: str | bytes) -> Any:
    """Parse a document. Raises DocumentInvalidError or PayloadTooLargeError."""
    # Half characters are refused below, as what is no UTF-8.
    raw = (text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text).removeprefix(BOM_UTF8)
    as_json = raw.lstrip()[:1] in (b"{", b"[")
    if len(raw) > (SIZE_LIMIT if as_json else YAML_LIMIT):
        limit = T("A document has at most %(json)s MB as JSON and %(yaml)s MB as YAML.", json=5, yaml=2)
        raise PayloadTooLargeError(limit)
    if not as_json:
        return _yaml(raw)
    try:
        return strict_json.loads(raw)
    except NotJSONError as exc:
        raise _unreadable(T("This begins as JSON, but cannot be read as such: %(why)s", why=exc.detail)) from None
    except InputError as exc:
        raise DocumentInvalidError(errors=exc.errors) from None


def _yaml(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        _judge(text)
        value = _plain(YAML(typ="safe", pure=True).load(text), "")
    except UnicodeDecodeError:
        raise _unreadable(T("This is no text in UTF-8.")) from None
    except RecursionError:
        raise _unreadable(T("The document is nested too deep.")) from None
    except (YAMLError, ValueError, LookupError, OverflowError) as exc:  # the last two for odd values of known tags
        # The parser's own message quotes the line, which may hold a secret; its place is enough.
        mark = getattr(exc, "problem_mark", None)
        if mark is None:
            raise _unreadable(T("This is neither JSON nor YAML.")) from None
        where = T(
            "This is neither JSON nor YAML: reading stopped at line %(line)s, column %(column)s.",
            line=mark.line + 1,
            column=mark.column + 1,
        )
        raise _unreadable(where) from None
    if errors := tuple(islice(strict_json.faults(value), FAULTS_LIMIT)):
        raise DocumentInvalidError(errors=errors)
    return value


def _judge(text: str) -> None:
    """Refuse what would take the parser very long, before it builds anything."""
    depth = values = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        # A few lines of aliases can stand for gigabytes.
        if isinstance(event, AliasEvent):
            raise _unreadable(T("Aliases (*name) are not possible here. Write out what they stand for."))
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        values += isinstance(event, NodeEvent)
        # Each further bracket takes the parser longer than the one before.
        if depth > strict_json.DEPTH_LIMIT:
            raise _unreadable(T("The document is nested too deep."))
        if values > YAML_VALUES:
            raise _unreadable(T("There are too many values in it for YAML. Give the document as JSON."))


def _plain(value: Any, pointer: str) -> Any:
    """Take only what JSON knows too."""
    match value:
        case dict():
            return {_key(key, pointer): _plain(part, f"{pointer}/{escape(str(key))}") for key, part in value.items()}
        case list():
            return [_plain(part, f"{pointer}/{index}") for index, part in enumerate(value)]
        case int() if value.bit_length() > _BITS_LIMIT:
            raise _unreadable(T("This number is too large."), pointer)
        case None | bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case _:
            raise _unreadable(T("JSON knows no such value. Put it in quotes."), pointer)


def _key(key: Any, pointer: str) -> str:
    if not isinstance(key, str):
        raise _unreadable(T("A key here is no text: put %(key)s in quotes.", key=str(key)[:40]), pointer)
    return key


def _unreadable(message: Text, pointer: str = "") -> DocumentInvalidError:
    places = [FieldError(pointer, DocumentInvalidError.code, message)] if pointer else []
    return DocumentInvalidError(message, errors=places)
