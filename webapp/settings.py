"""The operator's settings: one declaration, read from the environment, listed by ``postroom doctor`` and the README."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_comma_separated)]


class Settings(BaseSettings):
    """What the operator decides. Values come from the environment only."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_", frozen=True, use_attribute_docstrings=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Path = Path("instance")
    """Folder for the database, the key file and the sandbox's certificate."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8420, ge=1, le=65535)
    """Port to listen on."""
    threads: int = Field(default=16, ge=4, le=256)
    """Requests that each server process works on at once; waiting ones hold at most a quarter of them."""
    public_url: str | None = None
    """Address of the console as browsers see it, such as https://mail.example.com; used in links and to check Host."""
    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"), repr=False
    )
    """Database, such as postgresql+psycopg://…; by default an SQLite file in the data directory."""
    secret_keys: Listed = Field(default=(), repr=False)
    """Keys that encrypt secrets, newest first, comma separated; by default a key file in the data directory."""
    sandbox_smtp_port: int = Field(default=8425, ge=0, le=65535)
    """Port of the sandbox mail server on 127.0.0.1; 0 switches it off."""
    allowed_networks: Networks = ()
    """Networks (CIDR) that connectors may reach besides public addresses, such as 10.0.0.0/8."""
    test_send_limits: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = (
        "10/10 minutes",
        "200/day",
    )
    """Test sends allowed for each recipient, then for each tenant."""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many reverse proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto."""
    retention_days: int = Field(default=90, ge=1)
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
