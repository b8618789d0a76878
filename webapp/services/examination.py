"""Looks an installation over: what works, what will not, and what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from webapp.connectors import CONNECTORS
from webapp.connectors.openid import OpenIDError
from webapp.db import migrate
from webapp.db.keys import KEY_FILE
from webapp.db.models import WrappedKeyRow
from webapp.db.session import Database
from webapp.db.vault import VaultKeyError
from webapp.domain.errors import PostroomError
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T
from webapp.services.expiry import ended
from webapp.services.openid import CALLBACK, openid_provider
from webapp.services.transfer.starting import Look
from webapp.services.wiring import Services, build
from webapp.settings import Settings


class DatabaseUnavailableError(PostroomError):
    """The database does not answer, or is not at this version's tables. The detail says which, and what to do."""

    code = "database.unavailable"
    status = 503
    title = T("The database cannot be used")


_NAMED: Final = 5
"""Pointers that are written out."""

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    says: str


def prepare(settings: Settings, *, migrating: bool) -> None:
    """Make sure that the database is there and at this version. Only what starts an installation migrates it."""
    with _opened(settings) as database:
        if migrating:
            migrate.upgrade(database)
        elif migrate.current(database) != migrate.head():
            raise DatabaseUnavailableError(
                T("It is not at this version. Run `postroom init` or `postroom serve`: both migrate it.")
            )
        require_key_file(settings, database)


def require_key_file(settings: Settings, database: Database) -> None:
    """Refuse to make a new key file where the database was written with one that is gone. Raises VaultKeyError."""
    path = settings.data_dir / KEY_FILE
    if settings.secret_keys or path.exists():
        return
    with database.read() as session:
        written = session.scalar(select(WrappedKeyRow.name).limit(1))
    if written:
        raise VaultKeyError(f"there is no key file {path}, and the database was written with one")


def keys_do_not_fit(error: VaultKeyError) -> str:
    """What the operator is told."""
    words = f"{str(error)[0].upper()}{str(error)[1:]}"
    return f"{words}. Put back the key file that belongs to this database, or set POSTROOM_SECRET_KEYS to its keys."


