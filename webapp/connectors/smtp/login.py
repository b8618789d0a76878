"""Logging in: with a password, or with access by OAuth 2.0."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError, SMTPResponse
from aiosmtplib.auth import auth_xoauth2_encode

from webapp.connectors.authorization import Kept
from webapp.connectors.smtp.config import LoginAuth, SmtpConfig
from webapp.connectors.smtp.diagnosis import Diagnosis
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.reply import Reply, cleaned
from webapp.connectors.smtp.token_login import Access
from webapp.domain.message import PhaseNote

METHODS: Final = ("plain", "login", "cram-md5")
"""Ways to log in with a password, the plainest first: under TLS nothing is gained by the others."""

_METHOD_UNKNOWN: Final = 504


class Login:
    """One login on an open connection. ``stays_here`` says whether that connection leaves this machine."""

    def __init__(
        self,
        config: SmtpConfig,
        client: aiosmtplib.SMTP,
        diagnosis: Diagnosis,
        *,
        encrypted: bool,
        stays_here: Callable[[], bool],
    ) -> None:
        self._config = config
        self._client = client
        self._diagnosis = diagnosis
        self._step = diagnosis.step
        self._encrypted = encrypted
        self._stays_here = stays_here

    async def by_password(self, auth: LoginAuth) -> None:
        """Show user name and password. Raises DeliveryError."""
        with self._step("auth", self._config.socket_timeout) as note:
            self._guard_credentials()
            methods = self._common_methods()
            user, password = auth.user, auth.password.get_secret_value()
            self._hide(password, *_encodings(user, password))
            for method in methods:
                try:
                    said(note, await self._prove(method, user, password))
                except SMTPAuthenticationError as exc:
                    # Only a method that the server turns out not to know is worth another try: a second wrong
                    # password may lock the account.
                    if exc.code != _METHOD_UNKNOWN or method == methods[-1]:
                        raise
                else:
                    return

    async def by_access(self, auth: OAuth2Auth, access: Access) -> None:
        """Fetch an access token and show it. Raises DeliveryError."""
        with self._step("token", access.milliseconds) as note:
            kept = await access.token()
            note.text = access.told(kept)
        with self._step("auth", self._config.socket_timeout) as note:
            self._guard_credentials()
            if "xoauth2" not in self._client.server_auth_methods:
                raise self._diagnosis.refusal("smtp.xoauth2_not_offered", offered=self._offered() or "-")
            try:
                said(note, await self._show(auth.user, kept))
            except SMTPAuthenticationError as exc:
                # What was kept may have been taken back since; what is new is refused for another reason.
                if not kept.before or exc.code < 500:
                    raise
                said(note, await self._show(auth.user, await access.token(rejected=kept.tokens.access_token)))

    async def _show(self, user: str, kept: Kept) -> SMTPResponse:
        token = kept.tokens.access_token.get_secret_value()
        self._hide(token, auth_xoauth2_encode(user, token).decode())
        return await self._client.auth_xoauth2(user, token)

    def _offered(self) -> str:
        return ", ".join(cleaned(method, 40).upper() for method in self._client.server_auth_methods[:10])

    def _guard_credentials(self) -> None:
        """Let no password out in clear, whatever the server offers; to this machine itself it is no risk."""
        if self._encrypted or self._config.allow_insecure_auth or self._stays_here():
            return
        raise self._diagnosis.refusal("smtp.credentials_in_clear")

    def _common_methods(self) -> Sequence[str]:
        offered = self._client.server_auth_methods
        if not offered:
            raise self._diagnosis.refusal("smtp.auth_not_offered")
        methods = [method for method in METHODS if method in offered]
        if not methods:
            raise self._diagnosis.refusal("smtp.auth_method_not_offered", offered=self._offered())
        # In clear, CRAM-MD5 at least keeps the password itself back.
        return methods if self._encrypted else methods[::-1]

    async def _prove(self, method: str, user: str, password: str) -> SMTPResponse:
        if method == "plain":
            return await self._client.auth_plain(user, password)
        if method == "login":
            return await self._client.auth_login(user, password)
        return await self._client.auth_crammd5(user, password)

    def _hide(self, *secrets: str) -> None:
        if self._diagnosis.protocol:
            self._diagnosis.protocol.hide_credentials(*secrets)


def said(note: PhaseNote, response: SMTPResponse) -> Reply:
    """Write a server's answer down in its phase."""
    reply = Reply.of(response.code, response.message)
    note.code, note.enhanced_code, note.text = reply.code, reply.enhanced_code, reply.text
    return reply


def _encodings(user: str, password: str) -> list[str]:
    plain = f"\0{user}\0{password}".encode()
    return [base64.b64encode(each).decode() for each in (plain, password.encode())]
