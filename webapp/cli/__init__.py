"""The command ``postroom``: for operators at the shell and for pipelines."""

from __future__ import annotations

import click

from webapp import __version__
from webapp.cli.catalogue import providers, schema
from webapp.cli.doctor import doctor
from webapp.cli.output import Commands
from webapp.cli.people import init, tenant, token, user
from webapp.cli.serving import serve
from webapp.cli.setups import check, history, restore, show, test_send


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="postroom")
def main() -> None:
    """Set up, test and migrate the email of a sign-in system.

    With POSTROOM_URL and POSTROOM_TOKEN set, the commands about one tenant's setup work on that server.
    """


for command in (
    serve, init, user, tenant, token, providers, schema, show, check, test_send, history, restore, doctor,
):  # fmt: skip
    main.add_command(command)
