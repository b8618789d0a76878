"""From what happened in a phase to the problem that an admin can act on."""

from __future__ import annotations

import base64
import errno
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPResponseException

from webapp.connectors import network_problems
from webapp.connectors.recipe import fixed
from webapp.connectors.smtp import problems
from webapp.connectors.smtp.config import LoginAuth, SmtpConfig
from webapp.connectors.smtp.endings import RESET_TITLE
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.reply import Reply, cleaned
from webapp.connectors.smtp.rules import diagnose
from webapp.connectors.smtp.wire import WitnessedProtocol
from webapp.connectors.tls_problems import PLAIN_ANSWER, client_certificate_problem, handshake_failed
from webapp.domain.message import DeliveryError, Outcome, PhaseNote, Trace
from webapp.domain.problem import Problem

_COMMANDS: Final = {
    "greeting": "CONNECT",
    "ehlo": "EHLO",
    "starttls": "STARTTLS",
    "auth": "AUTH",
    "mail_from": "MAIL FROM",
    "rcpt_to": "RCPT TO",
    "data": "DATA",
}
_ABOUT_PASSWORDS: Final = frozenset(
    {"smtp.credentials_rejected", "smtp.app_password_needed", "smtp.web_login_needed", "smtp.refused"}
)
"""What an answer means that is given to a password; to an access token it means that this is not accepted."""

_PARTING: Final = re.compile(rb"([45]\d\d)[ -]([^\r\n]*)")
_MALFORMED: Final = "Malformed SMTP response line: "


