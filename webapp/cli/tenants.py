"""Commands about tenants, for the operator at the shell."""

from __future__ import annotations

import click

from webapp.accounts import Accounts
from webapp.cli.installation import installed
from webapp.cli.output import json_option, report, report_json, table, tell
from webapp.domain.roles import OPERATOR, Environment, TenantInfo
from webapp.services.transfer.duplicating import Wish


@click.group()
def tenant() -> None:
    """Tenants."""


@tenant.command("add")
@click.argument("slug")
@click.option("--name", help="How people call it; by default the slug.")
@click.option(
    "--environment", type=click.Choice([str(each) for each in Environment]), required=True, help="Fixed from now on."
)
@click.option("--owner", help="Address of the person who owns it.")
@click.option("--copy-of", metavar="TENANT", help="Begin with its setup; secrets stay behind and are listed.")
@json_option
def add_tenant(
    slug: str, name: str | None, environment: str, owner: str | None, copy_of: str | None, as_json: bool
) -> None:
    """Add a tenant, empty or as a copy of another."""
    with installed() as services:
        person = Accounts(services.db).by_email(owner) if owner else None
        source = services.tenants.access(OPERATOR, copy_of) if copy_of else None
        wish = Wish(slug, name or slug, environment, source)
        made = services.duplicating.make(wish, OPERATOR, owner=person.id if person else None)
    if as_json:
        report_json(_tenant(made.tenant) | {"secretsLeft": list(made.left), "connectorWaits": made.waits})
        return
    copied = f", with a copy of {copy_of}" if copy_of else ""
    report(f"Added the {made.tenant.environment} tenant {made.tenant.slug}{copied}.")
    if made.waits:
        needed = f"Its secrets stayed behind: {', '.join(made.left)}" if made.left else "It has to be proven here"
        tell(f"The connector is not taken along. {needed}. To bring it: postroom promote {copy_of} {slug}")


@tenant.command("rename")
@click.argument("slug")
@click.argument("name")
@json_option
def rename_tenant(slug: str, name: str, as_json: bool) -> None:
    """Call a tenant by another name; the slug never changes."""
    with installed() as services:
        before = services.tenants.by_slug(slug)
        trusted = before.editors_may_save_production
        after = services.tenants.change(slug, OPERATOR, name=name, editors_may_save_production=trusted)
    if as_json:
        report_json(_tenant(after))
    else:
        report(f"{slug} is called {after.name} now; before: {before.name}.")


@tenant.command("list")
@click.option("--archived", is_flag=True, help="Archived ones too.")
@json_option
def list_tenants(archived: bool, as_json: bool) -> None:
    """List the tenants."""
    with installed() as services:
        tenants = services.tenants.all(include_archived=archived)
    if as_json:
        report_json([_tenant(each) for each in tenants])
    else:
        rows = [
            (
                each.slug,
                each.name,
                str(each.environment),
                str(each.active_revision),
                "archived" if each.archived else "",
            )
            for each in tenants
        ]
        report(table(rows, ("TENANT", "NAME", "ENVIRONMENT", "REVISION", "STATE")))


@tenant.command("archive")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def archive_tenant(slug: str, yes: bool, as_json: bool) -> None:
    """Archive a tenant: its console, tokens and sending end; what is stored stays."""
    if not yes:
        click.confirm(f"Archive {slug}? Its tokens stop working at once.", abort=True, err=True)
    with installed() as services:
        before = services.tenants.by_slug(slug)
        services.tenants.archive(slug, OPERATOR)
    if as_json:
        report_json(_tenant(before) | {"archived": True})
    else:
        report(f"Archived {slug}. To bring it back: postroom tenant unarchive {slug}")


@tenant.command("unarchive")
@click.argument("slug")
@json_option
def unarchive_tenant(slug: str, as_json: bool) -> None:
    """Bring an archived tenant back as it was; its tokens stay ended."""
    with installed() as services:
        found = services.tenants.bring_back(slug, OPERATOR)
    if as_json:
        report_json(_tenant(found))
    else:
        report(f"{slug} is back. Its tokens stay ended.")


def _tenant(info: TenantInfo) -> dict[str, object]:
    return {
        "slug": info.slug,
        "name": info.name,
        "environment": str(info.environment),
        "activeRevision": info.active_revision,
        "archived": info.archived,
    }
