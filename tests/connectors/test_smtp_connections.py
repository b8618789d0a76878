"""The way to a server: addresses of both families, certificates good and faulty."""

from __future__ import annotations

import pytest

from tests.connectors.smtp_attempt import Attempt, assert_failed, attempt, names
from tests.peers import aiosmtpd_server
from tests.peers.ports import LOOPBACK, LOOPBACK6, has_ipv6


class TestAddressFamilies:
    """A name may have addresses of both families, and not all need work."""

    @pytest.fixture(autouse=True)
    def _ipv6(self):
        if not has_ipv6():
            pytest.fail("These tests need the IPv6 loopback address ::1. Switch IPv6 on for the interface lo.")

    @pytest.mark.parametrize(("listening", "silent"), [(LOOPBACK, LOOPBACK6), (LOOPBACK6, LOOPBACK)])
    def test_a_family_that_does_not_answer_is_no_obstacle(self, scripted, listening, silent):
        server = scripted(host=listening)

        tried = attempt_in_clear(server.port, names({"mail.example.test": (silent, listening)}))

        assert tried.error is None, tried.trace.transcript
        assert len(server.bodies) == 1


class TestAiosmtpd:
    """The server of the sandbox, and the certificates that admins meet."""

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_mail_arrives_after_login(self, receiving, certificates, security):
        server = receiving(implicit_tls=security == "tls")

        tried = attempt_as_ada(server.port, certificates, security)

        assert tried.error is None, tried.trace.transcript
        assert [mail.rcpt_tos for mail in server.mails] == [["ada@example.test"]]

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    @pytest.mark.parametrize(
        ("certificate", "code"),
        [
            ("expired", "network.certificate_expired"),
            ("not_yet_valid", "network.certificate_not_yet_valid"),
            ("wrong_name", "network.certificate_wrong_name"),
            ("self_signed", "network.certificate_self_signed"),
            ("unknown_issuer", "network.certificate_unknown_issuer"),
        ],
    )
    def test_a_faulty_certificate_stops_everything(self, receiving, certificates, security, certificate, code):
        server = receiving(certificate, implicit_tls=security == "tls")

        tried = attempt_as_ada(server.port, certificates, security)

        assert_failed(tried, code, security)
        assert server.mails == []

    def test_the_name_to_expect_can_be_given(self, receiving, certificates):
        server = receiving("wrong_name", implicit_tls=True)

        tried = attempt_as_ada(server.port, certificates, "tls", servername="mail.another-company.test")

        assert tried.error is None, tried.trace.transcript


def attempt_in_clear(port, getaddrinfo) -> Attempt:
    return attempt(port, host="mail.example.test", getaddrinfo=getaddrinfo, security="none", user=None)


def attempt_as_ada(port, certificates, security, **settings) -> Attempt:
    user, password = aiosmtpd_server.USER, aiosmtpd_server.PASSWORD
    return attempt(port, ca_pem=certificates.ca_pem, security=security, user=user, password=password, **settings)
