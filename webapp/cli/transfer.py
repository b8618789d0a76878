"""Commands that move setups: export, fmt."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from webapp.cli.backends import backend
from webapp.cli.documents import read_file
from webapp.cli.output import BadInputError, report, tell
from webapp.domain.tenant_document import TenantDocument
from webapp.services.transfer.writing import as_json, as_yaml

_PASSPHRASE_FILE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file whose first line is the passphrase; else it is asked for.",
)


@click.command()
@click.argument("tenant")
@click.option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
@click.option("--seal", is_flag=True, help="Add the secrets, sealed with a passphrase (age).")
@_PASSPHRASE_FILE
def export(tenant: str, form: str, seal: bool, passphrase_file: Path | None) -> None:
    """Print the active setup as a tenant document. It holds no secrets, unless they are sealed."""
    if passphrase_file and not seal:
        raise BadInputError("--passphrase-file goes with --seal.")
    phrase = passphrase(passphrase_file, new=True) if seal else None
    with backend() as work:
        document = TenantDocument.of(work.export(tenant, phrase))
    report((as_yaml if form == "yaml" else as_json)(document).removesuffix("\n"))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def fmt(file: Path) -> None:
    """Write a tenant document canonically and renew its hash, in place."""
    value = read_file(file)
    document = TenantDocument.of(value, verify=False)
    if document.sealed and value.get("contentHash") != document.content_hash:
        raise BadInputError(
            f"{file} holds sealed secrets, which open only with the setup they were sealed with. Take “secrets” out, "
            "or export again."
        )
    text = as_json(document) if file.read_bytes().lstrip()[:1] == b"{" else as_yaml(document)
    if file.read_bytes() == text.encode():
        tell(f"{file} is canonical already.")
        return
    file.write_bytes(text.encode())
    tell(f"{file} is canonical now.")


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """The passphrase from a file or from the terminal; a new one is asked for twice."""
    if file:
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0].strip():
            raise BadInputError(f"{file} is empty; its first line should be the passphrase.")
        return lines[0].strip()
    if not sys.stdin.isatty():
        raise BadInputError("There is no terminal to ask for the passphrase; give --passphrase-file.")
    answer: str = click.prompt("Passphrase", hide_input=True, err=True, confirmation_prompt=new)
    return answer
