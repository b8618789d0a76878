"""The command that finds out who could carry the mail of an address or a server."""

from __future__ import annotations

from typing import Any

import click

from webapp.cli.backends import backend
from webapp.cli.output import Exit, json_option, one_line, report, report_json, tell


@click.command()
@click.argument("address_or_host", metavar="ADDRESS|HOST")
@click.option(
    "--tenant", help="Whose network policy and limits count; else the first development tenant, or the token's."
)
@json_option
def detect(address_or_host: str, tenant: str | None, as_json: bool) -> None:
    """Find out who could carry the mail of an address, a domain or a server, and what would be filled in."""
    with backend() as work:
        found = work.detect(tenant, address_or_host)
    if as_json:
        report_json(found)
    else:
        if found["candidates"]:
            report("\n\n".join("\n".join(_candidate(each)) for each in found["candidates"]))
        for remark in found["remarks"]:
            tell(one_line(remark))
        if problem := found.get("problem"):
            steps = [f"  {number}. {step}" for number, step in enumerate(problem["steps"], 1)]
            tell("\n".join([f"{problem['title']} ({problem['code']})", one_line(problem["cause"]), *steps]))
    if not found["found"]:
        raise click.exceptions.Exit(Exit.FAILED)


def _candidate(candidate: dict[str, Any]) -> list[str]:
    way = f"{candidate['provider']}:{candidate['preset']}" if "preset" in candidate else candidate["provider"]
    lines = [f"{candidate['title']}  ({way})" + ("" if candidate["usable"] else "  cannot be used")]
    if problem := candidate.get("problem"):
        lines.append(f"  reason    {one_line(problem['title'])}: {one_line(problem['cause'])}")
    lines += [f"  {name:<9} {one_line(value)}" for name, value in _settings(candidate["config"])]
    if candidate["needed"]:
        lines.append(f"  to type   {', '.join(each['title'] for each in candidate['needed'])}")
    lines += [f"  because   {one_line(each)}" for each in candidate["evidence"]]
    return [*lines, *(f"  warning   {one_line(each)}" for each in candidate["warnings"])]


def _settings(config: dict[str, Any]) -> list[tuple[str, str]]:
    """What fits on a line each; --json has all of it."""
    found = [(name, str(value)) for name, value in config.items() if not isinstance(value, dict)]
    login = config.get("auth", {})
    return found + [(f"auth.{name}", str(value)) for name, value in login.items() if not isinstance(value, dict)]
