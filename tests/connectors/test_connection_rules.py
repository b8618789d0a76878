"""The tables that name what goes wrong before a server says a word: for each entry one case, and one that is near."""

import errno
import socket
import ssl

import pytest

from webapp.connectors import tls_problems
from webapp.connectors.network_problems import connect_failed, lookup_failed
from webapp.connectors.tls_problems import PLAIN_ANSWER, certificate_problem, handshake_failed
from webapp.domain.problem import Problem

TOO_OLD = vars(tls_problems)["_TOO_OLD"]
ABOUT_OURS = vars(tls_problems)["_ABOUT_OURS"]


class TestConnecting:
    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.ECONNREFUSED, "network.connection_refused"),
            (errno.ETIMEDOUT, "network.connect_timeout"),
            (errno.ENETUNREACH, "network.unreachable"),
            (errno.EHOSTUNREACH, "network.unreachable"),
            (errno.EADDRNOTAVAIL, "network.unreachable"),
            (errno.EACCES, "network.unreachable"),
            (errno.EPERM, "network.unreachable"),
            (errno.ECONNRESET, "network.connection_broken"),
            (errno.ENOBUFS, "network.connection_broken"),
        ],
    )
    def test_the_number_tells(self, number: int, expected: str) -> None:
        assert connect_failed("mail.example.com", 587, None, OSError(number, "no")).code == expected

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.EADDRNOTAVAIL, "network.local_address_unusable"),
            (errno.EINVAL, "network.local_address_unusable"),
            (errno.ECONNREFUSED, "network.connection_refused"),
        ],
    )
    def test_a_local_address_is_blamed_for_what_it_may_have_done(self, number: int, expected: str) -> None:
        assert connect_failed("mail.example.com", 587, "192.0.2.10", OSError(number, "no")).code == expected

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("[Errno 101] unreachable, [Errno 111] refused", "network.connection_refused"),
            ("[Errno 101] unreachable, [Errno 110] timed out", "network.connect_timeout"),
            ("[Errno 101] unreachable, [Errno 104] reset", "network.unreachable"),
            ("errors without numbers", "network.connection_broken"),
        ],
    )
    def test_of_several_addresses_the_most_telling_counts(self, words: str, expected: str) -> None:
        assert connect_failed("mail.example.com", 587, None, OSError(words)).code == expected


class TestLookingUp:
    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (socket.EAI_NONAME, "network.name_not_found"),
            (socket.EAI_NODATA, "network.name_not_found"),
            (socket.EAI_AGAIN, "network.dns_failed"),
            (socket.EAI_FAIL, "network.dns_failed"),
            (socket.EAI_SYSTEM, "network.dns_failed"),
        ],
    )
    def test_a_name_that_is_not_there_is_told_from_a_name_server_in_trouble(self, number: int, expected: str) -> None:
        assert lookup_failed("mail.example.com", socket.gaierror(number, "no")).code == expected


def shaken(reason: str, *, presented: bool = False) -> Problem:
    """What is made of a handshake that failed for this reason."""
    exc = ssl.SSLError(1, reason)
    exc.reason = reason
    return handshake_failed(exc, host="mail.example.com", port=465, minimum="1.2", presented=presented)


class TestHandshake:
    @pytest.mark.parametrize("reason", sorted(TOO_OLD))
    def test_no_common_version(self, reason: str) -> None:
        assert shaken(reason).code == "network.tls_too_old"
        assert shaken(f"{reason}_OR_SO").code == "network.tls_handshake_failed"

    @pytest.mark.parametrize("reason", ABOUT_OURS)
    def test_our_certificate_is_missing_or_refused(self, reason: str) -> None:
        always_missing = reason.endswith("CERTIFICATE_REQUIRED")

        assert shaken(f"TLSV13_{reason}").code == "network.client_certificate_required"
        assert shaken(f"TLSV13_{reason}", presented=True).code == (
            "network.client_certificate_required" if always_missing else "network.client_certificate_refused"
        )
        assert shaken(f"{reason}_OR_SO", presented=True).code == "network.tls_handshake_failed"

    def test_a_plain_answer_is_none_of_these(self) -> None:
        assert not PLAIN_ANSWER & TOO_OLD
        assert {shaken(reason).code for reason in PLAIN_ANSWER} == {"network.tls_handshake_failed"}


class TestCertificate:
    # X509_V_ERR_* of OpenSSL's x509_vfy.h
    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (9, "not_yet_valid"),
            (10, "expired"),
            (18, "self_signed"),
            (2, "unknown_issuer"),
            (19, "unknown_issuer"),
            (20, "unknown_issuer"),
            (21, "unknown_issuer"),
            (27, "unknown_issuer"),
            (62, "wrong_name"),
            (64, "wrong_name"),
            (7, "invalid"),
            (11, "invalid"),
            (23, "invalid"),
            (63, "invalid"),
        ],
    )
    def test_the_number_tells(self, number: int, expected: str) -> None:
        exc = ssl.SSLCertVerificationError(1, "no")
        exc.verify_code, exc.verify_message = number, "no"

        made = certificate_problem(exc, name="mail.example.com", host="mail.example.com", port=465, certificate=None)

        assert made.code == f"network.certificate_{expected}"
