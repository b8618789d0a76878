"""What a conversation does beside handing over mail: trust, secrecy, manners and giving up."""

import asyncio
import base64
import gc
from dataclasses import replace

import pytest

from tests.connectors.smtp_attempt import LOOPBACK_ONLY, MAIL, PASSWORD, USER, attempt
from tests.peers.scripted import Script, answer, drop, raw, silence, wait
from webapp.connectors.network import Network
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.message import Trace

PROOF = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())


class TestCertificates:
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    @pytest.mark.parametrize(
        ("certificate", "words"),
        [
            ("wrong_name", "for mail.another-company.test, not for “localhost”"),
            ("expired", "ended at 20"),
            ("not_yet_valid", "begins at 20"),
            ("unknown_issuer", "“Nobody knows them”"),
        ],
    )
    def test_a_refused_certificate_is_described(self, scripted, certificates, security, certificate, words):
        server = scripted(Script(implicit_tls=security == "tls"), certificate=certificate)

        tried = attempt(server.port, security=security, ca_pem=certificates.ca_pem)

        assert words in str(tried.error.problem.cause)

    def test_looking_at_it_says_nothing_but_ehlo_and_starttls(self, scripted, certificates):
        server = scripted(certificate="expired")

        attempt(server.port, ca_pem=certificates.ca_pem)

        assert {command.split()[0] for command in server.commands} == {"EHLO", "STARTTLS"}
        assert len(server.conversations) == 2

    def test_a_server_that_will_not_be_looked_at_gets_the_plain_words(self, scripted, certificates):
        server = scripted(Script(), Script(greeting=drop), certificate="expired")

        tried = attempt(server.port, ca_pem=certificates.ca_pem)

        assert tried.code == "network.certificate_expired"
        assert "past its last day" in str(tried.error.problem.cause)


class TestSecrecy:
    @pytest.mark.parametrize(
        "echo",
        [
            raw(b"AUTH PLAIN " + PROOF + b"\r\n"),
            raw(PASSWORD.encode() + b"\r\n"),
            answer(535, "5.7.8 Wrong password", PASSWORD),
            answer(235, "Welcome") + wait(0.05) + answer(421, f"Goodbye {PASSWORD} {PROOF.decode()}") + drop,
        ],
        ids=["the command", "the password", "in an answer", "on leaving"],
    )
    def test_a_server_that_repeats_the_credentials_is_not_quoted(self, scripted, echo):
        server = scripted(Script(offers_starttls=False, auth=echo))

        tried = attempt(server.port, security="none")

        seen = tried.everything + repr(tried.error.__cause__) + repr(tried.error.__context__)
        assert tried.error is not None
        assert PASSWORD not in seen
        assert PROOF.decode() not in seen

    def test_credentials_do_not_go_out_in_clear_where_starttls_was_only_hoped_for(self, scripted, monkeypatch):
        """The peer is this machine here, so the rule is asked as if it were not."""
        server = scripted(Script(offers_starttls=False))
        monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", False)

        tried = attempt(server.port, security="opportunistic")

        assert (tried.code, tried.phases[-1]) == ("smtp.credentials_in_clear", "auth")
        assert not [command for command in server.commands if command.startswith("AUTH")]

    def test_the_admin_may_accept_that_risk(self, scripted, monkeypatch):
        server = scripted(Script(offers_starttls=False))
        monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", False)

        tried = attempt(
            server.port, security="opportunistic", allowInsecureAuth=True, insecureAuthReason="A network of our own"
        )

        assert tried.error is None


class TestManners:
    @pytest.mark.parametrize("mail", [None, MAIL])
    def test_it_says_goodbye(self, scripted, mail):
        server = scripted()

        attempt(server.port, security="none", user=None, mail=mail)

        assert server.finished().commands[-1] == "QUIT"

    @pytest.mark.parametrize("code", [500, 502])
    def test_an_old_server_is_greeted_the_old_way(self, scripted, code):
        server = scripted(Script(ehlo=answer(code, "What?")))

        tried = attempt(server.port, security="none", user=None)

        assert tried.error is None, tried.trace.transcript
        assert [command.split()[0] for command in server.commands][:2] == ["EHLO", "HELO"]

    def test_a_file_server_is_recognised_although_it_greets_alike(self, scripted):
        server = scripted(Script(greeting=answer(220, "FTP ready"), ehlo=answer(500, "What?")))

        tried = attempt(server.port, security="none", user=None)

        assert (tried.code, tried.phases[-1]) == ("smtp.not_smtp", "ehlo")

    @pytest.mark.parametrize("name", ["mail.example.test", "[192.0.2.1]"])
    def test_it_introduces_itself_as_told(self, scripted, name):
        server = scripted()

        attempt(server.port, security="none", user=None, name=name)

        assert server.parameter("EHLO") == name


class TestLettersBeyondASCII:
    def test_an_address_asks_for_smtputf8_and_eight_bits(self, scripted):
        server = scripted()

        tried = attempt(server.port, security="none", user=None, mail=replace(MAIL, to="jürgen@bücher.example"))

        assert tried.error is None, tried.trace.transcript
        assert server.parameter("MAIL").endswith(" SMTPUTF8 BODY=8BITMIME")
        assert "jürgen@xn--bcher-kva.example" in server.parameter("RCPT")

    def test_a_domain_alone_needs_neither(self, scripted):
        server = scripted(Script(extensions=()))

        tried = attempt(server.port, security="none", user=None, mail=replace(MAIL, to="ada@bücher.example"))

        assert tried.error is None, tried.trace.transcript
        assert "ada@xn--bcher-kva.example" in server.parameter("RCPT")


class TestGivingUp:
    @pytest.mark.parametrize("phase", ["greeting", "ehlo", "mail", "data", "body"])
    def test_a_cancelled_send_lets_go_of_the_connection(self, scripted, phase):
        server = scripted(Script(**{phase: silence}))
        config = {"host": "localhost", "port": server.port, "security": "none", "auth": {"type": "none"}}
        model = SmtpConnector.config_model.model_validate({**config, "fromEmail": "no-reply@example.test"})
        connector = SmtpConnector(model, Network(LOOPBACK_ONLY))

        async def give_up():
            task = asyncio.create_task(connector.send(MAIL, Trace()))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return task.cancelled()

        # What is left open would be a ResourceWarning, and that is an error in these tests.
        assert asyncio.run(give_up())
        gc.collect()
