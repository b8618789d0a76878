"""A walk over the whole URL map: every route, every method, by everybody; the tests look at the answers.

New routes are judged by being there. ``SAMPLES`` says what stands in their addresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.web.conftest import Browser, House
from webapp.db.models import Base

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SAMPLES = {
    "tenant": "dev", "token": "x" * 43, "usage_type": "SignIn", "filename": "css/app.css", "name": "smtp",
    "anchor": "options-of-other-systems", "kind": "smtp", "section": "connection",
}  # fmt: skip
"""What stands for the variable parts of addresses; 1 for those that are not named."""

FORGETFUL = {"attempts", "sessions", "tokens"}
"""Tables in which asking alone leaves a trace: tries, when somebody was seen, when a token was used."""

MADE_WHEN_FIRST_NEEDED = {"fs_webauthn_user_handle"}
"""Columns that a page fills in once, with something random that gives nobody anything."""


@dataclass(frozen=True)
class Answer:
    """What one request was answered with."""

    who: str
    method: str
    path: str
    endpoint: str
    response: TestResponse = field(repr=False)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def policy(self) -> dict[str, str]:
        """The content security policy, by directive."""
        parts = self.response.headers.get("Content-Security-Policy", "").split(";")
        return dict(part.strip().partition(" ")[::2] for part in parts if part.strip())

    @property
    def html(self) -> bool:
        return self.response.mimetype == "text/html"

    @property
    def of_the_api(self) -> bool:
        return self.path.startswith("/api/v1")

    @property
    def static(self) -> bool:
        return self.endpoint == "static" and self.status < 400

    @property
    def caught_mail(self) -> bool:
        """Whether it is somebody else's HTML, in its sealed-off frame."""
        return self.endpoint in ("inbox.html", "inbox.source") and self.status == 200 and self.method != "OPTIONS"


def rules(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)


def address(rule: Rule, **known: str) -> str:
    """An address of this route, with something that is there in its variable parts."""
    built = rule.build({name: {**SAMPLES, **known}.get(name, "1") for name in rule.arguments})
    assert built, f"give {rule.rule} a sample in SAMPLES"
    return str(built[1])


def forms(app: Flask, **known: str) -> Iterator[tuple[str, str]]:
    """Endpoint and address of every page that takes a form."""
    for rule in rules(app):
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api"):
            yield rule.endpoint, address(rule, **known)


def every_get(house: House, who: str, browser: Browser, **known: str) -> Iterator[Answer]:
    """Ask for every page there is."""
    for rule in rules(house.app):
        if "GET" in (rule.methods or ()):
            path = address(rule, **known)
            yield Answer(who, "GET", path, rule.endpoint, browser._client.get(path, buffered=True))


def every_other(house: House, who: str, browser: Browser, **known: str) -> Iterator[Answer]:
    """Ask every address by every method that it does not have, and by those that it has, without a form token."""
    for rule in rules(house.app):
        for method in METHODS[1:]:
            path = address(rule, **known)
            yield Answer(who, method, path, rule.endpoint, browser._client.open(path, method=method, buffered=True))


def stored(house: House) -> dict[str, str]:
    """A digest of each table, to tell whether anything has changed."""
    digests = {}
    with house.services.db.read() as session:
        for name, table in Base.metadata.tables.items():
            if name not in FORGETFUL:
                found = session.execute(table.select()).mappings()
                rows = sorted(repr([row[key] for key in row if key not in MADE_WHEN_FIRST_NEEDED]) for row in found)
                digests[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests
