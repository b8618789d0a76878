"""Looking behind a mail server's doors, against servers of every kind. Nobody logs in, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.connectors.smtp_attempt import LOOPBACK_ONLY
from tests.peers.aiosmtpd_server import ReceivingServer
from tests.peers.certificates import Certificates
from tests.peers.ports import free_port
from tests.peers.postfix import PostfixServer
from tests.peers.scripted import Script, ScriptedServer, Step, answer, drop, endless, raw, silence, wait
from webapp.connectors.network import Network
from webapp.connectors.smtp.probing import Door, Finding, probe, probe_all


@pytest.fixture
def look(certificates: Certificates) -> Callable[..., Finding]:
    """Look behind one door of this machine."""

    def at(port: int, security: str = "starttls", host: str = "localhost", seconds: float = 5.0) -> Finding:
        network = Network(LOOPBACK_ONLY, extra_ca_pem=certificates.ca_pem)
        return asyncio.run(probe(network, host, Door(port, security), seconds=seconds))

    return at


class TestGoodServers:
    @pytest.mark.peers
    def test_postfix_tells_how_to_log_in_once_it_is_safe(
        self, look: Callable[..., Finding], postfix: PostfixServer
    ) -> None:
        submission, at_once = look(postfix.submission_port), look(postfix.submissions_port, "tls")

        assert submission.safe
        assert at_once.safe
        assert "plain" in {each.lower() for each in submission.mechanisms}
        assert submission.banner.startswith("mail.example.test ESMTP")
        assert at_once.tls == "TLSv1.3"

    @pytest.mark.peers
    def test_a_relay_without_login_says_so(self, look: Callable[..., Finding], postfix: PostfixServer) -> None:
        assert look(postfix.relay_port).mechanisms == ()

    @pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
    def test_the_certificates_end_is_told(
        self, look: Callable[..., Finding], receiving: Callable[..., ReceivingServer], implicit: bool
    ) -> None:
        found = look(receiving(implicit_tls=implicit).port, "tls" if implicit else "starttls")

        assert found.safe
        assert found.expires > "2026"

    def test_nobody_logs_in_and_nothing_is_sent(
        self, look: Callable[..., Finding], scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted()

        look(server.port)

        server.finished()
        verbs = {command.partition(" ")[0].upper() for command in server.commands}
        assert verbs <= {"EHLO", "STARTTLS", "QUIT"}


class TestUnsafeServers:
    def test_without_tls_nothing_is_safe(
        self, look: Callable[..., Finding], scripted: Callable[..., ScriptedServer]
    ) -> None:
        found = look(scripted(Script(offers_starttls=False)).port)

        assert found.problem is not None
        assert (found.safe, found.problem.code) == (False, "smtp.starttls_not_offered")
        assert found.problem.patch == ()
        assert found.mechanisms == ()

    @pytest.mark.parametrize(
        ("certificate", "code"),
        [
            ("wrong_name", "network.certificate_wrong_name"),
            ("expired", "network.certificate_expired"),
            ("unknown_issuer", "network.certificate_unknown_issuer"),
        ],
    )
    def test_a_certificate_that_is_not_valid_is_explained(
        self, look: Callable[..., Finding], scripted: Callable[..., ScriptedServer], certificate: str, code: str
    ) -> None:
        found = look(scripted(certificate=certificate).port)

        assert found.problem is not None
        assert (found.reached, found.safe, found.problem.code) == (True, False, code)


class TestNobodyThere:
    def test_a_closed_port_is_told_apart(self, look: Callable[..., Finding]) -> None:
        found = look(free_port())

        assert found.problem is not None
        assert (found.reached, found.problem.code) == (False, "network.connection_refused")

    @pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1"])
    def test_what_is_not_permitted_is_refused_in_the_same_words(
        self, look: Callable[..., Finding], address: str
    ) -> None:
        found = look(25, host=address)

        assert found.problem is not None
        assert (found.reached, found.problem.code) == (False, "network.address_refused")


class TestHostileServers:
    @pytest.mark.parametrize(
        "greeting",
        [
            pytest.param(silence, id="silence"),
            pytest.param(endless(b"220-drip\r\n") + wait(1), id="greeting without end"),
            pytest.param(raw(b"220 " + b"x" * 1_000_000 + b"\r\n"), id="a megabyte of greeting"),
            pytest.param(raw(b"SSH-2.0-OpenSSH_9.9\r\n") + silence, id="another service"),
            pytest.param(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n") + drop, id="a web server"),
            pytest.param(answer(554, "No SMTP service here") + drop, id="a refusal"),
        ],
    )
    def test_they_end_in_a_problem_and_keep_no_one_waiting(
        self, look: Callable[..., Finding], scripted: Callable[..., ScriptedServer], greeting: Step
    ) -> None:
        found = look(scripted(Script(greeting=greeting)).port, seconds=1.0)

        assert found.problem is not None
        assert not found.safe
        assert len(found.banner) <= 120

    def test_one_that_drips_is_left_when_the_time_is_over(
        self, certificates: Certificates, scripted: Callable[..., ScriptedServer]
    ) -> None:
        drip = raw(b"250-x\r\n") + wait(0.3)
        server = scripted(Script(ehlo=Step(drip.acts * 200)))
        network = Network(LOOPBACK_ONLY, extra_ca_pem=certificates.ca_pem)

        (found,) = asyncio.run(
            probe_all(network, "localhost", [Door(server.port, "starttls")], seconds=5.0, patience=1.0)
        )

        assert found.problem is not None
        assert found.problem.code == "smtp.probe_unfinished"
