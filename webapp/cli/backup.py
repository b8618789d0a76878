"""The command that copies the database."""

from __future__ import annotations

from pathlib import Path

import click

from webapp.cli.installation import read_settings
from webapp.cli.output import BadInputError, FailedError, json_option, report, report_json
from webapp.db.backup import BackupError, copy_to
from webapp.db.keys import KEY_FILE


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Copy the database to FILE as it is now, while servers run. It holds no keys: keep those apart from it.

    To restore: stop the server, put FILE in the place of postroom.db in the data directory, delete postroom.db-wal and
    postroom.db-shm beside it, put the keys where they were, start. `postroom doctor` tells whether the keys fit.
    """
    settings = read_settings()
    if not settings.resolved_database_url.startswith("sqlite"):
        raise BadInputError(
            "This installation's database is PostgreSQL, which has tools of its own for this: "
            "pg_dump --format=custom --file=FILE DATABASE, and pg_restore."
        )
    if file.exists() or file.is_symlink():
        raise BadInputError(f"{file} is there already; a backup overwrites nothing.")
    if not file.absolute().parent.is_dir():
        raise BadInputError(f"There is no folder {file.absolute().parent}.")
    try:
        size = copy_to(settings.resolved_database_url, file)
    except BackupError as exc:
        raise FailedError(f"{str(exc)[0].upper()}{str(exc)[1:]}.") from exc
    keys = "POSTROOM_SECRET_KEYS" if settings.secret_keys else str(settings.data_dir / KEY_FILE)
    if as_json:
        report_json({"file": str(file), "bytes": size, "keys": keys, "holdsKeys": False})
    else:
        report(f"Copied the database to {file} ({size} bytes).")
        report(f"It holds no keys. Keep {keys} apart from it: without them its secrets cannot be read.")
