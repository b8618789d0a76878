"""The composition root: puts services, pages and API together into one Flask app."""

from __future__ import annotations

from typing import Final

from flask import Flask
from flask_babel import Babel
from flask_security import Security
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.accounts import Accounts, AccountStore, Directory, Federation, Installation, Passkeys, SecondFactor
from webapp.api.blueprint import bp as api
from webapp.connectors import CONNECTORS
from webapp.connectors.belongings import translations_of
from webapp.domain.errors import PostroomError
from webapp.resources import resource
from webapp.services import sessions
from webapp.services.openid import openid_provider
from webapp.services.wiring import build
from webapp.settings import Settings
from webapp.web import (
    account,
    connector,
    errors,
    frame,
    health,
    history,
    inbox,
    invitation,
    links,
    logos,
    metrics,
    migrate,
    openid,
    overview,
    people,
    requests,
    tenants,
)
from webapp.web.assets import Assets
from webapp.web.settings import PARTS as SETTINGS

LARGEST_BODY: Final = 5 * 1024 * 1024


def create_app(settings: Settings) -> Flask:
    """Make the app that serves the console and the API. Tables need not exist before the first page."""
    services = build(settings)
    app = Flask("webapp", static_folder=None, template_folder=str(resource("templates")))
    app.jinja_options = {
        "trim_blocks": True,
        "lstrip_blocks": True,
        "undefined": StrictUndefined,
        "finalize": frame.shown,
    }
    app.config.update(_configuration(settings))
    app.extensions["postroom"] = services
    app.extensions["postroom.accounts"] = Accounts(services.db, services.audit)
    app.extensions["postroom.installation"] = Installation(services.db)
    app.extensions["postroom.federation"] = Federation(services.db, services.audit)
    app.extensions["postroom.directory"] = Directory(services.db, services.audit)
    app.extensions["postroom.openid"] = openid_provider(settings, services.loop)
    second_factor = SecondFactor(services.db, services.vault, services.audit)
    app.extensions["postroom.second_factor"] = second_factor
    app.extensions["postroom.passkeys"] = Passkeys(services.db, services.vault, second_factor, services.audit)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    requests.configure_logs()
    requests.init_app(app, settings, services)
    Assets(resource("static")).init_app(app)
    Babel(app, locale_selector=frame.locale, default_translation_directories=_translations())
    csrf = CSRFProtect(app)
    Security(app, AccountStore(services.db), register_blueprint=False)
    frame.init_app(app)
    logos.init_app(app)
    for part in (
        frame,
        health,
        metrics,
        account,
        overview,
        connector,
        migrate,
        history,
        inbox,
        invitation,
        openid,
        people,
        tenants,
        links,
        logos,
        *SETTINGS,
    ):
        app.register_blueprint(part.bp)
    csrf.exempt(api)
    app.register_blueprint(api)
    app.register_error_handler(PostroomError, errors.of_domain)
    app.register_error_handler(HTTPException, errors.of_http)
    return app


def _translations() -> str:
    """The folders of translations. Ours come last: of two translations of a text, the later one counts."""
    return ";".join([*(str(each) for each in map(translations_of, CONNECTORS.others()) if each), "translations"])


def _configuration(settings: Settings) -> dict[str, object]:
    secure = settings.base_url.startswith("https:")
    return {
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "SESSION_COOKIE_NAME": "__Host-postroom" if secure else "postroom",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "PERMANENT_SESSION_LIFETIME": sessions.LIFETIME,
        # The token lives as long as the session: a form left open over lunch can still be sent.
        "WTF_CSRF_TIME_LIMIT": None,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_SALT": None,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_REGISTERABLE": False,
        "SECURITY_RECOVERABLE": False,
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_CLI_USERS_NAME": False,
        "SECURITY_CLI_ROLES_NAME": False,
    }
