"""``make bench``: pages, saves, checks, test sends and moves, each beside a peer; and how they grow with history."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sqlite3
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
from flask import Flask

from tests.bench.measure import measure, report
from tests.bench.transfer import transfers
from tests.peers.aiosmtpd_server import PASSWORD, USER, receiving_server
from tests.peers.certificates import Certificates
from webapp.app import create_app
from webapp.db import migrate
from webapp.domain.roles import OPERATOR, Access
from webapp.services.wiring import Services
from webapp.settings import Settings
from webapp.web.context import services

PAGES = ("/t/dev/", "/t/dev/connector/choose", "/t/dev/connector?preset=gmail", "/t/dev/history")
EMAIL, ACCOUNT_PASSWORD = "ada@example.com", "correct horse battery"
HISTORY = (10, 100, 1_000, 10_000)


def main() -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificates = Certificates()
        os.environ["SSL_CERT_FILE"] = str(_authority(certificates, folder))
        sink = stack.enter_context(receiving_server(certificates.server("good")))
        app, client = _console(folder / "instance")
        with app.app_context():
            everything = services()
        access = everything.tenants.access(OPERATOR, "dev")
        _pages(client, everything, access, sink.port)
        _saves(everything, access, sink.port, folder)
        _conversations(everything, access, sink.port)
        transfers(everything, folder)
        _history(client, everything, access, sink.port)


def _authority(certificates: Certificates, folder: Path) -> Path:
    path = folder / "ca.pem"
    path.write_text(certificates.ca_pem)
    return path


def _console(data_dir: Path) -> tuple[Flask, Any]:
    settings = Settings(
        data_dir=data_dir,
        allowed_networks="127.0.0.0/8,::1/128",
        sandbox_smtp_port=0,
        test_send_limits="1000000/10 minutes,1000000/day",
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        migrate.upgrade(services().db)
        from webapp.accounts import first_run

        first_run(services(), EMAIL, ACCOUNT_PASSWORD, "Bench")
    client = app.test_client()
    signed_in = client.post("/sign-in", data={"email": EMAIL, "password": ACCOUNT_PASSWORD})
    assert signed_in.status_code == 302, signed_in.status
    return app, client


def _document(everything: Services, access: Access, port: int, number: int = 0) -> dict[str, Any]:
    auth = {"type": "login", "user": USER, "pass": PASSWORD}
    config = {"host": "localhost", "port": port, "security": "starttls", "auth": auth}
    connector = {"provider": "smtp", "config": {**config, "fromEmail": f"n{number}@example.com"}}
    return {**everything.setups.active(access.tenant).document, "connector": connector}


def _pages(client: Any, everything: Services, access: Access, port: int) -> None:
    _save(everything, access, port, 0)
    hello = Flask("hello")
    hello.add_url_rule("/", view_func=lambda: "hello")
    peer = hello.test_client()
    things: dict[str, Callable[[], object]] = {"peer: Flask saying hello": lambda: peer.get("/")}
    for path in PAGES:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status)
        things[f"GET {path} ({len(response.data) / 1024:.0f} KB)"] = lambda path=path: client.get(path)
    report("A page: server time", measure(things, 40), "peer: Flask saying hello")


def _saves(everything: Services, access: Access, port: int, folder: Path) -> None:
    numbers = itertools.count(1)
    with sqlite3.connect(folder / "peer.db", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE revisions (id INTEGER PRIMARY KEY, document TEXT)")
        document = str(everything.setups.active(access.tenant).document)

        def insert() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO revisions (document) VALUES (?)", (document,))
            connection.execute("COMMIT")

        peer = "peer: the same document into SQLite, one durable insert"
        things = {peer: insert, "a save": lambda: _save(everything, access, port, next(numbers))}
        report("A save: judged, encrypted, written, audited", measure(things, 100), peer)


def _save(everything: Services, access: Access, port: int, number: int) -> None:
    saved = everything.setups.save(access, _document(everything, access, port, number), base=None)
    assert saved.created


def _conversations(everything: Services, access: Access, port: int) -> None:
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])

    def client() -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname="localhost", port=port, start_tls=True, tls_context=context, username=USER, password=PASSWORD
        )

    async def log_in() -> None:
        async with client():
            pass

    async def send() -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "n@example.com", "to@example.com", "Your code"
        mail.set_content("Your code is 000000")
        async with client() as session:
            await session.send_message(mail)

    def check() -> None:
        run = everything.testing.check(access)
        assert run.ok, run.problem

    def test_send() -> None:
        run = everything.testing.test_send(access, "to@example.com")
        assert run.ok, run.problem

    peer = "peer: aiosmtplib, STARTTLS and login"
    with _unlimited_checks():
        report("A check", measure({peer: lambda: asyncio.run(log_in()), "a check": check}, 30), peer)
    peer = "peer: aiosmtplib, the same and a mail"
    report("A test send", measure({peer: lambda: asyncio.run(send()), "a test send": test_send}, 30), peer)


@contextmanager
def _unlimited_checks() -> Iterator[None]:
    from webapp.services import testing

    kept, testing.CHECK_LIMIT = testing.CHECK_LIMIT, testing.Limit(1_000_000, 600)  # type: ignore[misc]
    yield
    testing.CHECK_LIMIT = kept  # type: ignore[misc]


def _history(client: Any, everything: Services, access: Access, port: int) -> None:
    numbers = itertools.count(100_000)
    rows = {}
    for size in HISTORY:
        while everything.setups.active(access.tenant).number < size:
            _save(everything, access, port, next(numbers))
        rows[size] = measure(
            {
                "a save": lambda: _save(everything, access, port, next(numbers)),
                "the history page": lambda: client.get("/t/dev/history"),
            },
            20,
        )
    print("\nFrom 10 to 10,000 revisions (ratio to the first line)")
    for size, figures in rows.items():
        told = "   ".join(f"{f} {f.median / rows[HISTORY[0]][name].median:5.2f} x" for name, f in figures.items())
        print(f"  {size:>6} {told}")


if __name__ == "__main__":
    main()
