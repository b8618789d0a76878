"""Commands about the keys that encrypt secrets."""

from __future__ import annotations

from dataclasses import asdict

import click

from webapp.cli.installation import installed
from webapp.cli.output import Exit, json_option, report, report_json, tell
from webapp.services.examination import check_keys
from webapp.services.keyring import Keyring, Rotation


@click.group()
def keys() -> None:
    """Keys that encrypt secrets."""


@keys.command("rotate")
@json_option
def rotate_keys(as_json: bool) -> None:
    """Encrypt everything stored under the newest key. Safe to repeat.

    With the key file in the data directory, a new key is made and put in front. Servers that run on this data
    directory read the file as soon as it has changed, so nothing needs a restart. The older keys stay in the file,
    because backups made before need them; `postroom keys prune` takes them out.

    With POSTROOM_SECRET_KEYS, servers know only the keys that they were started with. So first put a new key in front
    of the old one and restart every server, then rotate, then take the old key out and restart again.
    """
    with installed() as services:
        check_keys(services)
        keyring = Keyring(services)
        done = keyring.rotate()
        given = keyring.given
    if as_json:
        report_json(_answer(done, given))
    else:
        if done.made:
            report(f"Made a new key; the key file holds {done.keys} keys now.")
        report(f"{done.rotated.values} values are under the newest key, {done.rotated.renewed} of them since now.")
        tell(_next_step(done, given))
    _mind_unreadable(done)


@keys.command("prune")
@json_option
def prune_keys(as_json: bool) -> None:
    """Take all keys but the newest out of the key file. Backups made under them can't be read any more.

    Whatever is still under an older key is encrypted anew first.
    """
    with installed() as services:
        check_keys(services)
        done = Keyring(services).prune()
    if as_json:
        report_json(_answer(done, given=False) | {"removed": done.removed})
    elif done.removed:
        report(f"Took {done.removed} out of the key file. Make a backup now: those made before need the old keys.")
    else:
        report("There is only one key in the key file.")
    _mind_unreadable(done)


def _answer(done: Rotation, given: bool) -> dict[str, object]:
    return {"source": "environment" if given else "file", "keys": done.keys, "made": done.made, **asdict(done.rotated)}


def _next_step(done: Rotation, given: bool) -> str:
    if not given:
        return "Keep a copy of the key file apart from the database. Older backups need the older keys."
    if done.keys > 1:
        return "Now take the old keys out of POSTROOM_SECRET_KEYS and restart every server."
    return "POSTROOM_SECRET_KEYS holds one key. To change it, put a new one in front and restart every server first."


def _mind_unreadable(done: Rotation) -> None:
    if done.rotated.unreadable:
        tell(f"{done.rotated.unreadable} values can be read with none of the keys; they were left as they are.")
        raise click.exceptions.Exit(Exit.FAILED)
