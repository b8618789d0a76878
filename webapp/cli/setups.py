"""Commands about a tenant's setup: show, check, test-send, history, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from webapp.cli.backends import backend
from webapp.cli.changes import change_lines, plan_lines
from webapp.cli.documents import read_setup
from webapp.cli.output import BadInputError, Exit, json_option, one_line, report, report_json, table, tell
from webapp.domain.usage import UsageType
from webapp.services.origins import origin_words
from webapp.services.transfer.writing import write_yaml

_FILE = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A setup or tenant document, JSON or YAML; else the active setup.",
)
_PLAN = click.option(
    "--plan", "plan_id", metavar="ID", help="A plan that a dry run printed, with its secrets; nothing of it goes live."
)


@click.command()
@click.argument("tenant")
@json_option
def show(tenant: str, as_json: bool) -> None:
    """Print the active setup as YAML, secrets masked."""
    with backend() as work:
        setup = work.setup(tenant)
    if as_json:
        report_json(setup)
    else:
        report(write_yaml(setup))


@click.command()
@click.argument("tenant")
@_FILE
@_PLAN
@json_option
def check(tenant: str, file: Path | None, plan_id: str | None, as_json: bool) -> None:
    """Connect and log in without sending, and print how far it got."""
    body = _tried(file, plan_id)
    body.pop("templates", None)
    with backend() as work:
        result = work.check(tenant, body)
    _report_run(result, as_json, done="The provider is there and the credentials are good.")


@click.command("test-send")
@click.argument("tenant")
@click.option("--to", required=True, help="Who gets the mail.")
@_FILE
@_PLAN
@click.option(
    "--usage-type",
    type=click.Choice([str(each) for each in UsageType]),
    default=str(UsageType.GENERIC),
    show_default=True,
    help="Which mail.",
)
@click.option("--locale", help="In which language, such as pt-BR.")
@click.option("--capture", is_flag=True, help="Only show it in the inbox of a development tenant.")
@json_option
def test_send(
    tenant: str,
    to: str,
    file: Path | None,
    plan_id: str | None,
    usage_type: str,
    locale: str | None,
    capture: bool,
    as_json: bool,
) -> None:
    """Send one real mail, and print what became of it."""
    body: dict[str, Any] = {"to": to, "usageType": usage_type, **_tried(file, plan_id)}
    if locale:
        body["locale"] = locale
    if capture:
        body["capture"] = True
    with backend() as work:
        result = work.test_send(tenant, body)
    accepted = f"Accepted as {result['providerMessageId']}." if result.get("providerMessageId") else "Accepted."
    captured = "In the inbox of this tenant. Nothing left this machine, so nothing is proven."
    _report_run(result, as_json, done=captured if result["outcome"] == "captured" else accepted)


@click.command()
@click.argument("tenant")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@click.option("--before", type=click.IntRange(1, 2**31 - 1), help="Only revisions older than this number.")
@json_option
def history(tenant: str, limit: int, before: int | None, as_json: bool) -> None:
    """List the revisions, newest first."""
    with backend() as work:
        revisions = work.history(tenant, limit, before)
    if as_json:
        report_json(revisions)
        return
    if not revisions:
        tell("Nothing has been saved yet.")
        return
    rows = [
        (
            f"{each['number']}{'*' if each['active'] else ''}",
            each["createdAt"][:19].replace("T", " "),
            each["author"],
            _origin(each),
            ", ".join(change["pointer"] for change in each["changed"][:4]) + (" …" if len(each["changed"]) > 4 else ""),
            each.get("note", ""),
        )
        for each in revisions
    ]
    report(table(rows, ("REVISION", "WHEN (UTC)", "WHO", "BY", "CHANGED", "NOTE")))


@click.command()
@click.argument("tenant")
@click.argument("number", type=click.IntRange(0, 2**31 - 1))
@click.option("--note", help="What it is for; shown in the history.")
@click.option("--reason", help="Why unproven values go into production; audited.")
@click.option("--dry-run", is_flag=True, help="Only say what would change; exit code 3 when something would.")
@json_option
@click.pass_context
def restore(
    ctx: click.Context, tenant: str, number: int, note: str | None, reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """Make an old setup live again, as a new revision."""
    with backend() as work:
        done = work.restore(tenant, number, note=note, reason=reason, dry_run=dry_run)
    if as_json:
        report_json(done)
    else:
        report("\n".join(plan_lines(done) if dry_run else change_lines(done)))
    if dry_run and done["changes"]:
        ctx.exit(Exit.CHANGES)
    if not dry_run:
        tell(f"Revision {done['revision']} is live." if done["created"] else "This is what is live already.")


def _origin(revision: dict[str, Any]) -> str:
    came = {**revision, "revision": revision.get("sourceRevision")}
    return ", ".join(str(word) for word in origin_words(revision["origin"], revision.get("originDetail"), came))


def _tried(file: Path | None, plan_id: str | None) -> dict[str, Any]:
    """What a check or a test send uses: a file, a plan, or what is live."""
    if file and plan_id:
        raise BadInputError("Give --file or --plan, not both.")
    if plan_id:
        return {"planId": plan_id}
    setup = read_setup(file) if file else {}
    if file and not isinstance(setup.get("connector"), dict):
        raise BadInputError(f"{file} has no connector.")
    return {name: setup[name] for name in ("connector", "templates") if setup.get(name)}


def _report_run(result: dict[str, Any], as_json: bool, done: str) -> None:
    if as_json:
        report_json(result)
    else:
        report("\n".join(_phase(phase) for phase in result["phases"]))
        for warning in result.get("warnings", ()):
            tell("\n".join(_problem(warning)))
        tell(done if result["ok"] else "\n".join(_problem(result.get("problem"))))
    if not result["ok"]:
        raise click.exceptions.Exit(Exit.FAILED)


def _phase(phase: dict[str, Any]) -> str:
    said = " ".join(str(phase[name]) for name in ("code", "enhancedCode", "text") if name in phase)
    mark = "ok" if phase["ok"] else "FAILED"
    return f"{phase['phase']:<10} {mark:<6} {phase['ms']:>8.1f} ms  {one_line(said)}".rstrip()


def _problem(problem: dict[str, Any] | None) -> list[str]:
    if not problem:
        return ["It failed."]
    steps = [f"  {number}. {one_line(step)}" for number, step in enumerate(problem["steps"], 1)]
    return ["", one_line(f"{problem['title']} ({problem['code']})"), one_line(problem["cause"]), *steps]
