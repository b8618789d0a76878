"""Encryption at rest (MultiFernet) and comparison of secrets without showing them (HMAC)."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.exc import IntegrityError

from webapp.db.models import WrappedKeyRow
from webapp.db.session import Database


class VaultKeyError(Exception):
    """The keys given cannot read what is stored. Set POSTROOM_SECRET_KEYS to the keys it was written with."""


class Vault:
    """Seals and opens values with the operator's keys, newest first; compares them by keyed hash.

    The hash has a random key of its own, stored wrapped, so that rotating the operator's keys changes no hash.
    """

    def __init__(self, keys: Sequence[str], hash_key: bytes | Callable[[], bytes] = b"") -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            # The library's own message is silent about where the key came from, and its cause shows the key.
            raise VaultKeyError("a key is 32 random bytes in URL-safe base64, as Fernet.generate_key() makes") from None
        self._hash_key = hash_key
        self._loading = threading.Lock()

    def __repr__(self) -> str:
        return "Vault(…)"

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

    def with_hash_key(self, hash_key: bytes | Callable[[], bytes]) -> Vault:
        """The same keys with the database's hash key, or with a function that reads it at its first use."""
        vault = copy.copy(self)
        vault._hash_key, vault._loading = hash_key, threading.Lock()
        return vault

    def tag(self, purpose: str, *parts: str) -> str:
        """A keyed hash in hex: equal parts give equal tags, and nothing can be read off it."""
        message = json.dumps((purpose, *parts)).encode()
        return hmac.new(self._loaded_hash_key(), message, hashlib.sha256).hexdigest()

    def _loaded_hash_key(self) -> bytes:
        if callable(self._hash_key):
            with self._loading:
                if callable(self._hash_key):
                    self._hash_key = self._hash_key()
        if not self._hash_key:
            raise VaultKeyError("the vault has no hash key yet")
        return self._hash_key


def vault_of(database: Database, keys: Sequence[str]) -> Vault:
    """The vault of a database. Its hash key is read, or made, at the first use: tables need not exist before."""
    vault = Vault(keys)
    return vault.with_hash_key(lambda: _hash_key(database, vault))


_HASH_KEY = "hash"


def _hash_key(database: Database, vault: Vault) -> bytes:
    try:
        with database.write() as session:
            row = session.get(WrappedKeyRow, _HASH_KEY)
            if row is None:
                row = WrappedKeyRow(name=_HASH_KEY, key=vault.seal(new_hash_key().hex()))
                session.add(row)
                session.flush()
            return bytes.fromhex(vault.open(row.key))
    except IntegrityError:
        # Another process made it between our look and our insert (PostgreSQL; SQLite queues writers).
        with database.read() as session:
            return bytes.fromhex(vault.open(session.get_one(WrappedKeyRow, _HASH_KEY).key))


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
