"""What goes wrong while TLS is set up, told from OpenSSL's numbers."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from webapp.domain.problem import Problem
from webapp.domain.text import T, Text

NAMES_LIMIT: Final = 6

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_SELF_SIGNED: Final = (18,)
_UNKNOWN_ISSUER: Final = (2, 19, 20, 21, 27)
_WRONG_NAME: Final = (62, 64)

PLAIN_ANSWER: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
)
"""OpenSSL's reasons when the other side answered something that is not TLS."""


_TOO_OLD: Final = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "WRONG_SSL_VERSION"}
)
_ABOUT_OURS: Final = (
    "ALERT_CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_ACCESS_DENIED",
)
"""What a server says when our certificate is missing or not to its liking."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an admin needs to know of the certificate that was shown."""

    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime

    @classmethod
    def of(cls, der: bytes) -> Certificate:
        """Read a certificate that nothing vouches for. Raises ValueError."""
        certificate = x509.load_der_x509_certificate(der)
        return cls(
            _names(certificate),
            _issuer(certificate),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def facts(self) -> dict[str, str]:
        shown = ", ".join(map(_readable, self.names[:NAMES_LIMIT])) + (" …" if len(self.names) > NAMES_LIMIT else "")
        return {
            "names": shown,
            "issuer": _readable(self.issuer) or "?",
            "since": f"{self.not_before:%Y-%m-%d %H:%M} UTC",
            "until": f"{self.not_after:%Y-%m-%d %H:%M} UTC",
        }


def _readable(text: str) -> str:
    """Whoever made the certificate chose these words: keep them short and visible."""
    return "".join(char for char in text if char.isprintable())[:80]


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    hosts = names.get_values_for_type(x509.DNSName)
    return (*hosts, *(str(address) for address in names.get_values_for_type(x509.IPAddress)))


def _issuer(certificate: x509.Certificate) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.issuer.get_attributes_for_oid(oid):
            return str(attribute.value)
    return ""


def certificate_problem(
    exc: ssl.SSLCertVerificationError, *, name: str, host: str, port: int, certificate: Certificate | None
) -> Problem:
    """Explain why a certificate is not accepted; ``certificate`` adds what it says, where it could be read."""
    facts = {"name": name, "host": host, "port": str(port), "reason": exc.verify_message or str(exc.reason)}
    if certificate:
        facts |= certificate.facts()
    kind = _kind(exc.verify_code)
    plain, detailed = _CAUSES[kind]
    cause = detailed if certificate and certificate.names else plain
    title, steps, temporary = _REST[kind]
    return Problem(
        f"network.certificate_{kind}", title, _bound(cause, facts), tuple(_bound(s, facts) for s in steps), temporary
    )


def handshake_failed(exc: ssl.SSLError, *, host: str, port: int, minimum: str, presented: bool) -> Problem:
    """Explain a handshake that failed for another reason than the server's certificate.

    ``minimum`` is the oldest version that we accept; ``presented`` says whether we have a certificate of our own.
    """
    if told := client_certificate_problem(exc, host=host, port=port, presented=presented):
        return told
    if exc.reason in _TOO_OLD:
        return Problem(
            "network.tls_too_old",
            T("The server does not speak a TLS version that is new enough"),
            T(
                "“%(host)s” port %(port)s and Postroom have no version of TLS in common. "
                "Postroom asks for TLS %(minimum)s or newer.",
                host=host,
                port=port,
                minimum=minimum,
            ),
            (
                T("Ask whoever runs the server to switch on TLS 1.2 or 1.3; older ones are broken."),
                T("If “Oldest TLS version” under Advanced is 1.3, find out whether your rules allow 1.2."),
            ),
        )
    return Problem(
        "network.tls_handshake_failed",
        T("TLS could not be set up"),
        T(
            "“%(host)s” port %(port)s and Postroom found no common way to encrypt (%(reason)s). "
            "Postroom asks for TLS %(minimum)s or newer.",
            host=host,
            port=port,
            reason=(exc.reason or exc.__class__.__name__).replace("_", " ").lower(),
            minimum=minimum,
        ),
        (
            T("Ask whoever runs the server to switch on TLS 1.2 or 1.3 with current ciphers."),
            T("Check server name and port: a proxy or another service may be answering there."),
            T("If the server asks for a client certificate, give it under Advanced."),
        ),
    )


def client_certificate_problem(exc: ssl.SSLError, *, host: str, port: int, presented: bool) -> Problem | None:
    """Explain what the server said about our own certificate; None if it said nothing of it."""
    reason = exc.reason or ""
    if not reason.endswith(_ABOUT_OURS):
        return None
    if reason.endswith("CERTIFICATE_REQUIRED") or not presented:
        return Problem(
            "network.client_certificate_required",
            T("The server asks for a client certificate"),
            T("“%(host)s” port %(port)s talks only to those who show a certificate.", host=host, port=port),
            (
                T("Give the client certificate and its key under Advanced. Whoever runs the server issues them."),
                T("Or use the provider's other ways to log in, often at another port or server name."),
            ),
        )
    return Problem(
        "network.client_certificate_refused",
        T("The server refuses the client certificate"),
        T(
            "“%(host)s” port %(port)s does not accept the certificate that Postroom shows (%(reason)s).",
            host=host,
            port=port,
            reason=reason.rpartition("ALERT_")[2].replace("_", " ").lower(),
        ),
        (
            T("Check that the client certificate under Advanced is the one that this server issued or knows."),
            T("Check that it is still valid; otherwise ask whoever runs the server for a new one."),
            T("If it was issued by an intermediate authority, paste that one's certificate below it."),
        ),
    )


def _kind(verify_code: int) -> str:
    if verify_code == _EXPIRED:
        return "expired"
    if verify_code == _NOT_YET_VALID:
        return "not_yet_valid"
    if verify_code in _WRONG_NAME:
        return "wrong_name"
    if verify_code in _SELF_SIGNED:
        return "self_signed"
    return "unknown_issuer" if verify_code in _UNKNOWN_ISSUER else "invalid"


def _bound(text: Text, facts: Mapping[str, str]) -> Text:
    return Text(text.template, tuple(facts.items()))


_CAUSES: Final[dict[str, tuple[Text, Text]]] = {
    "expired": (
        T("The certificate that “%(host)s” port %(port)s shows is past its last day."),
        T("The certificate that “%(host)s” port %(port)s shows ended at %(until)s. It is for %(names)s."),
    ),
    "not_yet_valid": (
        T("The certificate that “%(host)s” port %(port)s shows is not valid yet."),
        T("The certificate that “%(host)s” port %(port)s shows begins at %(since)s. It is for %(names)s."),
    ),
    "wrong_name": (
        T("The server at port %(port)s shows a certificate for another name than “%(name)s”."),
        T("The server at port %(port)s shows a certificate for %(names)s, not for “%(name)s”."),
    ),
    "self_signed": (
        T("“%(host)s” port %(port)s vouches for itself: its certificate is signed by nobody else."),
        T("“%(host)s” port %(port)s vouches for itself: its certificate for %(names)s is signed by nobody else."),
    ),
    "unknown_issuer": (
        T("The certificate of “%(host)s” port %(port)s comes from an authority that this machine does not know."),
        T("The certificate of “%(host)s” port %(port)s comes from “%(issuer)s”, which this machine does not know."),
    ),
    "invalid": (
        T("The certificate of “%(host)s” port %(port)s is not acceptable: %(reason)s."),
        T("The certificate of “%(host)s” port %(port)s, for %(names)s, is not acceptable: %(reason)s."),
    ),
}
"""For each kind: the cause without and with what the certificate says."""

_TRUST: Final = T(
    "If it is your own server: paste the authority's certificate as “Own certificate authority” under Advanced."
)
_INTERCEPTED: Final = T("If it is a well-known provider: something on the way may be reading along. Find out what.")

_REST: Final[dict[str, tuple[Text, tuple[Text, ...], bool]]] = {
    "expired": (
        T("The server's certificate has expired"),
        (
            T("Ask whoever runs the server to renew it."),
            T("Check the clock of the machine running Postroom."),
        ),
        True,
    ),
    "not_yet_valid": (
        T("The server's certificate is not valid yet"),
        (
            T("Check the clock of the machine running Postroom: it is probably slow."),
            T("Otherwise ask whoever runs the server."),
        ),
        True,
    ),
    "wrong_name": (
        T("The server's certificate is for another name"),
        (
            T("Put one of the certificate's names into the server field, if your provider documents it."),
            T(
                "If you connect by IP address or through a tunnel, give the certificate's name as “Certificate name” "
                "under Advanced."
            ),
            T("If none of the names means anything to you, do not go on: this may not be your provider."),
        ),
        False,
    ),
    "self_signed": (T("The server's certificate is self-signed"), (_TRUST, _INTERCEPTED), False),
    "unknown_issuer": (
        T("The server's certificate comes from an unknown authority"),
        (
            _TRUST,
            T("If it is a public server: it may fail to send its intermediate certificate. Tell whoever runs it."),
            _INTERCEPTED,
        ),
        False,
    ),
    "invalid": (
        T("The server's certificate is not acceptable"),
        (T("Ask whoever runs the server for a current certificate."), _INTERCEPTED),
        False,
    ),
}
