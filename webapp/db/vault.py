"""Encryption at rest (MultiFernet) and comparison of secrets without showing them (HMAC)."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.exc import IntegrityError

from webapp.db.keys import Keys, given_keys
from webapp.db.models import WrappedKeyRow
from webapp.db.session import Database


class VaultKeyError(Exception):
    """The keys given cannot read what is stored. Set POSTROOM_SECRET_KEYS to the keys it was written with."""


class Vault:
    """Seals and opens values with the operator's keys, newest first; compares them by keyed hash.

    The keys are asked for at each use, because a running server follows a key file that changes. The hash has a random
    key of its own, stored wrapped, so that rotating the operator's keys changes no hash.
    """

    def __init__(self, keys: Sequence[str] | Keys, hash_key: bytes | Callable[[], bytes] = b"") -> None:
        self._keys = keys if callable(keys) else given_keys(keys)
        given = self._given()
        self._known = given, _ciphers(given)
        self._hash_key = hash_key
        self._loading = threading.Lock()

    def __repr__(self) -> str:
        return "Vault(…)"

    def seal(self, value: Any) -> bytes:
        """Encrypt a JSON value."""
        return self._ciphers()[0].encrypt(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def open(self, sealed: bytes) -> Any:
        """Decrypt what ``seal`` made. Raises VaultKeyError when no key fits."""
        try:
            return json.loads(MultiFernet(self._ciphers()).decrypt(sealed))
        except InvalidToken as exc:
            raise VaultKeyError(_ANOTHER_KEY) from exc

    def rotate(self, sealed: bytes) -> bytes:
        """Encrypt anew under the newest key; what is under it already stays as it is. Raises VaultKeyError."""
        newest, *older = self._ciphers()
        try:
            newest.decrypt(sealed)
        except InvalidToken:
            try:
                return MultiFernet([newest, *older]).rotate(sealed)
            except InvalidToken as exc:
                raise VaultKeyError(_ANOTHER_KEY) from exc
        return sealed

    def with_hash_key(self, hash_key: bytes | Callable[[], bytes]) -> Vault:
        """The same keys with the database's hash key, or with a function that reads it at its first use."""
        vault = copy.copy(self)
        vault._hash_key, vault._loading = hash_key, threading.Lock()
        return vault

    def _given(self) -> tuple[str, ...]:
        try:
            return self._keys()
        except OSError as exc:
            raise VaultKeyError(f"the key file cannot be read: {exc.strerror}") from exc

    def _ciphers(self) -> tuple[Fernet, ...]:
        known, ciphers = self._known
        given = self._given()
        if given is known:
            return ciphers
        try:
            ciphers = _ciphers(given)
        except VaultKeyError:
            # Somebody is at work on the file by hand. What held until now holds on.
            return ciphers
        self._known = given, ciphers
        return ciphers

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


_ANOTHER_KEY = "what is stored was encrypted with another key"


def _ciphers(keys: Sequence[str]) -> tuple[Fernet, ...]:
    try:
        ciphers = tuple(Fernet(key) for key in keys)
    except ValueError:
        # The library's own message is silent about where the key came from, and its cause shows the key.
        raise VaultKeyError("a key is 32 random bytes in URL-safe base64, as Fernet.generate_key() makes") from None
    if not ciphers:
        raise VaultKeyError("there is no key in the key file")
    return ciphers


def vault_of(database: Database, keys: Sequence[str] | Keys) -> Vault:
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


def new_hash_key() -> bytes:
    """A fresh key for ``tag``."""
    return secrets.token_bytes(32)
