"""What tenants may be called."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from webapp.domain.errors import FieldError, InputError
from webapp.domain.roles import Environment
from webapp.domain.text import T

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""No underscore and no double hyphen: the slug is part of variables' names, where two underscores separate."""
_SLUG_LIMIT: Final = 64


def suggested_slug(name: str) -> str:
    """A short name made of a name; empty where none of its letters can stand in one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LIMIT].strip("-")


def checked(slug: str, name: str, environment: Environment | str) -> Environment:
    """Judge what a new tenant is to be called and be. Raises InputError with pointers."""
    errors = []
    if not _SLUG.fullmatch(slug) or len(slug) > _SLUG_LIMIT:
        expected = T("Use up to 64 lower-case letters and digits with single hyphens between, such as acme-dev.")
        errors.append(FieldError("/slug", "tenant.slug_invalid", expected))
    errors += name_errors(name)
    if environment not in list(Environment):
        expected = T("The environment is development or production.")
        errors.append(FieldError("/environment", "tenant.environment_invalid", expected))
    if errors:
        raise InputError(errors=errors)
    return Environment(environment)


def name_errors(name: str) -> list[FieldError]:
    """What is wrong with a name."""
    if name.strip() and len(name) <= 120 and name.isprintable():
        return []
    return [FieldError("/name", "tenant.name_invalid", T("A name has 1 to 120 characters on one line."))]
