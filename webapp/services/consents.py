"""Consent in the browser: somebody signs in at the provider, and what comes back is the refresh token of a login."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import asdict, dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import SecretStr

from webapp.connectors.authorization import Client, Endpoint, TokenRefusedError, Tokens, by_code
from webapp.connectors.network import Network
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.granting import REFRESH, provider_of
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.way import Way
from webapp.db.session import Database
from webapp.domain.message import DeliveryError
from webapp.domain.roles import Access
from webapp.domain.text import T, Text
from webapp.services.audit import Audit
from webapp.services.loop import BackgroundLoop

PATIENCE: Final = 600
"""Seconds that somebody may take at the provider."""
_EXCHANGE_SECONDS: Final = 60
_IDENTITY: Final = ("openid", "email")
"""Asked for beside, to know who consented."""
_BESIDE: Final = frozenset({"offline_access", "openid", "email", "profile"})
"""Scopes that are no access to mail, and that providers leave out of what they say was granted."""


class ConsentError(Exception):
    """The consent came to nothing. The text says why and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent that was begun: what was asked, of whom, for whom. Kept sealed in the session of who began it."""

    state: str
    nonce: str
    verifier: str
    tenant: int
    person: int
    at: int
    user: str
    client_id: str
    token_url: str
    authorize_url: str
    scope: str
    provider: str

    @classmethod
    def begin(cls, auth: OAuth2Auth, tenant: int, slug: str, person: int) -> Self:
        """Begin one for a login. Raises ConsentError where the provider's page is not known."""
        known = provider_of(auth.provider, auth.tenant_id or "")
        address = known.authorize_url if known else auth.authorize_url
        if not address:
            raise ConsentError(T("Give the authorisation URL: the page where somebody signs in and consents."))
        return cls(
            # Where to say what went wrong stands in it too; whoever changes that only changes where it is said.
            state=f"{slug}.{generate_token(43)}",
            nonce=generate_token(32),
            verifier=generate_token(64),
            tenant=tenant,
            person=person,
            at=int(time.time()),
            user=auth.user,
            client_id=auth.client_id or "",
            token_url=auth.token_url,
            authorize_url=address,
            scope=auth.asked_scope,
            provider=auth.provider,
        )

    @classmethod
    def kept(cls, content: Any) -> Self | None:
        """Read one that was kept; None where it is of another kind or too old."""
        try:
            consent = cls(**content)
        except TypeError:
            return None
        return consent if 0 <= time.time() - consent.at < PATIENCE else None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def host(self) -> str:
        """Where the person goes."""
        return urlsplit(self.authorize_url).hostname or ""

    def still_asked(self, auth: OAuth2Auth) -> bool:
        """Whether a login still is the one that the consent was asked for."""
        now = (auth.grant, auth.client_id, auth.token_url, auth.asked_scope, auth.provider)
        return now == (REFRESH, self.client_id, self.token_url, self.scope, self.provider)

    def address(self, redirect_uri: str) -> str:
        """The provider's page with everything that is asked."""
        more = {"access_type": "offline", "prompt": "consent"} if self.provider == "google" else {"prompt": "consent"}
        # Others may refuse a scope that they do not know; whoever wants it there writes it into the setting.
        beside = [] if self.provider == "other" else [each for each in _IDENTITY if each not in self.scope.split()]
        # Its own query comes last, so that nothing in a typed address overrides what we ask.
        parts = urlsplit(self.authorize_url)
        bare = urlunsplit(parts._replace(query=""))
        uri: str = prepare_grant_uri(
            bare,
            self.client_id,
            "code",
            redirect_uri,
            " ".join([self.scope, *beside]).strip(),
            self.state,
            nonce=self.nonce,
            code_challenge=create_s256_code_challenge(self.verifier),
            code_challenge_method="S256",
            login_hint=self.user,
            **more,
        )
        asked = {name for name, _ in parse_qsl(urlsplit(uri).query)}
        kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in asked]
        return uri + ("&" + urlencode(kept) if kept else "")


@dataclass(frozen=True, slots=True)
class Granted:
    """What a consent gave."""

    refresh_token: SecretStr
    account: str = ""
    """Who consented, where the provider says so."""
    scope: str = ""
    another: bool = False
    """Whether somebody else consented than the login's user name says."""


