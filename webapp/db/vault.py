"""Encryption at rest (MultiFernet) and comparison of secrets without showing them (HMAC)."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultKeyError(Exception):
    """The keys given cannot read what is stored. Set POSTROOM_SECRET_KEYS to the keys it was written with."""


class Vault:
    """Seals and opens values with the operator's keys, newest first; compares them by keyed hash.

    The hash has a random key of its own, stored wrapped, so that rotating the operator's keys changes no hash.
    """

    def __init__(self, keys: Sequence[str], hash_key: bytes = b"") -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._hash_key = hash_key

    def seal(self, value: Any) -> bytes:
        """Encrypt a JSON value."""
        return self._fernet.encrypt(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def open(self, sealed: bytes) -> Any:
        """Decrypt what ``seal`` made. Raises VaultKeyError when no key fits."""
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as exc:
            raise VaultKeyError("what is stored was encrypted with another key") from exc

    def rotate(self, sealed: bytes) -> bytes:
        """Encrypt anew under the newest key."""
        return self._fernet.rotate(sealed)

    def with_hash_key(self, hash_key: bytes) -> Vault:
        """The same keys with the database's hash key."""
        vault = Vault.__new__(Vault)
        vault._fernet, vault._hash_key = self._fernet, hash_key
        return vault

    def tag(self, purpose: str, *parts: str) -> str:
        """A keyed hash in hex: equal parts give equal tags, and nothing can be read off it."""
        if not self._hash_key:
            raise VaultKeyError("the vault has no hash key yet")
        message = "\x00".join((purpose, *parts)).encode()
        return hmac.new(self._hash_key, message, hashlib.sha256).hexdigest()


def load_keys(given: Sequence[str], data_dir: Path) -> tuple[str, ...]:
    """The operator's keys, else those of the key file in the data directory, which is made (mode 0600) when missing."""
    if given:
        return tuple(given)
    path = data_dir / "secret.keys"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return tuple(path.read_text().split())
    with os.fdopen(handle, "w") as file:
        file.write(Fernet.generate_key().decode() + "\n")
    return tuple(path.read_text().split())


def new_hash_key() -> bytes:
    """A fresh key for ``tag``."""
    return secrets.token_bytes(32)
