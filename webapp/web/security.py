"""Who gets to which page: every route says what it needs, and nothing answers without having asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import ForbiddenError
from webapp.domain.roles import Permission
from webapp.domain.text import T
from webapp.web.context import current_actor, current_person, services
from webapp.web.demanded import owes_second_factor

View = Callable[..., ResponseReturnValue]


class Gate(StrEnum):
    """What a route outside the tenants needs."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    ADMINISTRATOR = "administrator"


class SessionOverError(ForbiddenError):
    """The session has ended, so nothing was done. Sign in again; what was typed is kept."""

    code = "session.over"
    status = 419
    title = T("Your session is over")


class SecondFactorRequiredError(ForbiddenError):
    """The operator demands a second factor of this person, who has none. It is set up on the account's page."""

    code = "account.second_factor_required"
    title = T("A second factor is required")


def public_route(bp: Blueprint, rule: str, *, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Register a page that needs nobody. There are few; a test lists them."""

    def register(view: View) -> View:
        @wraps(view)
        def unguarded(**values: Any) -> ResponseReturnValue:
            return view(**values)

        return _register(bp, rule, unguarded, Gate.PUBLIC, methods)

    return register


def person_route(
    bp: Blueprint, rule: str, *, methods: Sequence[str] = ("GET",), pays_debt: bool = False
) -> Callable[[View], View]:
    """Register a page for whoever is signed in.

    ``pays_debt``: also for those of whom a second factor is demanded and who have none yet, to set one up.
    """

    def register(view: View) -> View:
        @wraps(view)
        def guarded(**values: Any) -> ResponseReturnValue:
            return _turned_away(pays_debt) or view(**values)

        return _register(bp, rule, guarded, Gate.SIGNED_IN, methods)

    return register


def administrator_route(bp: Blueprint, rule: str, *, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Register a page for the administrators of the installation."""

    def register(view: View) -> View:
        @wraps(view)
        def guarded(**values: Any) -> ResponseReturnValue:
            turned_away = _turned_away()
            if turned_away:
                return turned_away
            if not current_actor().administrator:
                raise ForbiddenError(T("This page is for the administrators of the installation."))
            return view(**values)

        return _register(bp, rule, guarded, Gate.ADMINISTRATOR, methods)

    return register


def tenant_route(
    bp: Blueprint, rule: str, *, permission: Permission, methods: Sequence[str] = ("GET",)
) -> Callable[[View], View]:
    """Register a page below ``/t/<tenant>`` that needs a permission there.

    ``rule`` is what follows ``/t/<tenant>``, such as ``/history``. The view is called without ``tenant``: its
    standing is ``current_access()``. ``url_for`` fills ``tenant`` in by itself on tenant pages. A view has one
    permission, so what reads and what changes are two views.
    """

    def register(view: View) -> View:
        @wraps(view)
        def guarded(tenant: str, **values: Any) -> ResponseReturnValue:
            turned_away = _turned_away()
            if turned_away:
                return turned_away
            # A stranger to the tenant gets a 404 here, whether it exists or not.
            g.access = services().tenants.access(current_actor(), tenant)
            if not g.access.may(permission):
                raise ForbiddenError
            return view(**values)

        return _register(bp, f"/t/<tenant>{rule}", guarded, permission, methods)

    return register


def safe_next(target: str | None) -> str | None:
    """A path on this site to go on to, or nothing: never another site, whatever it is dressed as."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(char) <= 32 or char == "\\" for char in target):  # browsers drop control characters and read \ as /
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def _turned_away(pays_debt: bool = False) -> ResponseReturnValue | None:
    if current_person():
        return None if pays_debt or not owes_second_factor() else _led_to_second_factor()
    if request.method not in ("GET", "HEAD") or request.headers.get("HX-Request"):
        # Not a redirect: what was typed would be lost with it.
        raise SessionOverError
    return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))


def _led_to_second_factor() -> ResponseReturnValue:
    if request.method not in ("GET", "HEAD") or request.headers.get("HX-Request"):
        raise SecondFactorRequiredError(T("Set up two-step verification first. Nothing was changed."))
    return redirect(url_for("account.secure", next=request.full_path.rstrip("?")))


def _register(bp: Blueprint, rule: str, view: View, permission: StrEnum, methods: Sequence[str]) -> View:
    view.permission = permission  # type: ignore[attr-defined]  # for the test that walks all routes
    bp.add_url_rule(rule, view.__name__, view, methods=list(methods))
    return view
