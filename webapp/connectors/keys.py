"""Private keys that sign for a service account, as people paste them: a key file in JSON, or PEM alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import SecretStr

_NO_KEY = (
    "There is no key here. Paste the whole JSON file that the provider made for the service account, or the private "
    "key in PEM, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----."
)
_ANOTHER_FILE = (
    "This JSON file is not the key of a service account: it has no private_key. Make a JSON key for the service "
    "account; the file of an OAuth client is something else."
)
_LOCKED = (
    "This key is locked with a passphrase. Unlock it with “openssl pkey -in locked.pem -out key.pem” and paste that."
)
_NOT_RSA = "This key is not an RSA key. Service accounts sign with RSA keys; make a new key for the account."


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A service account's key and address. What else stands in a key file, its token URL above all, is not used."""

    private_key: SecretStr = field(repr=False)
    client: str = ""
    """The account's address, where the file says it."""


def read_key_file(text: str) -> KeyFile:
    """Read a pasted key. Raises ValueError with words for an admin, never of the key itself."""
    client = ""
    pem = text.strip()
    if pem.startswith("{"):
        try:
            document = json.loads(pem)
        except (ValueError, RecursionError):
            raise ValueError(_NO_KEY) from None
        key, address = document.get("private_key"), document.get("client_email")
        if not isinstance(key, str):
            raise ValueError(_ANOTHER_FILE)
        pem, client = key.strip(), address.strip() if isinstance(address, str) else ""
    if "ENCRYPTED" in pem:
        raise ValueError(_LOCKED)
    # Environment variables and other systems' forms carry line ends as two characters.
    pem = pem.replace("\\n", "\n")
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise ValueError(_NO_KEY) from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(_NOT_RSA)  # noqa: TRY004  what was pasted is wrong, not a type of ours
    return KeyFile(SecretStr(pem), client)
