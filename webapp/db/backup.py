"""A copy of an SQLite database as it is at one moment, made while others write."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import make_url


class BackupError(Exception):
    """No copy was made. The message says why; what stood at the destination is untouched."""


def copy_to(url: str, destination: Path) -> int:
    """Copy an SQLite database to a file that is not there yet, for its owner only; tells its size in bytes.

    It may be one that waits for its migration: that is when backups are made.
    """
    source = Path(make_url(url).database or "")
    if not source.is_file():
        raise BackupError(f"there is no database {source}")
    if destination.exists() or destination.is_symlink():
        raise BackupError(f"{destination} is there already; a backup overwrites nothing")
    # The copy gets its name only once it is whole, so that nobody restores half of one.
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(source, partial)
            _name(partial, destination)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise BackupError(f"cannot write {destination}: {exc.strerror}") from exc
    except sqlite3.Error as exc:
        raise BackupError(f"SQLite could not copy the database: {exc}") from exc
    return destination.stat().st_size


def _copy(path: Path, partial: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, timeout=60)) as source,
        closing(sqlite3.connect(partial)) as target,
    ):
        # All pages in one step: they are of one moment, and with the write-ahead log no writer waits for it.
        source.backup(target, pages=-1)
        # The copy is one file: without this it would ask for a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise BackupError(f"the database is damaged: {verdict}")
    with partial.open("rb") as file:
        os.fsync(file.fileno())


def _name(partial: Path, destination: Path) -> None:
    try:
        # Unlike renaming, this overwrites nothing that came there in the meantime.
        destination.hardlink_to(partial)
    except FileExistsError:
        raise BackupError(f"{destination} is there already; a backup overwrites nothing") from None
    except OSError:
        # A file system without hard links.
        partial.rename(destination)
    folder = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
