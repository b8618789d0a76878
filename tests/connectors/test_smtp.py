"""SMTP keeps what every connector promises."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.canary import CANARY
from tests.peers.ports import LOOPBACK, free_port
from tests.peers.scripted import Script, ScriptedServer, answer, silence
from webapp.connectors.base import Means
from webapp.connectors.contract import ConnectorContract, Parts, Trouble
from webapp.connectors.smtp import SmtpConnector


@dataclass(frozen=True)
class MailServer:
    """A mail server whose mails are looked at header by header, and their envelopes too."""

    server: ScriptedServer
    port: int

    @property
    def means(self) -> Means:
        return Means()

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"host": LOOPBACK, "port": self.port, "security": "none"}

    def handed_over(self) -> list[Parts]:
        return [parts_of(each.commands, each.body) for each in self.server.conversations if each.body is not None]


def parts_of(commands: list[str], body: bytes) -> Parts:
    message = email.message_from_bytes(body)
    headers = [(name.lower(), re.sub(r"\r\n[ \t]", " ", value)) for name, value in message.items()]
    envelope = [(verb, rest.split()[0]) for verb, _, rest in (command.partition(":") for command in commands) if rest]
    return [*headers, *envelope, ("body", body.decode())]


class TestSmtp(ConnectorContract):
    connector = SmtpConnector
    settings = {
        "host": "smtp.example.com",
        "port": 587,
        "auth": {"type": "login", "user": "robot@example.com", "pass": f"{CANARY}-smtp"},
        "fromEmail": "Acme <no-reply@example.com>",
    }
    elsewhere = {"host": "smtp.example.net"}
    in_clear = {"security": "none"}
    patient = {"greetingTimeout": 300}
    message_id = "4711"
    troubles = {
        "nobody listens": Trouble("network.connection_refused", temporary=True),
        "never answers": Trouble("smtp.timeout_greeting", Script(greeting=silence), temporary=True),
        "credentials refused": Trouble("smtp.credentials_rejected", Script(auth=answer(535, "5.7.8 Wrong password"))),
        "mail refused": Trouble("smtp.recipient_refused", Script(rcpt=answer(550, "5.1.1 No such user"))),
        "too many requests": Trouble(
            "smtp.too_many_connections",
            Script(greeting=answer(421, "4.7.0 Too many connections from your host")),
            temporary=True,
        ),
        "provider down": Trouble(
            "smtp.temporary_failure", Script(greeting=answer(421, "4.3.2 System shutting down")), temporary=True
        ),
    }

    @contextmanager
    def peer(self, doing: str) -> Iterator[MailServer]:
        trouble = self.troubles.get(doing)
        script = (trouble.reply if trouble else None) or Script()
        offered = Script(**{**_steps(script), "offers_starttls": False})
        with ScriptedServer(offered) as server:
            yield MailServer(server, free_port() if doing == "nobody listens" else server.port)


def _steps(script: Script) -> dict[str, Any]:
    return {name: getattr(script, name) for name in Script.__slots__}
