"""The way to the server as the settings ask for it: names, time-outs, addresses, and what a mail asks of the server."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest

from tests.connectors.smtp_attempt import MAIL, assert_failed, attempt, names
from tests.connectors.smtp_case import Case, a_full_queue
from tests.connectors.test_smtp_config import config
from tests.peers.certificates import Certificates
from tests.peers.ports import LOOPBACK, LOOPBACK6, free_port
from tests.peers.scripted import Script, answer, silence, wait

LATE = 0.5
"""Seconds; longer than ``SHORT``, much shorter than ``LONG``."""
SHORT, LONG = 200, 20_000
TIMEOUTS = ("dnsTimeout", "connectionTimeout", "greetingTimeout", "socketTimeout")
CLEAR = {"security": "none", "user": None}


class Listening(Certificates):
    """Certificates of servers that remember by which name they were called (SNI, RFC 6066 section 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str | None] = []

    def server(self, kind: str = "good") -> ssl.SSLContext:
        context = super().server(kind)
        context.sni_callback = lambda _connection, name, _context: self.called.append(name)
        return context


@pytest.fixture(scope="module")
def listening() -> Listening:
    return Listening()


class TestServerName:
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize(
        ("settings", "called"),
        [
            ({"host": "mail.example.test"}, "mail.example.test"),
            ({"host": "127.0.0.1", "servername": "mail.example.test"}, "mail.example.test"),
            ({"host": "localhost", "servername": "MAIL.Example.Test."}, "mail.example.test"),
        ],
    )
    def test_it_is_what_the_server_is_called_by_and_must_answer_to(
        self, scripted, listening, security, settings, called
    ):
        server = scripted(Script(implicit_tls=security == "tls"), certificates=listening)
        listening.called.clear()

        tried = attempt(
            server.port,
            security=security,
            tls={"ca": listening.ca_pem},
            getaddrinfo=names({"mail.example.test": (LOOPBACK,), "localhost": (LOOPBACK,), LOOPBACK: (LOOPBACK,)}),
            **settings,
        )

        assert tried.error is None, tried.trace.transcript
        assert listening.called == [called]

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    def test_an_address_is_no_name_to_call_by_but_may_stand_in_the_certificate(self, scripted, listening, security):
        server = scripted(Script(implicit_tls=security == "tls"), certificates=listening)
        listening.called.clear()

        tried = attempt(server.port, host=LOOPBACK, security=security, tls={"ca": listening.ca_pem})

        assert tried.error is None, tried.trace.transcript
        assert listening.called == [None]

    @pytest.mark.parametrize("host", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"])
    def test_a_domain_in_any_script_is_compared_as_dns_carries_it(self, scripted, listening, host):
        server = scripted(certificate="international", certificates=listening)
        listening.called.clear()

        tried = attempt(
            server.port,
            host=host,
            tls={"ca": listening.ca_pem},
            getaddrinfo=names({"xn--bcher-kva.example": (LOOPBACK,)}),
        )

        assert tried.error is None, tried.trace.transcript
        assert listening.called == ["xn--bcher-kva.example"]

    def test_a_certificate_name_may_be_written_in_any_script(self):
        assert config(servername="Bücher.example").servername == "xn--bcher-kva.example"


class TestTimeouts:
    """Each phase has its own, and no other ends it."""

    @pytest.mark.parametrize(
        ("own", "phase", "code", "script"),
        [
            ("connectionTimeout", "tls", "smtp.timeout_tls", Script(greeting=silence)),
            ("greetingTimeout", "greeting", "smtp.timeout_greeting", Script(greeting=silence)),
            ("socketTimeout", "ehlo", "smtp.timeout_ehlo", Script(ehlo=silence)),
            ("socketTimeout", "rcpt_to", "smtp.timeout_rcpt_to", Script(rcpt=silence)),
        ],
    )
    def test_it_ends_its_phase_when_all_others_are_long(self, scripted, own, phase, code, script):
        server = scripted(script)
        settings = dict.fromkeys(TIMEOUTS, LONG) | {own: SHORT} | CLEAR
        if phase == "tls":
            settings["security"] = "tls"

        assert_failed(attempt(server.port, **settings), code, phase)

    def test_looking_up_has_its_own(self):
        released = threading.Event()

        def silent(*_: Any, **__: Any) -> list[Any]:
            released.wait(10)
            return []

        tried = attempt(2525, getaddrinfo=silent, **dict.fromkeys(TIMEOUTS, LONG) | {"dnsTimeout": SHORT} | CLEAR)
        released.set()

        assert_failed(tried, "network.dns_timeout", "resolve")

    def test_connecting_has_its_own(self, certificates):
        with a_full_queue(Case("", ""), certificates) as port:
            settings = dict.fromkeys(TIMEOUTS, LONG) | {"connectionTimeout": SHORT} | CLEAR

            assert_failed(attempt(port, host=LOOPBACK, **settings), "network.connect_timeout", "connect")

    @pytest.mark.parametrize(
        ("own", "script"),
        [
            ("greetingTimeout", Script(greeting=wait(LATE) + answer(220, "mail.example.test ESMTP"))),
            ("socketTimeout", Script(mail=wait(LATE) + answer(250, "2.1.0 Ok"))),
            ("socketTimeout", Script(body=wait(LATE) + answer(250, "2.0.0 Queued as 4711"))),
        ],
        ids=["greeting", "MAIL", "after the final dot"],
    )
    def test_a_long_one_is_waited_for_when_all_others_are_short(self, scripted, own, script):
        server = scripted(script)

        tried = attempt(server.port, **dict.fromkeys(TIMEOUTS, SHORT) | {own: LONG} | CLEAR)

        assert tried.error is None, tried.trace.transcript


class TestHappyEyeballs:
    """RFC 8305: the next address is tried beside the first, families in turn, and the first that answers is taken."""

    @pytest.mark.parametrize("silent", [1, 2, 3])
    def test_silent_addresses_do_not_use_up_the_time(self, scripted, certificates, silent):
        server = scripted(host="127.0.0.9")
        with a_full_queue(Case("", ""), certificates) as silent_port:

            def look_up(host: str, port: int, **hints: Any) -> list[Any]:
                places = [(LOOPBACK, silent_port)] * silent + [("127.0.0.9", port)]
                return [info for place in places for info in socket.getaddrinfo(*place, **hints)]

            tried = attempt(server.port, host="mail.example.test", getaddrinfo=look_up, connectionTimeout=LONG, **CLEAR)

        assert tried.error is None, tried.trace.transcript
        assert tried.trace.phases[1].text == "127.0.0.9"

    @pytest.mark.parametrize("order", [(LOOPBACK6, LOOPBACK), (LOOPBACK, LOOPBACK6)])
    def test_what_will_be_tried_is_shown_in_the_systems_order(self, order):
        known = names({"mail.example.test": order})

        tried = attempt(free_port(), host="mail.example.test", getaddrinfo=known, **CLEAR)

        assert_failed(tried, "network.connection_refused", "connect")
        assert tried.trace.phases[0].text == ", ".join(order)


class TestLocalAddress:
    @pytest.mark.parametrize("local", ["127.0.0.9", "127.0.0.10"])
    def test_the_server_sees_us_come_from_there(self, scripted, local):
        server = scripted(Script(greeting=silence))

        tried = attempt(server.port, host=LOOPBACK, localAddress=local, greetingTimeout=SHORT, **CLEAR)

        assert tried.code == "smtp.timeout_greeting"
        assert server.seen_from == [local]


class TestOnTheWire:
    def test_custom_headers_with_one_value_and_with_many_arrive_as_they_are(self, scripted):
        server = scripted()
        headers = {"X-Entity-Ref": "4711", "X-Tag": ["one", "two", "three"], "X-Firma": "Müller & Söhne"}

        attempt(server.port, customHeaders=headers, **CLEAR)

        (body,) = server.bodies
        message = message_from_bytes(body)
        assert message.get_all("X-Entity-Ref") == ["4711"]
        assert message.get_all("X-Tag") == ["one", "two", "three"]
        assert message["X-Firma"].startswith("=?utf-8?")
        assert body.isascii()

    def test_letters_beyond_ascii_in_a_body_ask_nothing_of_the_server(self, scripted):
        server = scripted(Script(extensions=()))

        tried = attempt(server.port, mail=replace(MAIL, text="Grüße 您好\n", html="<p>Grüße 您好</p>"), **CLEAR)

        assert tried.error is None, tried.trace.transcript
        assert server.bodies[0].isascii()
        assert "BODY" not in (server.parameter("MAIL") or "")

    @pytest.mark.parametrize(
        ("extensions", "asked"),
        [(("SMTPUTF8", "8BITMIME"), " SMTPUTF8 BODY=8BITMIME"), (("SMTPUTF8",), " SMTPUTF8")],
    )
    def test_only_what_is_offered_is_asked_for(self, scripted, extensions, asked):
        server = scripted(Script(extensions=extensions))

        tried = attempt(server.port, mail=replace(MAIL, to="jürgen@bücher.example"), **CLEAR)

        assert tried.error is None, tried.trace.transcript
        assert (server.parameter("MAIL") or "").endswith(f">{asked}")

    def test_an_international_address_is_not_bent_where_the_server_cannot_take_it(self, scripted):
        server = scripted(Script(extensions=("8BITMIME",)))

        tried = attempt(server.port, mail=replace(MAIL, to="jürgen@bücher.example"), **CLEAR)

        assert_failed(tried, "smtp.smtputf8_not_offered", "mail_from")
        assert server.bodies == []
