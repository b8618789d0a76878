"""Commands about people and tokens, for the operator at the shell."""

from __future__ import annotations

import sys

import click

from webapp.accounts import Accounts, Directory, LinkKind, SecondFactor, first_run
from webapp.cli.installation import installed
from webapp.cli.output import BadInputError, FailedError, json_option, report, report_json, table, tell
from webapp.domain.roles import OPERATOR, Role, Scope

_PASSWORD = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


def _password(from_stdin: bool, non_interactive: bool = False) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if non_interactive or not sys.stdin.isatty():
        raise BadInputError("Give the password on standard input: --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


@click.command()
@click.option("--email", required=True, help="Address of the first administrator.")
@_PASSWORD
@click.option("--non-interactive", is_flag=True, help="Never ask; fail instead.")
def init(email: str, password_stdin: bool, non_interactive: bool) -> None:
    """Migrate, and make the first administrator and the tenants dev and prod. Safe to repeat."""
    with installed(migrating=True) as services:
        accounts = Accounts(services.db)
        known = any(person.email == email.strip().lower() for person in accounts.list())
        if not known and accounts.has_administrator():
            raise FailedError("There is an administrator already. Add people with `postroom user add`.")
        password = "" if known else _password(password_stdin, non_interactive)
        person = first_run(services, email, password)
        report("There already." if known else f"Administrator {person.email} with the tenants dev and prod.")


@click.group()
def user() -> None:
    """People who can sign in."""


@user.command("add")
@click.argument("email")
@_PASSWORD
@click.option("--administrator", is_flag=True, help="May manage tenants and people, and read every tenant.")
@click.option("--tenant", "memberships", multiple=True, help="Make a member, as TENANT or TENANT:ROLE (viewer).")
def add_user(email: str, password_stdin: bool, administrator: bool, memberships: tuple[str, ...]) -> None:
    """Add a person."""
    with installed() as services:
        standings = [(services.tenants.by_slug(slug), role) for slug, role in map(_standing, memberships)]
        person = Accounts(services.db).add_person(email, _password(password_stdin), administrator=administrator)
        for tenant, role in standings:
            services.tenants.add_member(tenant.id, person.id, role)
        report(f"Added {person.email}.")


@user.command("reset-password")
@click.argument("email")
@_PASSWORD
def reset_password(email: str, password_stdin: bool) -> None:
    """Set a new password; every session of the person ends."""
    with installed() as services:
        person = Accounts(services.db).reset_password(email, _password(password_stdin))
        report(f"The password of {person.email} is changed.")


@user.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Take authenticator app, passkeys and recovery codes from a person who lost them; every session ends.

    The password stays. Make sure that it is the person who asks.
    """
    with installed() as services:
        person = SecondFactor(services.db, services.vault, services.audit).reset(email)
        report(f"{person.email} signs in by password alone now, and should set up a new second factor.")


@user.command("sign-in-link")
@click.argument("email")
def sign_in_link(email: str) -> None:
    """Print a link that signs somebody in once, within 15 minutes; also where only OpenID Connect is on."""
    with installed() as services:
        person = Accounts(services.db).by_email(email)
        token, _ = Directory(services.db, services.audit).link(person.id, LinkKind.SIGN_IN, OPERATOR)
        report(f"{services.settings.base_url}/sign-in/link/{token}")
        tell(f"It signs in {person.email}, once, within 15 minutes.")


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the people."""
    with installed() as services:
        people = Accounts(services.db).list()
    if as_json:
        report_json(
            [
                {"email": each.email, "administrator": each.administrator, "active": each.active}
                | {"createdAt": each.created_at.isoformat()}
                for each in people
            ]
        )
    else:
        rows = [
            (each.email, "administrator" if each.administrator else "", "" if each.active else "off") for each in people
        ]
        report(table(rows, ("EMAIL", "STANDING", "STATE")))


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("tenant")
@click.argument("more_scopes", nargs=-1, metavar="[SCOPE]...")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, help=f"One of {', '.join(Scope)}; give it repeatedly.")
@click.option("--read-from", help="A tenant that it may read as a source of promotion.")
@json_option
def create_token(
    tenant: str, more_scopes: tuple[str, ...], name: str, scopes: tuple[str, ...], read_from: str | None, as_json: bool
) -> None:
    """Make a token and print it, this once; it is the last word of the line."""
    asked = [scope for given in (*scopes, *more_scopes) for scope in given.replace(",", " ").split()]
    with installed() as services:
        source = services.tenants.by_slug(read_from) if read_from else None
        plain = services.tokens.create(services.tenants.by_slug(tenant), name, asked, OPERATOR, read_from=source)
    if as_json:
        report_json({"tenant": tenant, "name": name, "scopes": sorted(set(asked)), "token": plain})
    else:
        report(f"Token {name} for {tenant} ({', '.join(sorted(set(asked)))}): {plain}")
        tell("It is shown only now.")


@token.command("list")
@click.argument("tenant")
@json_option
def list_tokens(tenant: str, as_json: bool) -> None:
    """List a tenant's tokens, revoked ones too."""
    with installed() as services:
        tokens = services.tokens.list(services.tenants.by_slug(tenant))
    if as_json:
        report_json(
            [
                {
                    "id": each.id,
                    "name": each.name,
                    "scopes": sorted(each.scopes),
                    "role": each.role,
                    "maker": each.maker_name,
                    "createdAt": each.created_at.isoformat(),
                    "lastUsedAt": each.last_used_at.isoformat() if each.last_used_at else None,
                    "revokedAt": each.revoked_at.isoformat() if each.revoked_at else None,
                }
                for each in tokens
            ]
        )
    else:
        rows = [
            (str(each.id), each.name, " ".join(sorted(each.scopes)), "revoked" if each.revoked_at else "")
            for each in tokens
        ]
        report(table(rows, ("ID", "NAME", "SCOPES", "STATE")))


@token.command("revoke")
@click.argument("tenant")
@click.argument("token_id", type=click.IntRange(1, 2**31 - 1))
def revoke_token(tenant: str, token_id: int) -> None:
    """End a token at once."""
    with installed() as services:
        services.tokens.revoke(token_id, OPERATOR, services.tenants.by_slug(tenant))
        report(f"Token {token_id} is revoked.")


def _standing(text: str) -> tuple[str, Role]:
    slug, _, role = text.partition(":")
    try:
        return slug, Role(role or Role.VIEWER)
    except ValueError:
        raise BadInputError(f"{role} is no role; roles are {', '.join(Role)}.") from None
