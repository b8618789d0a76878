"""All services of one process, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.db import migrate
from webapp.db.keys import operator_keys
from webapp.db.session import Database
from webapp.db.vault import Vault, vault_of
from webapp.domain.text import T, Text
from webapp.services.access import AccessTokens
from webapp.services.audit import Audit
from webapp.services.consents import Consents
from webapp.services.console_mail import ConsoleMail
from webapp.services.daily_usage import DailyUsage
from webapp.services.delivery import Delivery, Networks, operators_relay
from webapp.services.detection import Detections
from webapp.services.drafts import Drafts
from webapp.services.expiry import Expiries
from webapp.services.housekeeping import Housekeeping
from webapp.services.inbox import Inbox
from webapp.services.invitations import Invitations
from webapp.services.keeping import Keeping
from webapp.services.limits import Limits
from webapp.services.lock import ProcessLock
from webapp.services.loop import BackgroundLoop
from webapp.services.machine_identity import MachineIdentity
from webapp.services.metrics import Metrics
from webapp.services.runner import Runner
from webapp.services.runs import Runs
from webapp.services.sandbox import SandboxServer
from webapp.services.sessions import Sessions
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.testing import Testing
from webapp.services.tokens import Tokens
from webapp.services.transfer.duplicating import Duplicating
from webapp.services.transfer.exporting import Exporting
from webapp.services.transfer.importing import Importing
from webapp.services.transfer.planning import Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting
from webapp.services.transfer.proposals import Proposals
from webapp.services.transfer.starting import StartupImport
from webapp.services.transfer.trying import Trials
from webapp.settings import Settings

DRAFTS_KEPT = timedelta(hours=24)
ATTEMPTS_KEPT = timedelta(days=31)
"""Longer than any window that is counted."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the entry points call. Tables need not exist before the first use: ``trouble`` says so if they don't."""

    settings: Settings
    connectors: Mapping[str, type[Connector[Any]]]
    db: Database
    vault: Vault
    audit: Audit
    tenants: Tenants
    tokens: Tokens
    invitations: Invitations
    sessions: Sessions
    limits: Limits
    setups: Setups
    drafts: Drafts
    loop: BackgroundLoop
    access: AccessTokens
    expiries: Expiries
    delivery: Delivery
    exporting: Exporting
    planning: Planning
    importing: Importing
    duplicating: Duplicating
    startup: StartupImport
    promoting: Promoting
    trials: Trials
    proposals: Proposals
    consents: Consents
    testing: Testing
    detection: Detections
    console_mail: ConsoleMail
    keeping: Keeping
    inbox: Inbox
    usage: DailyUsage
    sandbox: SandboxServer
    housekeeping: Housekeeping
    metrics: Metrics

    def start(self) -> None:
        """Begin what runs beside the requests, in whichever process gets to do it: the sandbox and the housekeeping."""
        self.sandbox.start()
        self.housekeeping.start()

    def trouble(self) -> Text | None:
        """Why this process cannot serve now; None when it can."""
        try:
            current = migrate.current(self.db)
        except SQLAlchemyError:
            return T("The database does not answer.")
        if current != migrate.head():
            return T(
                "The database is not at this version's tables. Start with make run or postroom serve to migrate it."
            )
        return None

    def close(self) -> None:
        """End what runs beside the requests and let go of the database's connections."""
        self.housekeeping.stop()
        self.sandbox.stop()
        self.loop.stop()
        self.db.dispose()


def build(settings: Settings) -> Services:
    """Make the services over the operator's settings. Opens nothing yet."""
    db = Database(settings.resolved_database_url)
    vault = vault_of(db, operator_keys(settings.secret_keys, settings.data_dir))
    audit, loop = Audit(), BackgroundLoop()
    relay = operators_relay(settings, CONNECTORS["smtp"])
    tenants, limits = Tenants(db, vault, audit), Limits(db, vault)
    setups = Setups(db, vault, CONNECTORS, audit, relay=relay)
    plans = Plans(db, vault)
    planning = Planning(setups, CONNECTORS, plans, limits)
    importing = Importing(setups, planning, limits)
    drafts, runs, inbox = Drafts(db, vault, CONNECTORS), Runs(db, vault), Inbox(db, vault)
    sandbox = SandboxServer(settings.data_dir, settings.sandbox_smtp_port, tenants, inbox)
    metrics, invitations, sessions = Metrics(db), Invitations(db, audit), Sessions(db)
    access = AccessTokens(db, vault)
    usage = DailyUsage(db, settings.builtin_daily_limit)
    delivery = Delivery(
        CONNECTORS,
        Networks(settings, sandbox),
        access,
        relay=relay,
        inbox=inbox,
        usage=usage,
        machine=MachineIdentity(settings.machine_identity_tenants),
    )
    return Services(
        settings=settings,
        connectors=CONNECTORS,
        db=db,
        vault=vault,
        audit=audit,
        tenants=tenants,
        tokens=Tokens(db, audit),
        invitations=invitations,
        sessions=sessions,
        limits=limits,
        setups=setups,
        drafts=drafts,
        loop=loop,
        access=access,
        expiries=Expiries(CONNECTORS, access, setups),
        delivery=delivery,
        exporting=Exporting(db, setups, audit),
        planning=planning,
        importing=importing,
        duplicating=Duplicating(tenants, setups, importing),
        startup=StartupImport(db, vault, tenants, setups, importing, planning),
        promoting=Promoting(setups, planning),
        trials=Trials(planning, setups),
        proposals=Proposals(db, vault, setups, plans, CONNECTORS, audit),
        consents=Consents(db, loop, audit),
        testing=Testing(
            runs, Runner(db, runs, loop, audit, metrics), setups, delivery, limits, *settings.test_send_limits
        ),
        detection=Detections(db, vault, loop, limits, audit, CONNECTORS, delivery.network),
        keeping=Keeping(db),
        console_mail=ConsoleMail(settings, CONNECTORS, loop, limits, audit, db),
        inbox=inbox,
        usage=usage,
        sandbox=sandbox,
        housekeeping=Housekeeping(
            ProcessLock(settings.data_dir / "housekeeping.lock"),
            {
                "drafts": lambda: drafts.purge(DRAFTS_KEPT),
                "runs": runs.purge,
                "plans": plans.purge,
                "attempts": lambda: limits.purge(ATTEMPTS_KEPT),
                "inbox": inbox.purge,
                "usage": lambda: usage.purge(timedelta(days=settings.retention_days)),
                "access": access.purge,
                "links": invitations.purge,
                "sessions": sessions.purge,
                "audit": lambda: audit.purge(db, timedelta(days=settings.retention_days)),
            },
        ),
        metrics=metrics,
    )
