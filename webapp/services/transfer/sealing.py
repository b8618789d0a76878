"""The secrets of a tenant document, sealed with a passphrase as an age file (age-encryption.org/v1).

What is sealed names the document it belongs to by its hash, so it opens only with that.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Mapping
from typing import Final

from pyrage import DecryptError, passphrase

from webapp.domain.errors import DocumentInvalidError, DocumentSealedMismatchError, FieldError, PassphraseError
from webapp.domain.strict_json import dumps
from webapp.domain.text import T, Text

WORK_FACTOR_LIMIT: Final = 20
"""Binary logarithm of the most work that opening may take: about two seconds and 1 GB (RFC 7914, N)."""
PASSPHRASE_LENGTH: Final = 12
"""Characters that a passphrase needs at least."""

_FIRST: Final = "-----BEGIN AGE ENCRYPTED FILE-----"
_LAST: Final = "-----END AGE ENCRYPTED FILE-----"
_HEADER: Final = re.compile(rb"age-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n")

_ONE_AT_A_TIME: Final = threading.Lock()
"""Opening takes a gigabyte for a moment, so never two at once in a process."""


def seal(secrets: Mapping[str, str], content_hash: str, phrase: str) -> str:
    """Seal slot → value for the document with this hash. Raises PassphraseError for one that is too short."""
    if len(phrase) < PASSPHRASE_LENGTH:
        raise _refused(T("A passphrase has at least %(least)s characters.", least=PASSPHRASE_LENGTH))
    content = dumps({"contentHash": content_hash, "secrets": dict(sorted(secrets.items()))})
    armoured: bytes = passphrase.encrypt(content.encode(), phrase, armored=True)
    return armoured.decode("ascii").strip() + "\n"


def unseal(sealed: str, content_hash: str, phrase: str) -> dict[str, str]:
    """Open what ``seal`` made. Raises DocumentInvalidError, PassphraseError or DocumentSealedMismatchError."""
    raw = _raw(sealed)
    header = _HEADER.match(raw)
    if not header:
        raise _not_sealed()
    if int(header[1]) > WORK_FACTOR_LIMIT:
        # Looked at before anything is tried: opening would take minutes and all memory.
        raise _refused(T("They are sealed so that opening takes far too much work. Export them again."))
    try:
        with _ONE_AT_A_TIME:
            opened = passphrase.decrypt(raw, phrase)
        content = json.loads(opened)
    except DecryptError:
        raise _refused(T("The passphrase is not the one that they were sealed with, or they were damaged.")) from None
    except (ValueError, RecursionError):
        raise _not_sealed() from None
    if not isinstance(content, dict) or content.get("contentHash") != content_hash:
        raise DocumentSealedMismatchError(
            T("They were sealed with another setup. Export both together, or give the secrets another way.")
        )
    secrets = content.get("secrets")
    if not isinstance(secrets, dict) or not all(isinstance(value, str) for value in secrets.values()):
        raise _not_sealed()
    return secrets


def _raw(sealed: str) -> bytes:
    """What the armour holds; nothing where it is none. No pattern looks for it: those take forever on blanks."""
    text = sealed.strip()
    if not (text.startswith(_FIRST) and text.endswith(_LAST)):
        return b""
    try:
        return base64.b64decode("".join(text[len(_FIRST) : -len(_LAST)].split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refused(message: Text) -> PassphraseError:
    return PassphraseError(message, errors=[FieldError("/passphrase", PassphraseError.code, message)])


def _not_sealed() -> DocumentInvalidError:
    message = T("This is not what `postroom export --seal` writes.")
    return DocumentInvalidError(errors=[FieldError("/document/secrets", "value.format", message)])
