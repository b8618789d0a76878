"""JSON Patch (RFC 6902) on a setup document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jsonpatch import JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointerException

from webapp.domain.errors import ConflictError, FieldError, InputError, PayloadTooLargeError
from webapp.domain.text import T

OPERATIONS_LIMIT: Final = 1000
SIZE_LIMIT: Final = 5 * 1024 * 1024
_OPERATIONS: Final = frozenset({"add", "remove", "replace", "move", "copy", "test"})


def patched(document: Mapping[str, Any], operations: Any) -> dict[str, Any]:
    """Apply a patch to a copy. Raises InputError with pointers into the patch, ConflictError where a test fails."""
    _check(operations)
    result: Any = json.loads(json.dumps(document))
    for index, operation in enumerate(operations):
        try:
            result = JsonPatch([operation]).apply(result, in_place=True)
        except JsonPatchTestFailed:
            failed = T("Operation %(number)s tests for another value than the one that is there.", number=index + 1)
            raise ConflictError(failed) from None
        except (JsonPatchException, JsonPointerException, TypeError, KeyError):
            nowhere = T("Nothing stands at this place of the setup, or nothing can be put there.")
            raise InputError(errors=[FieldError(f"/{index}/path", "patch.path_not_found", nowhere)]) from None
        # Copies of copies double the document each time.
        if operation["op"] == "copy" and len(json.dumps(result)) > SIZE_LIMIT:
            raise PayloadTooLargeError
    if not isinstance(result, dict):
        whole = T("The patch leaves no setup: an object is expected.")
        raise InputError(errors=[FieldError("", "value.type", whole)])
    return result


def _check(operations: Any) -> None:
    if not isinstance(operations, Sequence) or isinstance(operations, str | bytes):
        raise InputError(errors=[FieldError("", "value.type", T("A JSON Patch is a list of operations."))])
    if len(operations) > OPERATIONS_LIMIT:
        many = T("A patch has at most %(limit)s operations.", limit=OPERATIONS_LIMIT)
        raise InputError(errors=[FieldError("", "value.too_long", many)])
    errors = [error for index, operation in enumerate(operations) for error in _operation_errors(index, operation)]
    if errors:
        raise InputError(errors=errors)


def _operation_errors(index: int, operation: Any) -> list[FieldError]:
    if not isinstance(operation, Mapping):
        return [FieldError(f"/{index}", "value.type", T("An object is expected here."))]
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in _OPERATIONS:
        expected = T("Choose one of: %(choices)s.", choices=", ".join(sorted(_OPERATIONS)))
        return [FieldError(f"/{index}/op", "value.not_a_choice", expected)]
    pointers = ["path", "from"] if kind in ("move", "copy") else ["path"]
    errors = [
        FieldError(f"/{index}/{name}", "value.pointer", T("A JSON pointer is expected here, such as /connector."))
        for name in pointers
        if not isinstance(operation.get(name), str) or not (operation[name] == "" or operation[name].startswith("/"))
    ]
    if kind in ("add", "replace", "test") and "value" not in operation:
        errors.append(FieldError(f"/{index}/value", "value.missing", T("A value is needed here.")))
    return errors
