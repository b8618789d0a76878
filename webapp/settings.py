"""The operator's settings: one declaration, read from the environment, listed by ``postroom doctor`` and the README."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from webapp.environment import (
    ClientId,
    DatabaseURL,
    Folder,
    Grant,
    Grants,
    Issuer,
    Keys,
    Limit,
    LimitPair,
    Networks,
    NoFolder,
    OnlyWay,
    PublicURL,
    Relay,
    RelayURL,
    Scopes,
    SecondFactorRequired,
    Sender,
    Slugs,
)

__all__ = ["Grant", "Limit", "Relay", "SecondFactorRequired", "Settings", "documented_settings", "settings_table"]


class Settings(BaseSettings):
    """What the operator decides. Values come from the environment only."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_", frozen=True, use_attribute_docstrings=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Folder = Path("instance")
    """Folder for the database, the key file and the sandbox's certificate."""
    import_dir: NoFolder = None
    """Folder of files that are imported when the server starts: prod.yaml into the tenant prod; none by default."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on."""
    port: int = Field(default=8420, ge=1, le=65535)
    """Port to listen on."""
    threads: int = Field(default=16, ge=4, le=256)
    """Requests that each server process works on at once; waiting ones hold at most a quarter of them."""
    public_url: PublicURL = None
    """Address of the console as browsers see it, such as https://mail.example.com; used in links and to check Host."""
    database_url: DatabaseURL = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"), repr=False
    )
    """Database, such as postgresql+psycopg://…; by default an SQLite file in the data directory."""
    secret_keys: Keys = Field(default=(), repr=False)
    """Keys that encrypt secrets, newest first, comma separated; by default a key file in the data directory."""
    sandbox_smtp_port: int = Field(default=8425, ge=0, le=65535)
    """Port of the sandbox mail server on 127.0.0.1; 0 switches it off."""
    allowed_networks: Networks = ()
    """Networks (CIDR) that connectors may reach besides public addresses, such as 10.0.0.0/8."""
    builtin_smtp_url: RelayURL = Field(default=None, repr=False)
    """Mail server for the built-in service and the console's own mail, such as smtps://user:password@smtp.example.com
    or smtp://localhost:25; smtp://…?starttls demands encryption."""
    builtin_from: Sender = Field(default=None, validate_default=True)
    """Address that their mail comes from, such as postroom@example.com; a name may stand before it."""
    builtin_daily_limit: int = Field(default=0, ge=0, le=10_000_000)
    """Mails that a tenant may send through the built-in service on one day (UTC); 0 for as many as it likes."""
    machine_identity_tenants: Slugs = ()
    """Tenants, by their short names, that may use the AWS role of the machine that Postroom runs on."""
    test_send_limits: LimitPair = (Limit(10, 600), Limit(200, 86400))
    """Test sends allowed for each recipient, then for each tenant."""
    oidc_issuer: Issuer = None
    """Issuer of an OpenID Connect provider that people may sign in with, such as https://id.example.com/realms/acme."""
    oidc_client_id: ClientId = Field(default=None, validate_default=True)
    """Id that the provider gave this console; its redirect address is the public one with /sign-in/openid/done."""
    oidc_client_secret: SecretStr | None = Field(default=None, repr=False)
    """Secret that goes with the client's id; none for a public client, which PKCE protects."""
    oidc_name: str = Field(default="single sign-on", min_length=1, max_length=40)
    """What the provider is called on the button that signs in with it."""
    oidc_scopes: Scopes = "openid email profile"
    """Scopes to ask the provider for, with spaces between."""
    oidc_groups_claim: str = Field(default="groups", min_length=1)
    """Claim that lists a person's groups; dots lead into objects, such as realm_access.roles."""
    oidc_roles: Grants = ()
    """What groups give: group=tenant:role or group=administrator, comma separated, such as
    mail-admins=administrator,mail-team=dev:editor."""
    oidc_trust_emails: bool = False
    """Whether addresses count as verified where the provider says nothing of it (no claim email_verified)."""
    oidc_only: OnlyWay = False
    """Whether signing in with passwords and passkeys is off; `postroom user sign-in-link` lets the operator in."""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many reverse proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto."""
    require_second_factor: SecondFactorRequired = SecondFactorRequired.NONE
    """Who must sign in with a second factor: none, administrators (of the installation, and owners) or everybody."""
    retention_days: int = Field(default=90, ge=1, le=36500)
    """Days that audit events are kept."""

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'postroom.db').resolve()}"

    @property
    def base_url(self) -> str:
        """Where browsers find the console, without a final slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def documented_settings() -> list[tuple[str, str, str]]:
    """List (variable, default, meaning) of every setting, for ``doctor`` and the README."""
    rows = []
    for name, info in Settings.model_fields.items():
        alias = info.validation_alias
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"POSTROOM_{name.upper()}"
        default = info.default
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else "" if default is None else str(default)
        rows.append((variable, shown, info.description or ""))
    return rows


def settings_table() -> str:
    """The settings as the README's Markdown table."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for variable, default, meaning in documented_settings():
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{variable}` | {shown} | {' '.join(meaning.split())} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(settings_table())  # noqa: T201  the table is the output
