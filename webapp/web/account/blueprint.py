"""The blueprint of signing in and of one's own account, and what its pages share."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort

from webapp.accounts import AccountError, Person
from webapp.web.context import current_person
from webapp.web.frame import translated

bp: Final = Blueprint("account", __name__)


def somebody() -> Person:
    """The person who is signed in. Only behind a route that needs one."""
    person = current_person()
    if person is None:
        abort(403)
    return person


def refuse(form: Any, error: AccountError) -> None:
    """Put what the accounts refused beside its field."""
    for each in error.errors:
        field = form[each.pointer.removeprefix("/")]
        field.errors = [*field.errors, translated(each.message)]
