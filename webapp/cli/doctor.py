"""The command that looks the installation over."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlsplit

import click

from webapp.cli.installation import read_settings
from webapp.cli.output import Exit, json_option, report, report_json, table
from webapp.services.examination import examine
from webapp.settings import Settings, documented_settings


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """List the settings, and look at the database, its keys, the sandbox's port and every connector."""
    settings = read_settings()
    findings = list(examine(settings))
    values = shown_settings(settings)
    if as_json:
        report_json({"settings": values, "findings": [asdict(each) for each in findings]})
    else:
        report(table([(name, value or "(none)") for name, value in values.items()], ("SETTING", "VALUE")))
        report("")
        report("\n".join(f"{each.state:<8} {each.what}: {each.says}" for each in findings))
    if any(each.state == "failed" for each in findings):
        raise click.exceptions.Exit(Exit.FAILED)


def shown_settings(settings: Settings) -> dict[str, str]:
    """Every setting's value as it may be shown: keys and passwords are not."""
    values = {}
    for field, (variable, _, _) in zip(Settings.model_fields, documented_settings(), strict=True):
        values[variable] = _shown(field, getattr(settings, field))
    return values


def _shown(field: str, value: object) -> str:
    match field:
        case "secret_keys" | "oidc_client_secret":
            return "(set)" if value else ""
        case "database_url" if value:
            parts = urlsplit(str(value))
            # Passwords stand before the host or among the parameters; neither is shown.
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        case _:
            return ",".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
