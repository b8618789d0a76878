"""Commands around a second person: what waits, making it live, saying no, taking it back."""

from __future__ import annotations

from typing import Any

import click

from webapp.cli.backends import backend
from webapp.cli.changes import change_lines
from webapp.cli.output import json_option, one_line, report, report_json, tell


@click.command()
@click.argument("tenant")
@json_option
def proposals(tenant: str, as_json: bool) -> None:
    """List the plans that wait for a second person, with what each would change."""
    with backend() as work:
        found = work.proposals(tenant)
    if as_json:
        report_json(found)
        return
    if not found:
        tell("Nothing waits for a second person.")
        return
    report("\n\n".join("\n".join(_lines(each)) for each in found))


@click.command()
@click.argument("tenant")
@click.argument("proposal_id", metavar="ID")
@json_option
def approve(tenant: str, proposal_id: str, as_json: bool) -> None:
    """Make exactly what somebody else proposed live, in one transaction. Nobody approves their own."""
    with backend() as work:
        done = work.approve(tenant, proposal_id)
    if as_json:
        report_json(done)
    tell(f"Revision {done['revision']} is live." if done["created"] else "This is what is live already.")


@click.command()
@click.argument("tenant")
@click.argument("proposal_id", metavar="ID")
@click.option("--note", help="Why; its proposer reads it.")
def decline(tenant: str, proposal_id: str, note: str | None) -> None:
    """Say no to what somebody else proposed. Nothing changes; its proposer is told."""
    with backend() as work:
        work.decline(tenant, proposal_id, note)
    tell("Declined. Nothing was changed.")


@click.command()
@click.argument("tenant")
@click.argument("proposal_id", metavar="ID")
def withdraw(tenant: str, proposal_id: str) -> None:
    """Take one's own proposal back."""
    with backend() as work:
        work.withdraw(tenant, proposal_id)
    tell("Withdrawn. Nothing was changed.")


def waits_words(waiting: dict[str, Any]) -> str:
    """Where a proposal waits, and how it is approved."""
    until = waiting["until"][:16].replace("T", " ")
    return f"Proposal {waiting['planId']} waits for a second person until {until} UTC: {waiting['url']}"


def _lines(proposal: dict[str, Any]) -> list[str]:
    source = f" from {proposal['from']}" if proposal.get("from") else ""
    what = {"promote": "promotion", "import": "import"}[proposal["origin"]]
    when = proposal["proposedAt"][:16].replace("T", " ")
    lines = [f"{proposal['planId']}  {what}{source}, proposed by {one_line(proposal['proposedBy'])} at {when} UTC"]
    lines += [f"  {name}: {one_line(proposal[name])}" for name in ("note", "reason") if proposal.get(name)]
    if proposal["outdated"]:
        return [*lines, "  ! Somebody saved since. It has to be planned and proposed again."]
    lines += [f"  {line}" for line in change_lines(proposal)]
    return [*lines, *(f"  ! The flow {flow} would lose its mail." for flow in proposal.get("breaks", ()))]
