"""This machine's installation, as commands work on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from webapp.cli.output import BadInputError, FailedError, settings_error
from webapp.db.vault import VaultKeyError
from webapp.services.examination import prepare
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
    prepare(settings, migrating=migrating)
    try:
        services = _built(settings)
        try:
            yield services
        finally:
            services.close()
    except VaultKeyError as exc:
        raise FailedError(f"{exc}. Set POSTROOM_SECRET_KEYS to the keys that it was written with.") from exc


def _built(settings: Settings) -> Services:
    try:
        return build(settings)
    except ValueError as exc:
        raise BadInputError(f"{exc}.") from exc
