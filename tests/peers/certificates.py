"""A certificate authority of the tests, and certificates with every fault that admins meet."""

from __future__ import annotations

import datetime as dt
import ssl
from functools import cached_property

import trustme

NAMES = ("localhost", "mail.example.test", "127.0.0.1", "::1")
"""What a good certificate is valid for."""

_DAY = dt.timedelta(days=1)


class Certificates:
    """Certificates by what is wrong with them; clients trust ``ca_pem`` and nothing else of ours."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="Postroom tests")
        self._stranger = trustme.CA(organization_name="Nobody knows them")

    @property
    def ca_pem(self) -> str:
        """The authority to trust, as admins paste it into the connector's ``tls.ca``."""
        return self._ca.cert_pem.bytes().decode()

    @cached_property
    def good(self) -> trustme.LeafCert:
        return self._ca.issue_cert(*NAMES)

    @cached_property
    def expired(self) -> trustme.LeafCert:
        now = dt.datetime.now(dt.UTC)
        return self._ca.issue_cert(*NAMES, not_before=now - 30 * _DAY, not_after=now - _DAY)

    @cached_property
    def not_yet_valid(self) -> trustme.LeafCert:
        now = dt.datetime.now(dt.UTC)
        return self._ca.issue_cert(*NAMES, not_before=now + _DAY, not_after=now + 30 * _DAY)

    @cached_property
    def wrong_name(self) -> trustme.LeafCert:
        return self._ca.issue_cert("mail.another-company.test")

    @cached_property
    def unknown_issuer(self) -> trustme.LeafCert:
        """Without the issuer's own certificate in the chain, as servers are usually misconfigured."""
        return self._stranger.issue_cert(*NAMES)

    def chain_pem(self) -> bytes:
        """The good certificate with its key, as a mail server's configuration wants it."""
        return self.good.private_key_and_cert_chain_pem.bytes()

    def server(self, kind: str = "good") -> ssl.SSLContext:
        """Make a server's TLS context with the certificate called ``kind``, such as ``expired`` or ``self_signed``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "self_signed":
            return self._self_signed(context)
        certificate: trustme.LeafCert = getattr(self, kind)
        certificate.configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """Make the context of a client that trusts the tests' authority."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context

    @staticmethod
    def _self_signed(context: ssl.SSLContext) -> ssl.SSLContext:
        # An authority's certificate is signed by its own key: put to use as the server's, it is a self-signed one.
        alone = trustme.CA(organization_name="Signed by itself")
        with alone.private_key_pem.tempfile() as key, alone.cert_pem.tempfile() as certificate:
            context.load_cert_chain(certificate, key)
        return context