class Diagnosis:
    """Watches over the phases of one conversation and explains how one of them failed."""

    def __init__(self, config: SmtpConfig, client: aiosmtplib.SMTP, trace: Trace) -> None:
        self.protocol: WitnessedProtocol | None = None
        self.orderly = False
        """Whether the server waits for a command, so that QUIT is in place."""
        self.facts: dict[str, object] = {
            "host": config.host,
            "port": config.port,
            "user": config.auth.user if isinstance(config.auth, LoginAuth | OAuth2Auth) else "",
            "sender": config.from_email,
        }
        self._config = config
        self._client = client
        self._trace = trace

    @contextmanager
    def step(self, phase: str, milliseconds: int) -> Iterator[PhaseNote]:
        """Time a phase and turn what goes wrong in it into a DeliveryError."""
        seconds = milliseconds / 1000
        self.orderly = False
        with self._trace.phase(phase, seconds) as note:
            try:
                yield note
            except DeliveryError as exc:
                exc.problem = self._finished(exc.problem)
                raise
            except SMTPResponseException as exc:
                self.orderly = exc.code > 0
                raise self._answered(phase, exc.code, exc.message) from exc
            except TimeoutError as exc:
                raise self._ended(phase, f"smtp.timeout_{phase}", seconds=seconds) from exc
            except ssl.SSLError as exc:
                raise self._error(self._no_tls(phase, exc)) from exc
            except OSError as exc:
                raise self._hung_up(phase, seconds, exc) from exc
        self.orderly = True

    def refusal(self, code: str, **facts: str) -> DeliveryError:
        """Refuse to go on ourselves, with the server waiting for our next command."""
        self.orderly = True
        self.facts |= facts
        return DeliveryError(self._problem(code))

    def _answered(self, phase: str, code: int, message: str) -> DeliveryError:
        if self._body_written and not 400 <= code <= 599:
            return self._ended(phase, "smtp.no_answer_after_data")
        if code <= 0:
            return self._babble(phase, message)
        reply = Reply.of(code, message)
        logged_in = isinstance(self._config.auth, LoginAuth | OAuth2Auth)
        named = diagnose(phase, reply, host=self._config.host, logged_in=logged_in)
        if isinstance(self._config.auth, OAuth2Auth) and named in _ABOUT_PASSWORDS:
            named = "smtp.token_not_accepted"
        problem = self._problem(
            named,
            temporary=400 <= code <= 499,
            words=cleaned(" ".join(filter(None, (reply.text, self._challenge())))),
            banner=cleaned(reply.text, 60),
            command=_COMMANDS.get(phase, phase),
            reply=f"{code} {reply.enhanced_code or ''}".strip(),
            offered=", ".join(self._client.server_auth_methods).upper() or "?",
        )
        return self._error(problem, code=code, enhanced_code=reply.enhanced_code, text=reply.text)

    def _challenge(self) -> str:
        """What a server said in JSON, before its refusal, of the access token that it was shown."""
        try:
            said = json.loads(base64.b64decode(self.protocol.challenge)) if self.protocol else {}
        except (ValueError, RecursionError):
            return ""
        known = ((name, said.get(name)) for name in ("status", "scope")) if isinstance(said, dict) else ()
        shown = ", ".join(f"{name} {cleaned(str(value), 100)}" for name, value in known if value)
        return f"({self.protocol.without_credentials(shown)})" if shown and self.protocol else ""

    def _babble(self, phase: str, message: str) -> DeliveryError:
        """What came is not SMTP at all."""
        words = cleaned(message.removeprefix(_MALFORMED)) if message.startswith(_MALFORMED) else ""
        if phase == "greeting":
            return self._error(self._not_smtp(), text=words or None)
        problem = self._problem(
            "smtp.not_understood", command=_COMMANDS.get(phase, phase), reply=cleaned(words, 60) or "?"
        )
        return self._error(problem, text=words or None)

    def _hung_up(self, phase: str, seconds: float, exc: OSError) -> DeliveryError:
        if phase in ("resolve", "connect"):
            return self._error(network_problems.connection_broken(self._config.host, self._config.port))
        if isinstance(exc, ConnectionAbortedError) and phase == "tls":
            # asyncio's way to say that the handshake took too long.
            return self._ended(phase, "smtp.timeout_tls", seconds=seconds)
        if objection := self._objection():
            return self._error(objection)
        parting = _PARTING.match(self.protocol.parting_words) if self.protocol else None
        if parting and self.protocol and not self._body_written:
            words = parting[2].decode("utf-8", "replace")
            return self._answered(phase, int(parting[1]), self.protocol.without_credentials(words))
        error = self._ended(phase, f"smtp.connection_dropped_{phase}")
        if self._was_reset(exc) and ".connection_dropped_" in error.problem.code:
            error.problem = replace(error.problem, title=RESET_TITLE)
        return error

    def _was_reset(self, exc: OSError) -> bool:
        causes = (exc, exc.__cause__, self.protocol.lost if self.protocol else None)
        # asyncio raises the same class, without a number, for an orderly end in the middle of a handshake.
        return any(isinstance(each, OSError) and each.errno in (errno.ECONNRESET, errno.EPIPE) for each in causes)

    def _ended(self, phase: str, code: str, *, seconds: float = 0) -> DeliveryError:
        """The conversation ended without an answer; once the message is written, nobody knows what became of it."""
        if self._body_written:
            return self._error(self._problem("smtp.no_answer_after_data"), outcome=Outcome.MAYBE_SENT)
        if phase == "greeting" and self.protocol and self.protocol.first_bytes:
            return self._error(self._not_smtp())
        if phase == "greeting" and self._config.port == problems.TLS_PORT and self._config.security != "tls":
            return self._error(self._problem("smtp.tls_expected"))
        return self._error(self._problem(code, timeout=f"{seconds:g}"))

    def _not_smtp(self) -> Problem:
        if self.protocol and self.protocol.began_with_tls:
            return self._problem("smtp.tls_expected")
        return self._problem("smtp.not_smtp", banner=self.protocol.first_words if self.protocol else "")

    def _no_tls(self, phase: str, exc: ssl.SSLError) -> Problem:
        if phase == "tls" and exc.reason in PLAIN_ANSWER:
            return self._problem("smtp.tls_on_plain_port")
        if isinstance(exc, ssl.SSLEOFError):
            return self._problem(f"smtp.connection_dropped_{phase}")
        tls = self._config.tls
        return handshake_failed(
            exc,
            host=self._config.host,
            port=self._config.port,
            minimum=tls.min_version,
            presented=tls.cert is not None,
        )

    def _objection(self) -> Problem | None:
        """What the server said of our certificate after the handshake, as TLS 1.3 has it."""
        lost, config = self.protocol.lost if self.protocol else None, self._config
        if not isinstance(lost, ssl.SSLError):
            return None
        return client_certificate_problem(
            lost, host=config.host, port=config.port, presented=config.tls.cert is not None
        )

    @property
    def _body_written(self) -> bool:
        return self.protocol is not None and self.protocol.body_written

    def _problem(self, code: str, *, temporary: bool = False, **facts: str | int) -> Problem:
        return problems.problem(code, self.facts | facts, temporary=temporary)

    def _error(
        self,
        problem: Problem,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        code: int | None = None,
        enhanced_code: str | None = None,
        text: str | None = None,
    ) -> DeliveryError:
        return DeliveryError(
            self._finished(problem), outcome=outcome, code=code, enhanced_code=enhanced_code, text=text
        )

    def _finished(self, problem: Problem) -> Problem:
        fix = problems.fix_for(
            problem.code,
            port=self._config.port,
            security=self._config.security,
            starttls_offered=self._client.supports_extension("starttls"),
        )
        return fixed(problem, fix).with_transcript(self._trace.transcript)
