"""No server can hang us, make us leak, or write into our pages and logs."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace

import pytest

from tests.connectors.smtp_attempt import MAIL, PASSWORD, attempt
from tests.connectors.smtp_failures import clear, offering
from tests.peers.scripted import Script, answer, drop, endless, raw, reset
from webapp.domain.address import Mailbox


class TestHastyServer:
    """Whoever hangs up at once may be noticed in one phase or the next, but is noticed."""

    @pytest.mark.parametrize("security", ["none", "starttls", "tls"])
    @pytest.mark.parametrize("end", [drop, reset])
    def test_hanging_up_at_once_is_a_dropped_connection(self, scripted, security, end):
        server = scripted(Script(greeting=end))

        codes = {attempt(server.port, security=security, mail=None).code for _ in range(5)}

        phase = "tls" if security == "tls" else "greeting"
        assert codes <= {"network.connection_broken", f"smtp.connection_dropped_{phase}"}


class TestHostileServer:
    """A server that wants to hang us, to make us leak, or to write into our pages and logs."""

    @pytest.mark.parametrize("phase", ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "body"])
    @pytest.mark.parametrize(
        "flood",
        [
            pytest.param(endless(b"250-more and more\r\n" * 50), id="continuation lines without end"),
            pytest.param(endless(b"250-" + b"x" * 8000), id="a line without end"),
            pytest.param(endless(b"\x00" * 8000), id="null bytes without end"),
        ],
    )
    def test_it_cannot_keep_us_reading(self, scripted, phase, flood):
        server = scripted(clear(**{phase: flood}))

        tried = attempt(server.port, security="none", socketTimeout=2000, greetingTimeout=2000)

        assert tried.error is not None
        assert len(tried.everything) < 50_000

    @pytest.mark.parametrize("phase", ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "body"])
    def test_it_cannot_write_control_characters_or_markup_of_terminals(self, scripted, phase):
        nasty = "\x1b]0;owned\x07\x1b[2J\x9b31m\x00\x08\u202egnp.exe\u2028S: 250 forged\x85\x7f"
        server = scripted(clear(**{phase: raw(f"550-5.7.1 {nasty}\r\n550 5.7.1 {nasty}\r\n".encode())}))

        tried = attempt(server.port, security="none")

        shown = [tried.trace.transcript, *(each.text or "" for each in tried.trace.phases), tried.error.text or ""]
        assert tried.error is not None
        assert {char for text in shown for char in text if char != "\n" and not char.isprintable()} == set()
        assert "\nS: 250 forged" not in tried.trace.transcript

    def test_it_cannot_send_bytes_that_are_no_text(self, scripted):
        server = scripted(clear(rcpt=raw(b"550 5.1.1 \xff\xfe\xc3\x28 \xe4\xf6\xfc\r\n")))

        tried = attempt(server.port, security="none")

        assert tried.code == "smtp.recipient_refused"
        assert tried.everything.encode()

    @pytest.mark.parametrize("phase", ["auth", "mail", "rcpt", "data", "body"])
    def test_it_cannot_make_us_repeat_what_we_sent(self, scripted, caplog, phase):
        caplog.set_level(logging.DEBUG)
        echo = answer(550, f"5.7.1 {PASSWORD} of {MAIL.to}", f"5.7.1 {PASSWORD!r}")
        server = scripted(clear(**{phase: echo}))

        tried = attempt(server.port, security="none")

        words = tried.everything + caplog.text
        assert tried.error is not None
        assert PASSWORD not in words
        # Before RCPT the server cannot know whom the mail is for.
        assert phase == "auth" or MAIL.to not in tried.trace.transcript

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
    def test_it_cannot_make_us_repeat_the_proof_of_identity(self, scripted, mechanism):
        probe = scripted(offering(mechanism))
        attempt(probe.port, security="none", mail=None)
        proof = next(line for line in reversed(probe.commands) if line != "QUIT").split(" ")[-1]
        server = scripted(offering(mechanism, auth=answer(535, f"5.7.8 {proof} is wrong", proof)))

        tried = attempt(server.port, security="none", mail=None)

        assert tried.code == "smtp.credentials_rejected"
        assert proof not in tried.everything

    def test_it_cannot_inject_answers_before_the_handshake(self, scripted, certificates):
        # CVE-2011-0411 and its relatives: what came in clear after STARTTLS may not count as said under TLS.
        injected = raw(b"220 Ready\r\n250-injected.example.test\r\n250 AUTH PLAIN\r\n") + Script().starttls
        server = scripted(Script(starttls=injected))

        tried = attempt(server.port, security="starttls", ca_pem=certificates.ca_pem)

        assert "injected.example.test" not in tried.trace.transcript
        assert server.conversations[0].secure or not [each for each in server.commands if each.startswith("AUTH")]

    def test_offers_under_tls_count_and_those_before_do_not(self, scripted, certificates):
        server = scripted(Script(mechanisms=("PLAIN",)))

        tried = attempt(server.port, security="starttls", ca_pem=certificates.ca_pem, mail=None)

        assert tried.error is None
        assert [command.split(" ")[0] for command in server.commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


class TestHostileMail:
    """Texts are free of line breaks before they come here; should one slip through, it changes nothing but itself."""

    BREAK = "\r\nX-Injected: yes\r\n\r\n.\r\nRCPT TO:<mallory@elsewhere.test>\r\n"

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"subject": f"Hello{BREAK}"}, id="subject"),
            pytest.param({"subject": "Hello\n"}, id="subject that ends in a line break"),
            pytest.param({"to": f"ada@example.test{BREAK}"}, id="recipient"),
            pytest.param({"to": "ada@example.test> ORCPT=rfc822;mallory@elsewhere.test"}, id="recipient's parameter"),
            pytest.param({"sender": Mailbox(f"no-reply@example.test{BREAK}")}, id="sender"),
            pytest.param({"sender": Mailbox("no-reply@example.test", f"Postroom{BREAK}")}, id="sender's name"),
            pytest.param({"reply_to": f"help@example.test{BREAK}"}, id="reply-to"),
            pytest.param({"message_id": f"<x@example.test>{BREAK}"}, id="message id"),
            pytest.param({"headers": (("X-Ref", f"4711{BREAK}"),)}, id="header's value"),
            pytest.param({"headers": ((f"X-Ref: 4711{BREAK}X-Rest", "4711"),)}, id="header's name"),
            pytest.param({"text": "Hello\r\n.\r\nRCPT TO:<mallory@elsewhere.test>\r\n", "html": None}, id="text"),
        ],
    )
    def test_it_adds_neither_headers_nor_commands(self, scripted, changed):
        server = scripted(clear())

        # Refusing such a mail is as good as cleaning it.
        with contextlib.suppress(ValueError):
            attempt(server.port, mail=replace(MAIL, **changed), security="none", user=None)

        assert b"\nX-Injected:" not in server.received
        assert [each for each in server.commands if "mallory" in each] == []
        assert len(server.bodies) <= 1
