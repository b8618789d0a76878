"""Where the operator's keys come from: the environment, or a key file that running servers follow."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

KEY_FILE: Final = "secret.keys"

Keys = Callable[[], tuple[str, ...]]
"""Answers the keys that hold now, newest first."""


class KeyFile:
    """The keys in the data directory, one on each line, newest first.

    Whoever uses them asks anew each time, and the file is read again once it has changed: so a rotation reaches
    running servers before the first value under the new key does.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / KEY_FILE
        self._read: tuple[object, tuple[str, ...]] = (None, ())

    def __call__(self) -> tuple[str, ...]:
        """The keys as they stand in the file now; those read last, should it be out of reach."""
        seen, keys = self._read
        try:
            found = _identity(self.path)
            if found != seen:
                keys = tuple(self.path.read_text().split())
                self._read = (found, keys)
        except OSError:
            if not keys:
                raise
        return keys

    def make(self) -> None:
        """Make the file with one key, for its owner only, where there is none."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(handle, "w") as file:
            file.write(new_key() + "\n")

    def add(self) -> None:
        """Put a new key in front; the others stay, to read what they sealed."""
        self._write((new_key(), *self()))

    @property
    def age(self) -> float:
        """Seconds since the newest key is known."""
        return time.time() - self.path.stat().st_mtime

    def keep_newest(self) -> int:
        """Take all keys but the newest out; tells how many those were."""
        newest, *others = self()
        if others:
            self._write((newest,))
        return len(others)

    def _write(self, keys: Sequence[str]) -> None:
        """Replace the file in one step, so that nobody ever reads half of it."""
        owner = self.path.stat()
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    # An administrator rotates what the server's own user must be able to read.
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.write("".join(f"{key}\n" for key in keys))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            # What is sealed from now on is lost with the new key, so its name must be on the disk as well.
            os.fsync(folder)
        finally:
            os.close(folder)


def given_keys(keys: Sequence[str]) -> Keys:
    """Keys that stay what they are while the process lives."""
    fixed = tuple(keys)
    return lambda: fixed


def operator_keys(given: Sequence[str], data_dir: Path) -> Keys:
    """The keys that the operator gave, else those of the key file, which is made when missing."""
    if given:
        return given_keys(given)
    file = KeyFile(data_dir)
    file.make()
    return file


def new_key() -> str:
    """A fresh key."""
    return Fernet.generate_key().decode()


def _identity(path: Path) -> object:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
