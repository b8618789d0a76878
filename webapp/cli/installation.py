"""This machine's installation, as commands work on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from webapp.cli.output import FailedError, settings_error
from webapp.db.vault import VaultKeyError
from webapp.services.examination import keys_do_not_fit, prepare
from webapp.services.wiring import Services, build
from webapp.settings import Settings


def read_settings() -> Settings:
    """The operator's settings, or a sentence about the one that cannot be read."""
    try:
        return Settings()
    except ValidationError as exc:
        raise settings_error(exc) from exc


@contextmanager
def installed(settings: Settings | None = None, *, migrating: bool = False) -> Iterator[Services]:
    """The services on a migrated database; only commands that start an installation migrate it themselves."""
    settings = settings or read_settings()
    try:
        prepare(settings, migrating=migrating)
        services = build(settings)
        try:
            yield services
        finally:
            services.close()
    except VaultKeyError as exc:
        raise FailedError(keys_do_not_fit(exc)) from exc
