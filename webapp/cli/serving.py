"""The command that starts the console."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from webapp.accounts import Accounts, Installation
from webapp.cli.installation import installed, read_settings
from webapp.cli.output import FailedError, report, tell
from webapp.ending import DRAIN
from webapp.services.examination import check_keys, said_of
from webapp.services.metrics import FOLDER_VARIABLE
from webapp.services.wiring import Services
from webapp.settings import Settings

_LOG: Final = {
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}
"""Where the server's own words go; standard output is for the address."""


@click.command()
@click.option("--host", help="Address to listen on; by default POSTROOM_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; by default POSTROOM_PORT.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes.")
def serve(host: str | None, port: int | None, workers: int) -> None:
    """Migrate, then start the console and the sandbox mail server. SIGTERM lets requests in flight end."""
    # The workers read the environment anew, so what was given here is told there.
    if host:
        os.environ["POSTROOM_HOST"] = host
    if port:
        os.environ["POSTROOM_PORT"] = str(port)
    settings = read_settings()
    require_free(settings.host, settings.port)
    with installed(settings, migrating=True) as services:
        check_keys(services)
        _bring_in(services)
        words = _welcome(settings, services)
    threading.Thread(target=_say_when_listening, args=(settings, words), daemon=True).start()
    with _counted_together(workers):
        Granian(
            "webapp.server:application",
            factory=True,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=settings.threads,
            workers_kill_timeout=DRAIN,
            log_level=LogLevels.error,
            log_dictconfig=_LOG,
        ).serve()


def _bring_in(services: Services) -> None:
    """Import what is mounted, and say what became of each file; one that cannot be imported keeps the server off."""
    folder = services.settings.import_dir
    for look in services.startup.bring_in(folder) if folder else ():
        tell(said_of(look))


@contextmanager
def _counted_together(workers: int) -> Iterator[None]:
    """Give several workers a folder in which they count for /metrics; without it each would answer only its own."""
    if workers == 1:
        os.environ.pop(FOLDER_VARIABLE, None)
        yield
        return
    with tempfile.TemporaryDirectory(prefix="postroom-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


def require_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, and say which setting to change."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as exc:
        raise FailedError(f"There is no address {host} to listen on. Change POSTROOM_HOST.") from exc
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as exc:
            raise FailedError(_taken(exc, host, port)) from exc


def _taken(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is taken. Choose another: POSTROOM_PORT={port + 1 if port < 65535 else 8420}."
            )
        case errno.EACCES:
            return f"Port {port} needs more rights than this user has. Choose one above 1023 by POSTROOM_PORT."
        case errno.EADDRNOTAVAIL:
            return f"This machine has no address {host}. Change POSTROOM_HOST."
        case _:
            return f"Cannot listen on {host}, port {port}: {error.strerror}. Change POSTROOM_HOST or POSTROOM_PORT."


def _welcome(settings: Settings, services: Services) -> str:
    words = f"Postroom is at {settings.base_url}"
    if Accounts(services.db).has_administrator():
        return words
    link = f"{settings.base_url}/setup/{Installation(services.db).new_setup_link()}"
    return f"{words}\nMake the first administrator here (works once, within 24 hours):\n{link}"


def _say_when_listening(settings: Settings, words: str) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  asked, not bound
    while True:
        try:
            socket.create_connection((host, settings.port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            report(words)
            return