def check_keys(services: Services) -> None:
    """Make sure that the operator's keys open what was written. Raises VaultKeyError."""
    with services.db.read() as session:
        sealed = session.scalars(select(WrappedKeyRow.key)).all()
    for key in sealed:
        services.vault.open(key)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other; what needs a database that is not there is left out."""
    try:
        with _opened(settings) as database:
            version, newest = migrate.current(database), migrate.head()
    except DatabaseUnavailableError as exc:
        yield Finding("database", "failed", str(exc.detail))
        return
    yield Finding("database", "ok", "It can be read." if version else "It is empty.")
    if version != newest:
        yield Finding(
            "migrations", "failed", f"It is at {version or 'none'}, this version needs {newest}. Run `postroom serve`."
        )
        return
    yield Finding("migrations", "ok", f"It is at {newest}.")
    yield from _other_packages()
    yield _sandbox_port(settings)
    try:
        with _opened(settings) as database:
            require_key_file(settings, database)
        services = build(settings)
        check_keys(services)
    except VaultKeyError as exc:
        yield Finding("keys", "failed", keys_do_not_fit(exc))
        return
    yield Finding("keys", "ok", "They open what is stored.")
    try:
        yield from _mounted(services)
        if services.console_mail.available:
            yield _console_mail(services)
        if settings.oidc_issuer:
            yield from _sign_in_provider(settings, services)
        for tenant in services.tenants.all():
            yield _connector(services, tenant.slug)
            yield from _ends(services, tenant)
    finally:
        services.close()


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    try:
        database = Database(settings.resolved_database_url)
        try:
            yield database
        finally:
            database.dispose()
    except (SQLAlchemyError, OSError, ModuleNotFoundError) as exc:
        # The driver's own words, without the statement; a URL's password is in neither.
        words = " ".join(str(getattr(exc, "orig", None) or exc).split()).rstrip(".")
        raise DatabaseUnavailableError(
            T("It cannot be opened: %(why)s. Check DATABASE_URL and POSTROOM_DATA_DIR.", why=words)
        ) from exc


def _console_mail(services: Services) -> Finding:
    problem = services.console_mail.check()
    if problem is None:
        return Finding("console's mail", "ok", "The relay answers.")
    return Finding("console's mail", "warning", f"{problem.title}. {problem.cause}")


def _sign_in_provider(settings: Settings, services: Services) -> Iterator[Finding]:
    what, provider = "sign-in provider", openid_provider(settings, services.loop)
    known = {tenant.slug for tenant in services.tenants.all()}
    unknown = sorted({grant.tenant for grant in settings.oidc_roles if grant.tenant} - known)
    if unknown:
        says = f"POSTROOM_OIDC_ROLES gives roles in tenants that are not there: {', '.join(unknown)}."
        yield Finding(what, "warning", says)
    try:
        if provider:
            provider.look()
    except OpenIDError as exc:
        yield Finding(what, "failed", f"{exc.problem.title}. {exc.problem.cause}")
    else:
        yield Finding(what, "ok", f"It answers. Its redirect address for this console: {settings.base_url}{CALLBACK}")


def said_of(look: Look) -> str:
    """What start-up does, or did, with a mounted file."""
    slug, file = look.tenant.slug, look.file
    match look.state:
        case "imported":
            return f"{slug}: imported {file} as revision {look.revision}."
        case "new":
            return f"{slug}: the next start imports {file}. It changes {', '.join(_first(look.changed))}."
        case "same":
            return f"{slug}: {file} says what is live, revision {look.revision}."
        case "edited":
            return (
                f"{slug} was edited since {file} was read (revision {look.since}, live is {look.revision}). "
                "The file is unchanged, so the edits stay."
            )
        case "archived":
            return f"{slug} is archived, so {file} is not imported. To bring it back: postroom tenant unarchive {slug}."
        case _:
            return f"{slug}: {file} is unchanged since it was read."


def _first(pointers: Sequence[str]) -> list[str]:
    more = len(pointers) - _NAMED
    return [*pointers[:_NAMED], *([f"and {more} more"] if more > 0 else [])]


def _mounted(services: Services) -> Iterator[Finding]:
    folder, what = services.settings.import_dir, "import at start-up"
    if folder is None:
        return
    looks, troubles = services.startup.look(folder)
    for trouble in troubles:
        yield Finding(what, "failed", f"{trouble.place}: {trouble.says}")
    for look in looks:
        if look.file not in {trouble.file for trouble in troubles}:
            yield Finding(what, "warning" if look.state in ("edited", "archived") else "ok", said_of(look))
    if not looks and not troubles:
        yield Finding(what, "warning", f"There is no file to import in {folder}.")


def _connector(services: Services, slug: str) -> Finding:
    tenant = services.tenants.by_slug(slug)
    what = f"connector of {slug}"
    if services.setups.active(tenant).setup.connector is None:
        return Finding(what, "ok" if not tenant.production else "warning", "None is set up.")
    try:
        resolved = services.setups.resolve(tenant, None)
    except PostroomError as exc:
        return Finding(what, "failed", str(exc.detail))
    except VaultKeyError as exc:
        return Finding(what, "failed", f"Its secrets cannot be read: {exc}.")
    if services.setups.proven(tenant, resolved.values_tag) is None:
        return Finding(
            what, "warning", f"{resolved.provider}: not proven. Send a test: postroom test-send {slug} --to …"
        )
    return Finding(what, "ok", f"{resolved.provider}: proven.")


def _ends(services: Services, tenant: TenantInfo) -> Iterator[Finding]:
    """What of the live connector is a risk that lasts, ends soon or has ended."""
    try:
        cautions = services.expiries.cautions(tenant, services.setups.active(tenant))
    except PostroomError:  # told already
        return
    for each in cautions:
        state: State = "failed" if ended(each) else "warning"
        yield Finding(f"connector of {tenant.slug}", state, f"{each.title}. {each.cause}")


def _other_packages() -> Iterator[Finding]:
    """Connectors of other packages: those that are offered, and those that cannot be."""
    for connector in CONNECTORS.others():
        yield Finding("connector", "ok", f"{connector.kind}: offered by {connector.__module__}.")
    for each in CONNECTORS.left_out:
        yield Finding("connector", "failed", f"{each.kind} of {each.package} is left out. {each.why}")


def _sandbox_port(settings: Settings) -> Finding:
    port = settings.sandbox_smtp_port
    if not port:
        return Finding("sandbox", "ok", "Switched off.")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            greeting = connection.recv(200)
    except ConnectionRefusedError:
        return Finding("sandbox", "ok", f"Port {port} is free; `postroom serve` will listen there.")
    except OSError as exc:
        return Finding("sandbox", "warning", f"Port {port} does not answer: {exc}.")
    if b"Postroom" in greeting:
        return Finding("sandbox", "ok", f"It answers on port {port}.")
    return Finding("sandbox", "failed", f"Another program listens on port {port}. Change POSTROOM_SANDBOX_SMTP_PORT.")
