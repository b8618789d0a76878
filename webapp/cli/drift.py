"""The command that tells how far two tenants went apart since the last promotion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from webapp.cli.backends import backend
from webapp.cli.changes import change_lines
from webapp.cli.output import Exit, json_option, one_line, report, report_json


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def drift(source: str, target: str, as_json: bool) -> None:
    """Say what changed in FROM and in TO since FROM was promoted into TO.

    Exit code 3 when TO was edited, FROM is ahead, or both changed the same; what was left on purpose does not count.
    """
    with backend() as work:
        found = work.drift(source, target)
    if as_json:
        report_json(found)
    else:
        report("\n".join(_lines(found, source, target)))
    if found["edited"] or found["ahead"] or found["conflicts"]:
        raise click.exceptions.Exit(Exit.CHANGES)


def _lines(found: dict[str, Any], source: str, target: str) -> list[str]:
    last = found["lastPromotion"]
    lines = [_last(last) if last else f"{source} was never promoted into {target}, or it was undone."]
    for name, title in (
        ("conflicts", "Changed on both sides"),
        ("edited", f"Edited in {target} since"),
        ("ahead", f"New in {source}"),
        ("left", "Left as it was last time"),
    ):
        if found[name]:
            lines += ["", f"{title}:", *change_lines({"changes": found[name]})]
    return lines if len(lines) > 1 else [*lines, "Nothing changed since on either side."]


def _last(last: dict[str, Any]) -> str:
    at = datetime.fromisoformat(last["at"]).astimezone(UTC)
    number = last.get("sourceRevision")
    what = f"revision {number} of {last['from']}" if number is not None else last["from"]
    part = f" (only {', '.join(last['only'])})" if last.get("only") else ""
    return one_line(
        f"Promoted last: {what}{part} as revision {last['revision']}, {at:%Y-%m-%d %H:%M} UTC, by {last['by']}."
    )
