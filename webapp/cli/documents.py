"""Setups in files: JSON or YAML 1.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from webapp.cli.output import BadInputError
from webapp.domain.errors import DocumentInvalidError, PayloadTooLargeError
from webapp.domain.tenant_document import TenantDocument
from webapp.services.transfer.reading import SIZE_LIMIT, parsed


def read_file(path: Path) -> Any:
    """Parse a file. Raises BadInputError where it cannot be opened, DocumentInvalidError where it says nothing."""
    try:
        with path.open("rb") as file:
            return parsed(file.read(SIZE_LIMIT + 1))
    except OSError as exc:
        raise BadInputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except PayloadTooLargeError as exc:
        raise BadInputError(f"{path} is too large. {exc.detail}") from None
    except DocumentInvalidError as exc:
        if exc.errors:
            raise
        raise BadInputError(f"{path} cannot be read. {exc.detail}") from None


def read_setup(path: Path) -> dict[str, Any]:
    """Read a setup from a file: the setup itself, or a tenant document that holds one."""
    value = read_file(path)
    if not isinstance(value, dict):
        raise BadInputError(f"{path} holds no setup: an object with connector, templates, flows … is expected.")
    return TenantDocument.of(value).setup if "format" in value else value