class Consents:
    """Turns the code that a consent gave into a refresh token."""

    def __init__(self, db: Database, loop: BackgroundLoop, audit: Audit) -> None:
        self._db = db
        self._loop = loop
        self._audit = audit

    def exchange(self, consent: Consent, config: SmtpConfig, code: str, redirect_uri: str, network: Network) -> Granted:
        """Ask the token endpoint, by the way that the settings say. Raises ConsentError."""
        try:
            tokens = self._loop.run(_asked(consent, config, code, redirect_uri, network), timeout=_EXCHANGE_SECONDS)
        except TokenRefusedError as exc:
            raise ConsentError(_refused(exc)) from None
        except DeliveryError as exc:
            unreachable = T(
                "%(host)s could not be asked for the token: %(why)s",
                host=urlsplit(consent.token_url).hostname,
                why=exc.problem.title,
            )
            raise ConsentError(unreachable) from None
        except TimeoutError:
            raise ConsentError(T("The provider took too long to answer. Try again.")) from None
        return _granted(tokens, consent)

    def record(self, consent: Consent, granted: Granted, access: Access, request_id: str | None = None) -> None:
        """Write down who consented to what."""
        with self._db.write() as session:
            self._audit.record(
                session,
                "connector.consented",
                access.actor,
                tenant_id=access.tenant.id,
                request_id=request_id,
                account=granted.account or consent.user,
                host=consent.host,
                scope=granted.scope,
            )


async def _asked(consent: Consent, config: SmtpConfig, code: str, redirect_uri: str, network: Network) -> Tokens:
    secret = config.auth.client_secret if isinstance(config.auth, OAuth2Auth) else None
    way = await Way.to(config, network) if config.proxy.address else None
    endpoint = Endpoint(consent.token_url, network, proxy=way.proxy if way else None)
    return await by_code(endpoint, Client(consent.client_id, secret), code, redirect_uri, consent.verifier)


def refused_there(error: str, consent: Consent) -> Text:
    """Why the provider's page sent somebody back without a code."""
    match error:
        case "access_denied":
            return T(
                "The consent was refused at %(host)s, so there is no token. Nothing was changed.", host=consent.host
            )
        case "invalid_scope":
            return T(
                "The provider does not know the scope that was asked for. Look whether the application may use it."
            )
        case "unauthorized_client" | "invalid_client":
            return T(
                "The provider does not let this application ask. Compare the client ID with the one registered there."
            )
    shown = error if error.isascii() and error.isprintable() and len(error) < 60 else "?"
    return T("The provider sent back an error instead of a code: %(error)s. Nothing was changed.", error=shown)


def _refused(exc: TokenRefusedError) -> Text:
    words = exc.description or exc.error
    match exc.error:
        case "invalid_client" | "unauthorized_client":
            return T(
                "The provider refused the client ID or the client secret. Compare them with those registered there. "
                "It said: %(words)s",
                words=words,
            )
        case "invalid_grant":
            return T(
                "The provider did not accept the code any more. Sign in there again. It said: %(words)s", words=words
            )
        case "redirect_uri_mismatch":
            return T("The provider expects another redirect address. Register the one shown here, then try again.")
    return T("The provider gave no token. It said: %(words)s", words=words)


def _granted(tokens: Tokens, consent: Consent) -> Granted:
    if tokens.refresh_token is None:
        if consent.provider == "google":
            raise ConsentError(
                T(
                    "Google gave no refresh token. Remove this application at myaccount.google.com/permissions, then "
                    "sign in again."
                )
            )
        raise ConsentError(
            T("The provider gave no refresh token. Let the application ask for offline access, then sign in again.")
        )
    if tokens.scope is not None:
        missing = set(consent.scope.split()) - _BESIDE - set(tokens.scope.split())
        if missing:
            raise ConsentError(
                T(
                    "The consent leaves out what sending mail needs: %(scope)s. Sign in again, with everything ticked.",
                    scope=" ".join(sorted(missing)),
                )
            )
    account = _account(tokens.id_token, consent)
    another = bool(account) and account.casefold() != consent.user.casefold()
    return Granted(tokens.refresh_token, account, tokens.scope or consent.scope, another)


def _account(id_token: SecretStr | None, consent: Consent) -> str:
    """Who consented. TLS to the token endpoint, which it came from, vouches for it (OpenID Connect Core 3.1.3.7)."""
    if id_token is None:
        return ""
    try:
        part = id_token.get_secret_value().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return ""
    if not isinstance(claims, dict):
        return ""
    audience = claims.get("aud")
    if claims.get("nonce") != consent.nonce or consent.client_id not in (
        audience if isinstance(audience, list) else [audience]
    ):
        raise ConsentError(T("What came back belongs to another sign-in. Nothing was changed; sign in again."))
    name = claims.get("email") or claims.get("preferred_username")
    return name[:254] if isinstance(name, str) and name.isprintable() else ""
