"""The settings of a login with OAuth 2.0: whom to ask for access, how, and with which proof."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic.types import StringConstraints

from webapp.connectors.config import ConnectorConfig, Line, Secret, SecretLines, setting
from webapp.connectors.keys import KeyFile, read_key_file
from webapp.connectors.smtp.connection import with_defaults
from webapp.connectors.smtp.granting import (
    CREDENTIALS,
    READY,
    REFRESH,
    SERVICE,
    SHARED_TENANTS,
    inferred,
    normal_url,
    provider_of,
    token_url_of,
)
from webapp.domain.text import T

_ASKING: Final = ("auth.grant", (REFRESH, CREDENTIALS, SERVICE))
_AS_CLIENT: Final = ("auth.grant", (REFRESH, CREDENTIALS))
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_MILLISECONDS = 10**11
"""From here on a number of an expiry means milliseconds, as other systems count; below, seconds."""


def _tenant(value: str) -> str:
    if not _TENANT.fullmatch(value) or ".." in value:
        raise ValueError("Give the directory (tenant) ID or a domain of it, such as contoso.onmicrosoft.com.")
    return value.lower()


def _scope(value: str) -> str:
    text = " ".join(value.split())
    if not _SCOPE.fullmatch(text):
        raise ValueError("Give scopes as the provider writes them, several with a space in between.")
    return text


def _moment(value: object) -> object:
    """Write a moment as ISO 8601 in UTC; numbers count seconds or milliseconds since 1970, as other systems have it."""
    form = "Give the moment as 2026-12-31T12:00:00Z, or as the number of seconds since 1970."
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value.strip()) <= 15:
        value = int(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
        elif isinstance(value, str) and value.strip():
            moment = datetime.fromisoformat(value.strip())
        else:
            return value
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        raise ValueError(form) from None


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("Give the day as 2026-12-31.") from None


class OAuth2Auth(ConnectorConfig):
    """Access that a provider grants for a while, instead of a password."""

    type: Literal["oauth2"]
    user: Annotated[Line, StringConstraints(min_length=1)] = setting(
        title=T("User name"), example="no-reply@example.com", section="authentication"
    )
    """The mailbox that mail is sent from, as its full address."""
    grant: Literal["refresh_token", "client_credentials", "service_account", "access_token"] = setting(
        REFRESH,
        title=T("Access by"),
        example=REFRESH,
        section="authentication",
        choices=(
            (REFRESH, T("Refresh token: somebody signed in and consented")),
            (CREDENTIALS, T("Client credentials: the application itself (Microsoft 365)")),
            (SERVICE, T("Service account key (Google Workspace)")),
            (READY, T("Ready access token: for a try")),
        ),
    )
    """What Postroom shows to be let in."""
    provider: Literal["google", "microsoft", "other"] = setting(
        "google",
        title=T("Access from"),
        example="google",
        section="authentication",
        show_if=_ASKING,
        choices=(("google", T("Google")), ("microsoft", T("Microsoft")), ("other", T("Another provider"))),
    )
    """Who grants it: this sets token URL and scope."""
    tenant_id: Annotated[Line, AfterValidator(_tenant)] | None = setting(
        None,
        title=T("Directory (tenant) ID"),
        example="9f2b6c1e-0000-4000-8000-5d1f2a7c9e10",
        section="authentication",
        show_if=("auth.provider", ("microsoft",)),
    )
    """From the application's overview in Microsoft Entra."""
    access_url: Annotated[Line, AfterValidator(normal_url)] | None = setting(
        None,
        title=T("Token URL"),
        example="https://login.example.com/oauth2/token",
        section="authentication",
        destination=True,
        show_if=("auth.provider", ("other",)),
    )
    """Where access tokens are given out. It receives the secrets below."""
    authorize_url: Annotated[Line, AfterValidator(normal_url)] | None = setting(
        None,
        title=T("Authorisation URL"),
        example="https://login.example.com/oauth2/authorize",
        section="authentication",
        show_if=("auth.provider", ("other",)),
    )
    """Where somebody signs in and consents. Only needed to get a refresh token from here."""
    client_id: Annotated[Line, StringConstraints(min_length=1)] | None = setting(
        None, title=T("Client ID"), section="authentication", show_if=_AS_CLIENT
    )
    """The application's ID, from where you registered it."""
    client_secret: Secret | None = setting(
        None, title=T("Client secret"), section="authentication", secret=True, show_if=_AS_CLIENT
    )
    """The application's secret: the value, not its ID."""
    refresh_token: Secret | None = setting(
        None, title=T("Refresh token"), section="authentication", secret=True, show_if=("auth.grant", (REFRESH,))
    )
    """What the consent gave. Where the provider replaces it, Postroom keeps the new one."""
    private_key: SecretLines | None = setting(
        None,
        title=T("Service account key"),
        example='{"type": "service_account", …}',
        section="authentication",
        secret=True,
        multiline=True,
        show_if=("auth.grant", (SERVICE,)),
    )
    """The whole JSON file, or its private key in PEM. Token URLs inside the file are not used."""
    service_client: Annotated[Line, StringConstraints(min_length=1)] | None = setting(
        None,
        title=T("Service account"),
        example="mailer@project.iam.gserviceaccount.com",
        section="authentication",
        show_if=("auth.grant", (SERVICE,)),
    )
    """The account's address. Not needed with the whole JSON file."""
    access_token: Secret | None = setting(
        None, title=T("Access token"), section="authentication", secret=True, show_if=("auth.grant", (READY,))
    )
    """It works until it ends, mostly within the hour; Postroom cannot renew it."""
    expires: Annotated[str, BeforeValidator(_moment), Field(max_length=40)] | None = setting(
        None,
        title=T("It ends at"),
        example="2026-12-31T12:00:00Z",
        section="authentication",
        show_if=("auth.grant", (READY,)),
    )
    """With it Postroom says so before mails fail."""
    scope: Annotated[Line, AfterValidator(_scope)] | None = setting(
        None,
        title=T("Scope"),
        example="https://mail.google.com/",
        section="authentication",
        show_if=("auth.provider", ("other",)),
    )
    """What access is asked for, as the provider names sending mail by SMTP."""
    client_secret_expires: Annotated[Line, AfterValidator(_day)] | None = setting(
        None,
        title=T("Client secret ends on"),
        example="2027-12-31",
        section="authentication",
        show_if=_AS_CLIENT,
    )
    """With it Postroom warns two weeks ahead. Microsoft shows the day beside the secret."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: Any) -> Any:
        return with_defaults(inferred(data), cls)

    @field_validator(
        "tenant_id",
        "access_url",
        "authorize_url",
        "client_id",
        "client_secret",
        "refresh_token",
        "private_key",
        "service_client",
        "access_token",
        "expires",
        "scope",
        "client_secret_expires",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("provider")
    @classmethod
    def _provider_has_it(cls, value: str, info: ValidationInfo) -> str:
        grant = info.data.get("grant")
        if grant == CREDENTIALS and value == "google":
            raise ValueError("Google gives no access by client credentials. Use a service account key.")
        if grant == SERVICE and value == "microsoft":
            raise ValueError("Microsoft has no service account keys. Use client credentials.")
        return value

    @field_validator("tenant_id")
    @classmethod
    def _directory(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("grant") != CREDENTIALS or info.data.get("provider") != "microsoft":
            return value
        if not value:
            raise ValueError("Give the directory (tenant) ID: an application has access in one directory only.")
        if value in SHARED_TENANTS:
            raise ValueError("Client credentials need the ID of one directory, not a shared name.")
        return value

    @field_validator("access_url")
    @classmethod
    def _somewhere(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (
            value is None
            and info.data.get("provider") == "other"
            and info.data.get("grant")
            in (
                REFRESH,
                CREDENTIALS,
                SERVICE,
            )
        ):
            raise ValueError("Give the address where access tokens are given out.")
        return value

    @field_validator("client_id", "client_secret", "refresh_token", "private_key", "service_client", "access_token")
    @classmethod
    def _there(cls, value: Any, info: ValidationInfo) -> Any:
        grant, name = info.data.get("grant"), info.field_name
        if value is None and (grant, name) in _NEEDED:
            raise ValueError(_NEEDED[(str(grant), str(name))])
        if name == "private_key" and isinstance(value, SecretStr):
            read_key_file(value.get_secret_value())
        if name == "service_client" and grant == SERVICE and value is None:
            key = info.data.get("private_key")
            if isinstance(key, SecretStr) and not read_key_file(key.get_secret_value()).client:
                raise ValueError("A key in PEM needs the service account's address beside it.")
        return value

    @property
    def token_url(self) -> str:
        """Where access is asked for; empty for a ready token."""
        return token_url_of(self.model_dump(mode="json", by_alias=True))

    @property
    def asked_scope(self) -> str:
        """What is asked for; empty where nothing is said."""
        known = provider_of(self.provider)
        return self.scope or (known.scopes.get(self.grant, "") if known else "")

    @property
    def key_file(self) -> KeyFile | None:
        """The service account's key, and its address."""
        if self.private_key is None:
            return None
        key = read_key_file(self.private_key.get_secret_value())
        return KeyFile(key.private_key, self.service_client or key.client)


_NEEDED: Final[Mapping[tuple[str, str], str]] = {
    (REFRESH, "client_id"): "A value is needed here.",
    (CREDENTIALS, "client_id"): "A value is needed here.",
    (CREDENTIALS, "client_secret"): "A value is needed here.",
    (REFRESH, "refresh_token"): "A value is needed here.",
    (SERVICE, "private_key"): "A value is needed here.",
    (READY, "access_token"): "A value is needed here.",
}
"""Grant and field → what is said where it is missing."""
