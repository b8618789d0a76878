"""SMTP, the one protocol that every provider speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.connectors.authorization import Identity
from webapp.connectors.base import Connector, Destination, Preset
from webapp.connectors.recipe import Recipe
from webapp.connectors.showing import Shown
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.connection import proxy_of, vouchers_of
from webapp.connectors.smtp.contradictions import cautions, contradictions
from webapp.connectors.smtp.granting import token_url_of
from webapp.connectors.smtp.mime import envelope
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.places import Place
from webapp.connectors.smtp.presets import presets
from webapp.connectors.smtp.problems import RECIPES
from webapp.connectors.smtp.session import SMTPSession
from webapp.connectors.smtp.token_login import identity_of
from webapp.domain.address import ascii_host
from webapp.domain.message import Mail, Receipt, Trace
from webapp.domain.problem import Problem
from webapp.domain.text import T


class SmtpConnector(Connector[SmtpConfig]):
    """Hand mail to any server that speaks SMTP."""

    kind = "smtp"
    title = "SMTP"
    summary = T("Choose this for any mail server that you have host, port and credentials of.")
    config_model = SmtpConfig
    badges = (T("SMTP"), T("User name and password"))
    group = "other"
    starts = {"port": 587, "security": "starttls", "auth": {"type": "login"}}
    phases = (
        "resolve",
        "connect",
        "tls",
        "greeting",
        "ehlo",
        "starttls",
        "token",
        "auth",
        "mail_from",
        "rcpt_to",
        "data",
    )

    @classmethod
    def presets(cls) -> tuple[Preset, ...]:
        return presets()

    @classmethod
    def contradictions(cls, config: Mapping[str, Any]) -> list[tuple[str, Problem]]:
        return contradictions(config)

    @classmethod
    def cautions(cls, config: Mapping[str, Any]) -> list[Problem]:
        return cautions(config)

    @classmethod
    def known_problems(cls) -> Mapping[str, Recipe]:
        return RECIPES

    @classmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:
        """The host receives the password; the name that its certificate must carry vouches for it."""
        host, port = _host(config.get("host")), _written(config.get("port"))
        security = _written(config.get("security")) or "starttls"
        in_clear = security in ("opportunistic", "none") and config.get("allowInsecureAuth") is True
        return Destination(
            place=host,
            port=int(port) if port.isdecimal() and len(port) <= 5 else None,
            protection=f"{security}, in clear" if in_clear else security,
            verified=vouchers_of(config, _host(config.get("servername")) or host),
            via=proxy_of(config),
            token_url=token_url_of(config.get("auth")),
        )

    @classmethod
    def identity(cls, config: SmtpConfig) -> Identity | None:
        auth = config.auth
        return identity_of(auth, config.host) if isinstance(auth, OAuth2Auth) and auth.token_url else None

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        skipped = set() if sending else {"mail_from", "rcpt_to", "data"}
        if self.config.security != "tls":
            skipped.add("tls")
        if self.config.security in ("tls", "none"):
            skipped.add("starttls")
        if self.config.auth.type == "none":
            skipped.add("auth")
        if self.config.auth.type != "oauth2":
            skipped.add("token")
        return tuple(phase for phase in self.phases if phase not in skipped)

    async def shown(self, mail: Mail) -> Shown:
        return Shown("message/rfc822", envelope(mail, self.config).content)

    async def check(self, trace: Trace) -> None:
        session = SMTPSession(self.config, self.network, trace, self.means.tokens)
        place = await Place.take(self.config)
        try:
            await session.open()
        finally:
            place.free_after(session.close())

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        message = envelope(mail, self.config)
        session = SMTPSession(self.config, self.network, trace, self.means.tokens)
        place = await Place.take(self.config)
        try:
            await session.open()
            return await session.deliver(message)
        finally:
            place.free_after(session.close())


def _written(value: object) -> str:
    return str(value).strip().lower() if isinstance(value, str | int) else ""


def _host(value: object) -> str:
    name = _written(value).strip("[]").rstrip(".")
    try:
        return ascii_host(name)
    except ValueError:  # not a name yet; its own field says so
        return name
