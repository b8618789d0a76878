"""Moving setups: planning and applying a large one, and exporting from many tenants."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.measure import measure, report
from webapp.domain.roles import OPERATOR, Access, Environment
from webapp.domain.tenant_document import TenantDocument
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion
from webapp.services.transfer.writing import as_json
from webapp.services.wiring import Services

LANGUAGES = (
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "nl", "pl", "pt-BR", "ro", "ru", "sv", "th", "zh-Hans", "zh-Hant",
)  # fmt: skip
TENANTS = 1_000
CONFIG = {
    "host": "smtp.example.com",
    "port": 587,
    "security": "starttls",
    "auth": {"type": "none"},
    "fromEmail": "Acme <no-reply@example.com>",
}


def transfers(everything: Services, folder: Path) -> None:
    """Plan and apply nine usage types in thirty languages; then export from a thousand tenants."""
    source, target = (_tenant(everything, slug) for slug in ("many-mails", "many-more"))
    large = _large(everything, source)
    for access in (source, target):
        everything.setups.save(access, large, base=0)
    text = as_json(everything.exporting.shown(source))
    _plans(everything, source, target, text, folder)
    _exports(everything)


def _tenant(everything: Services, slug: str) -> Access:
    everything.tenants.add(slug, slug, Environment.DEVELOPMENT, OPERATOR)
    return everything.tenants.access(OPERATOR, slug)


def _large(everything: Services, access: Access) -> dict[str, Any]:
    document = everything.setups.active(access.tenant).document
    mails = {
        usage: {tag: {**cells["*"], "subject": f"{cells['*']['subject']} ({tag})"} for tag in LANGUAGES}
        for usage, cells in document["templates"].items()
    }
    assert sum(map(len, mails.values())) == 9 * 30
    return {**document, "connector": {"provider": "smtp", "config": CONFIG}, "templates": mails}


def _plans(everything: Services, source: Access, target: Access, text: str, folder: Path) -> None:
    numbers = itertools.count(1)
    waiting: list[str] = []
    document = json.loads(text)

    def wanted() -> str:
        mail = document["setup"]["templates"]["Generic"]["en"]
        mail["subject"] = f"Number {next(numbers)}"
        return as_json(TenantDocument(document["setup"]))

    texts = iter([wanted() for _ in range(200)])

    def plan() -> None:
        made = everything.importing.plan(source, GivenDocument(next(texts))).transfer
        assert len(made.plan.changes) == 1
        waiting.append(made.id)

    def apply() -> None:
        assert everything.planning.apply(source, waiting.pop(), Confirmation()).created

    def compare() -> None:
        everything.promoting.look(source, target, Promotion())

    with _durable(folder) as insert:

        def peer() -> None:
            insert(json.dumps(json.loads(text), sort_keys=True))

        name = "peer: json.loads, json.dumps, one durable insert"
        things: dict[str, Callable[[], object]] = {
            name: peer,
            "planning an import of it": plan,
            "applying that plan": apply,
            "looking at a promotion of it": compare,
        }
        report(f"270 mails ({len(text.encode()) / 1024:.0f} KB of JSON)", measure(things, 20), name)


@contextmanager
def _durable(folder: Path) -> Iterator[Callable[[str], None]]:
    with sqlite3.connect(folder / "transfer-peer.db", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE revisions (id INTEGER PRIMARY KEY, document TEXT)")

        def insert(document: str) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO revisions (document) VALUES (?)", (document,))
            connection.execute("COMMIT")

        yield insert


def _exports(everything: Services) -> None:
    tenants = [_tenant(everything, f"one-of-many-{number}") for number in range(TENANTS)]
    for number, access in enumerate(tenants):
        config = {**CONFIG, "fromEmail": f"n{number}@example.com"}
        setup = {"connector": {"provider": "smtp", "config": config}}
        everything.setups.save(access, setup, base=0)
    documents = [everything.exporting.shown(access).to_json() for access in tenants]

    name = "peer: json.dumps of the same documents"
    things: dict[str, Callable[[], object]] = {
        name: lambda: [json.dumps(document, sort_keys=True, indent=2) for document in documents],
        "written as they are": lambda: [as_json(everything.exporting.shown(access)) for access in tenants],
        "and each noted in the audit log": lambda: [as_json(everything.exporting.export(a)) for a in tenants],
    }
    report(f"An export of {TENANTS:,} tenants", measure(things, 3, warm_up=1), name)
