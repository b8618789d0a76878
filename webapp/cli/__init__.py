"""The command ``postroom``: for operators at the shell and for pipelines."""

from __future__ import annotations

import click

from webapp import __version__
from webapp.cli.output import Commands

__all__ = ["main"]

COMMANDS = {
    "serve": "serving",
    "init": "people",
    "user": "people",
    "tenant": "tenants",
    "token": "people",
    "providers": "catalogue",
    "schema": "catalogue",
    "detect": "detection",
    "show": "setups",
    "check": "setups",
    "test-send": "setups",
    "export": "transfer",
    "fmt": "transfer",
    "import": "transfer",
    "promote": "transfer",
    "drift": "drift",
    "apply": "transfer",
    "proposals": "proposals",
    "approve": "proposals",
    "decline": "proposals",
    "withdraw": "proposals",
    "history": "setups",
    "restore": "setups",
    "connector": "connector",
    "keys": "keys",
    "backup": "backup",
    "doctor": "doctor",
}
"""Command → the module it stands in, which is loaded only when it is called: most need few of the libraries."""


@click.group(
    cls=Commands,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__, prog_name="postroom")
def main() -> None:
    """Set up, test and migrate the email of a sign-in system.

    With POSTROOM_URL and POSTROOM_TOKEN set, the commands about one tenant's setup work on that server.
    """
