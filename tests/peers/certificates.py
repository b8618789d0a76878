"""A certificate authority of the tests, and certificates with every fault that admins meet."""

from __future__ import annotations

import datetime as dt
import ssl
import warnings
from functools import cached_property

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.canary import CANARY

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
    def international(self) -> trustme.LeafCert:
        return self._ca.issue_cert("bücher.example")

    @cached_property
    def unknown_issuer(self) -> trustme.LeafCert:
        """Without the issuer's own certificate in the chain, as servers are usually misconfigured."""
        return self._stranger.issue_cert(*NAMES)

    @cached_property
    def of_postroom(self) -> trustme.LeafCert:
        """What a client shows to servers that demand a certificate."""
        return self._ca.issue_cert("postroom.example.test")

    @cached_property
    def of_a_stranger(self) -> trustme.LeafCert:
        """A client's certificate from an authority that the servers do not know."""
        return self._stranger.issue_cert("postroom.example.test")

    @cached_property
    def alone(self) -> trustme.CA:
        """An authority whose own certificate is put to use as a server's: it is self-signed."""
        return trustme.CA(organization_name="Signed by itself")

    @property
    def alone_pem(self) -> str:
        return self.alone.cert_pem.bytes().decode()

    def client_pem(self, kind: str = "of_postroom") -> dict[str, str]:
        """A client's certificate and key as admins paste them."""
        leaf: trustme.LeafCert = getattr(self, kind)
        chain = "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems)
        return {"cert": chain, "key": f"{CANARY}\n{leaf.private_key_pem.bytes().decode()}"}

    def chain_pem(self) -> bytes:
        """The good certificate with its key, as a mail server's configuration wants it."""
        return self.good.private_key_and_cert_chain_pem.bytes()

    def server(self, kind: str = "good") -> ssl.SSLContext:
        """Make a server's TLS context with the certificate called ``kind``, such as ``expired`` or ``self_signed``.

        ``tls_1_1`` and ``tls_1_2`` are the good certificate at a server that knows nothing newer, ``demanding`` at one
        that asks clients for a certificate of the tests' authority.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        match kind:
            case "self_signed":
                _load(context, self.alone.private_key_pem, self.alone.cert_pem)
            case "invalid":
                _load(context, *self._for_clients_only())
            case "tls_1_1":
                self.good.configure_cert(context)
                with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            case "tls_1_2":
                self.good.configure_cert(context)
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            case "demanding" | "demanding_tls_1_2":
                self.good.configure_cert(context)
                self._ca.configure_trust(context)
                context.verify_mode = ssl.CERT_REQUIRED
                if kind == "demanding_tls_1_2":
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
            case _:
                getattr(self, kind).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """Make the context of a client that trusts the tests' authority."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context

    def _for_clients_only(self) -> tuple[trustme.Blob, trustme.Blob]:
        """Make a certificate that may not be a server's; trustme makes only those that may."""
        issuer = x509.load_pem_x509_certificate(self._ca.cert_pem.bytes())
        issuer_key = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "For clients only")]))
            .issuer_name(issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAMES[0])]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
            .sign(issuer_key, hashes.SHA256())
        )
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return trustme.Blob(key_pem), trustme.Blob(certificate.public_bytes(serialization.Encoding.PEM))


def _load(context: ssl.SSLContext, key: trustme.Blob, certificate: trustme.Blob) -> None:
    with key.tempfile() as key_path, certificate.tempfile() as certificate_path:
        context.load_cert_chain(certificate_path, key_path)
