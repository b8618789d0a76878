"""Changes the operator's keys while servers run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from webapp.db.keys import KeyFile
from webapp.db.rotation import Rotated, rotate
from webapp.domain.errors import PostroomError
from webapp.domain.roles import OPERATOR
from webapp.domain.text import T
from webapp.services.lock import alone
from webapp.services.wiring import Services


class KeysGivenError(PostroomError):
    """The keys come from POSTROOM_SECRET_KEYS, which only the operator can change. Take the old ones out there."""

    code = "keys.given"
    status = 409
    title = T("The keys come from POSTROOM_SECRET_KEYS")


class KeyTooYoungError(PostroomError):
    """A server may be about to store something that it encrypted under the key before. Repeat in a minute."""

    code = "keys.too_young"
    status = 409
    title = T("The newest key has only just been made")


SETTLED: Final = 60.0
"""Seconds after which nothing is on its way into the database that was encrypted before the newest key was made."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    rotated: Rotated
    keys: int
    """How many keys there are now, the newest included."""
    made: bool = False
    """Whether the newest was made for it."""
    removed: int = 0


class Keyring:
    """Rotates and removes keys. One command at a time; servers go on meanwhile."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._file = KeyFile(services.settings.data_dir)
        self._lock = services.settings.data_dir / "keys.lock"

    @property
    def given(self) -> bool:
        """Whether the keys come from the environment instead of the key file."""
        return bool(self._services.settings.secret_keys)

    def rotate(self) -> Rotation:
        """Encrypt everything under the newest key; where there is a key file, under a new one.

        The file gets the new key before the first value does, and servers read it as soon as it has changed.
        """
        with alone(self._lock):
            if not self.given:
                self._file.add()
            done = rotate(self._services.db, self._services.vault)
            keys = self._services.settings.secret_keys if self.given else self._file()
            self._note("keys.rotated", done)
        return Rotation(done, len(keys), made=not self.given)

    def prune(self) -> Rotation:
        """Take older keys out of the key file, once nothing is under them. Raises KeysGivenError, KeyTooYoungError."""
        if self.given:
            raise KeysGivenError(
                T("Run `postroom keys rotate`, then take the old keys out there and restart every server.")
            )
        with alone(self._lock):
            if len(self._file()) > 1 and self._file.age < SETTLED:
                raise KeyTooYoungError(T("Repeat in a minute: something encrypted before may just be on its way."))
            # What a server sealed in the very moment of the last rotation may still be under the key before.
            done = rotate(self._services.db, self._services.vault)
            removed = self._file.keep_newest()
            self._note("keys.pruned", done)
        return Rotation(done, 1, removed=removed)

    def _note(self, action: str, done: Rotated) -> None:
        with self._services.db.write() as session:
            self._services.audit.record(
                session, action, OPERATOR, values=done.values, renewed=done.renewed, unreadable=done.unreadable
            )
