"""The document that was given to an import: dropped, chosen, pasted, or kept by the page that refused it."""

from __future__ import annotations

import base64
import time
import zlib
from typing import Final

from flask import request

from webapp.db.vault import VaultKeyError
from webapp.domain.errors import DocumentInvalidError, FieldError
from webapp.domain.text import T
from webapp.web.context import current_actor, current_tenant, services

KEPT_LIMIT: Final = 32_000
"""Characters of a refused document, packed and sealed, that its page takes along; a longer one is given again."""
_PURPOSE: Final = "import"
_KEPT_FOR: Final = 24 * 3600


def given_document() -> str | bytes:
    """What is to be imported. Raises DocumentInvalidError where nothing was given."""
    found = _given() or _unsealed(request.form.get("kept", ""))
    if not found:
        nothing = T("Choose a file, or paste the text.")
        raise DocumentInvalidError(nothing, errors=[FieldError("", DocumentInvalidError.code, nothing)])
    return found


def _given() -> str | bytes:
    """What was sent: the file if there is one, else the text."""
    file = request.files.get("file")
    content = file.read() if file else b""
    if file:
        file.seek(0)
    return content or request.form.get("text", "").strip()


def file_name() -> str | None:
    file = request.files.get("file")
    return file.filename if file else None


def kept_document() -> str:
    """What was given, for its page to take along; the page's own where nothing new was given."""
    return _sealed(_given()) if _given() else request.form.get("kept", "")


def _sealed(document: str | bytes) -> str:
    """A short document for its page to take along: it may hold passwords, so it is not shown again."""
    raw = document.encode() if isinstance(document, str) else document
    packed = base64.b85encode(zlib.compress(raw)).decode()
    if not raw or len(packed) > KEPT_LIMIT:
        return ""
    owner = {"for": _PURPOSE, "by": current_actor().id, "in": current_tenant().id}
    sealed = services().vault.seal({**owner, "at": int(time.time()), "packed": packed}).decode()
    return sealed if len(sealed) <= KEPT_LIMIT else ""


def _unsealed(kept: str) -> bytes:
    if not kept:
        return b""
    try:
        content = services().vault.open(kept.encode())
    except VaultKeyError:
        return b""
    mine = isinstance(content, dict) and (content.get("for"), content.get("by"), content.get("in")) == (
        _PURPOSE,
        current_actor().id,
        current_tenant().id,
    )
    if not mine or time.time() - content["at"] >= _KEPT_FOR:
        return b""
    return zlib.decompress(base64.b85decode(content["packed"]))
