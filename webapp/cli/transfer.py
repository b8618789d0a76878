"""Commands that move setups: export, fmt, import, promote."""

from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from webapp.cli.backends import Backend, backend
from webapp.cli.changes import mapped_lines, plan_lines
from webapp.cli.documents import read_file
from webapp.cli.output import BadInputError, Command, Exit, json_option, report, report_json, tell
from webapp.cli.proposals import waits_words
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
    as_it_is = file.read_bytes()
    text = as_json(document) if as_it_is.lstrip()[:1] == b"{" else f"{_head(as_it_is)}{as_yaml(document)}"
    if as_it_is == text.encode():
        tell(f"{file} is canonical already.")
        return
    file.write_bytes(text.encode())
    tell(f"{file} is canonical now.")


def _head(text: bytes) -> str:
    """The comments before a document in YAML: there an editor is told its schema."""
    lines = takewhile(lambda line: line.startswith("#"), text.decode("utf-8-sig").splitlines())
    return "".join(f"{line}\n" for line in lines)


def _applying(command: Command) -> Command:
    """The options that every command has which plans and then applies."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would change; exit code 3 when something would."),
        click.option("--propose", is_flag=True, help="Let a second person make it live; prints where it waits."),
        click.option(
            "--secrets",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help='A file with the secrets: slot to {"value": "…"}, {"env": "NAME"}, "keep" or, for promote, "copy".',
        ),
        click.option("--note", help="What it is for; shown in the history."),
        click.option("--reason", help="Why unproven values go into production; audited."),
        click.option("--allow-breaking", is_flag=True, help="Apply although flows that are on would lose their mail."),
    ):
        command = option(command)
    return json_option(command)


@click.command("import")
@click.argument("tenant")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_PASSPHRASE_FILE
@_applying
def import_(tenant: str, file: Path, passphrase_file: Path | None, secrets: Path | None, **options: Any) -> None:
    """Plan an import of a document, then apply it in one transaction."""
    document = read_file(file)
    body: dict[str, Any] = {"document": document}
    if secrets:
        body["secrets"] = read_file(secrets)
    if passphrase_file or (isinstance(document, dict) and document.get("secrets") and sys.stdin.isatty()):
        body["passphrase"] = passphrase(passphrase_file)
    with backend() as work:
        _carry_out(work, tenant, work.plan_import(tenant, body), **options)


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--only", multiple=True, metavar="POINTER", help="Only this part of the setup, such as /templates.")
@click.option("--except", "leave", multiple=True, metavar="POINTER", help="Leave this part as it is in TO.")
@click.option("--merge", is_flag=True, help="Keep what TO has of its own since the last promotion.")
@_applying
def promote(
    source: str,
    target: str,
    only: tuple[str, ...],
    leave: tuple[str, ...],
    merge: bool,
    secrets: Path | None,
    **options: Any,
) -> None:
    """Plan what the setup of FROM would change in TO, then apply it in one transaction.

    Flows, verificationCode and addressPolicy stay as they are in TO unless --only names them.

    With --merge, what was edited in TO or left there on purpose stays. What changed on both sides is refused: name it
    in --only to take that of FROM, in --except to keep that of TO.
    """
    body: dict[str, Any] = {"from": source, "only": list(only), "except": list(leave)}
    if merge:
        body["merge"] = True
    if secrets:
        body["secrets"] = read_file(secrets)
    with backend() as work:
        _carry_out(work, target, work.plan_promotion(target, body), copies=True, **options)


@click.command()
@click.argument("tenant")
@click.argument("plan_id", metavar="PLAN")
@click.option("--note", help="What it is for; shown in the history.")
@click.option("--reason", help="Why unproven values go into production; audited.")
@click.option("--allow-breaking", is_flag=True, help="Apply although flows that are on would lose their mail.")
@json_option
def apply(tenant: str, plan_id: str, as_json: bool, **said: Any) -> None:
    """Apply exactly the plan that a dry run printed: all of it in one transaction, or nothing where somebody saved."""
    with backend() as work:
        done = work.apply(tenant, plan_id, _said(**said))
    if as_json:
        report_json(done)
    tell(f"Revision {done['revision']} is live." if done["created"] else "This is what is live already.")


def _carry_out(
    work: Backend,
    tenant: str,
    plan: dict[str, Any],
    *,
    dry_run: bool,
    propose: bool,
    note: str | None,
    reason: str | None,
    allow_breaking: bool,
    as_json: bool,
    copies: bool = False,
) -> None:
    """Print a plan, and apply it, or propose it, unless only the plan was asked for."""
    if not as_json:
        lines = plan_lines(plan, copies=copies, apply=tenant if dry_run else "")
        report("\n".join([*mapped_lines(plan.get("mapped", ())), *lines]))
    said = _said(note, reason, allow_breaking)
    waiting = work.propose(tenant, plan["planId"], said) if propose and plan["changes"] and not dry_run else None
    made = False
    if waiting:
        plan |= {"proposed": waiting}
    elif not dry_run and not propose:
        done = work.apply(tenant, plan["planId"], said)
        plan |= {"applied": True, "revision": done["revision"]}
        made = done["created"]
    if as_json:
        report_json(plan)
    if waiting:
        tell(waits_words(waiting))
    elif plan["applied"]:
        tell(f"Revision {plan['revision']} is live." if made else "This is what is live already.")
    elif plan["changes"]:
        raise click.exceptions.Exit(Exit.CHANGES)
    elif propose:
        tell("This is what is live already, so there is nothing to approve.")


def _said(note: str | None, reason: str | None, allow_breaking: bool) -> dict[str, Any]:
    said = {"note": note, "reason": reason, "allowBreaking": allow_breaking or None}
    return {key: value for key, value in said.items() if value is not None}


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
