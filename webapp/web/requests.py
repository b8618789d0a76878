"""What happens around every request: its id, its log line, the host it may ask for, the headers it is answered with."""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import sys
import time
import traceback
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from werkzeug.routing import IntegerConverter, Map

from webapp.db.vault import Vault
from webapp.domain.errors import PostroomError
from webapp.domain.text import T
from webapp.services.wiring import Services
from webapp.settings import Settings
from webapp.web.context import unattended

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_WITHOUT_SESSION: Final = ("/static/", "/livez", "/readyz", "/metrics", "/api/")
_ANY_HOST: Final = ("/livez", "/readyz", "/metrics")
"""Orchestrators and Prometheus ask by whatever address they know."""
_ONE_TIME_LINKS: Final = ("/setup/", "/invitation/", "/password/", "/sign-in/link/")
_LOOPBACK_NAMES: Final = ("localhost",)

log = structlog.get_logger("postroom.web")


class UnknownHostError(PostroomError):
    """The console was asked for by a name that is not its own. Set POSTROOM_PUBLIC_URL to the address that is used."""

    code = "request.unknown_host"
    status = 400
    title = T("This is not the console's address. The operator sets it with POSTROOM_PUBLIC_URL.")


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie, for pages only: style sheets may be cached by anybody, the API reads no cookie."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith(_WITHOUT_SESSION):
            return SecureCookieSession()
        if not app.secret_key:
            # From the database's own key: rotating the operator's keys signs nobody out. Read at the first page,
            # so that a process can say that it is not ready before there are tables.
            app.secret_key = self._vault.tag("session-key")
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not request.path.startswith(_WITHOUT_SESSION):
            super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        if g.get("session_is_answered"):
            return False
        if unattended() and not session.modified:
            return False
        return super().should_set_cookie(app, session)


class Number(IntegerConverter):
    """A number in a path that the databases can compare; there is nothing at larger ones."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:  # noqa: A002  Werkzeug's name
        super().__init__(map, *args, **{"max": 2**31 - 1} | options)


def init_app(app: Flask, settings: Settings, services: Services) -> None:
    """Put all of it around the app. Comes before any route."""
    app.url_map.converters["int"] = Number
    app.session_interface = Sessions(services.vault)
    headers = security_headers(settings)
    hosts = _Hosts(settings)

    app.log_exception = _log_crash  # type: ignore[assignment, method-assign]

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        if request.path not in _ANY_HOST and not hosts.allowed(request.host):
            raise UnknownHostError

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.headers.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-Id"] = g.get("request_id", "")
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule else None
        services.metrics.request(request.method, route, response.status_code, seconds)
        if request.endpoint != "static":
            log.info(
                "request",
                method=request.method,
                # The path only: a query string may hold what somebody searched for.
                path=_without_secret(request.path),
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                request_id=g.get("request_id"),
            )
        return response


def _log_crash(crash: tuple[Any, ...]) -> None:
    """Say where the console failed, but not what the exception says: its words may repeat what somebody typed."""
    kind, _, where = crash
    log.error(
        "request.crashed",
        error=kind.__name__ if kind else None,
        where="".join(traceback.format_tb(where)),
        route=request.url_rule.rule if request.url_rule else None,
        request_id=g.get("request_id"),
    )


def security_headers(settings: Settings) -> Secure:
    """The headers that every answer carries. The policy has no exceptions: no inline script, no inline style."""
    policy = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .font_src("'self'")
        .connect_src("'self'")
        .frame_src("'self'")
        .form_action("'self'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
    )
    return Secure(
        csp=policy,
        hsts=StrictTransportSecurity().max_age(31536000) if settings.base_url.startswith("https:") else None,
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().camera("()").geolocation("()").microphone("()"),
    )


def configure_logs() -> None:
    """Write one JSON line per event to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _without_secret(path: str) -> str:
    """The path for the log; of a one-time link only what it is for."""
    area = next((area for area in _ONE_TIME_LINKS if path.startswith(area)), None)
    return f"{area}…" if area else path


class _Hosts:
    """Which hosts a browser may ask for: a page under another name could be read by that name's owner."""

    def __init__(self, settings: Settings) -> None:
        self._public = urlsplit(settings.base_url).hostname or ""
        self._anywhere = settings.public_url is None

    def allowed(self, host: str) -> bool:
        name = (urlsplit(f"//{host}").hostname or "").lower()
        if name == self._public:
            return True
        # Without a public URL: a bare address or localhost, which nobody can point elsewhere by DNS.
        return self._anywhere and (name in _LOOPBACK_NAMES or _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
