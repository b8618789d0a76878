"""The sandbox's own certificate authority, good for nothing but this machine's loopback address."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webapp.db.types import now
from webapp.services.lock import alone

NAMES: Final = ("localhost",)
ADDRESSES: Final = ("127.0.0.1", "::1")

_CA_DAYS: Final = 3650
_SERVER_DAYS: Final = 365
_RENEW_BEFORE: Final = dt.timedelta(days=30)
_CLOCK_SKEW: Final = dt.timedelta(hours=1)


class Authority:
    """Makes and keeps the authority and the server's certificate in a folder; renews them before they expire."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def ca_pem(self) -> str:
        """The certificate to trust; made when it is first asked for, in whichever process."""
        with alone(self._folder / "making.lock"):
            return _certificate_pem(self._ca())

    def server_context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.refresh(context)
        return context

    def refresh(self, context: ssl.SSLContext) -> None:
        """Give a context the present certificate, renewed if need be; conversations that began keep theirs."""
        with alone(self._folder / "making.lock"):
            ca = self._ca()
            path = self._folder / "server.pem"
            if not _is_good(path):
                _write(path, _issue_server(ca))
            context.load_cert_chain(path)

    def _ca(self) -> bytes:
        """The authority's key and certificate as PEM."""
        path = self._folder / "ca.pem"
        if not _is_good(path):
            _write(path, _issue_ca())
            (self._folder / "server.pem").unlink(missing_ok=True)
        return path.read_bytes()


def _is_good(path: Path) -> bool:
    """Whether the file holds a certificate that lasts for a while yet."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    return certificate.not_valid_after_utc - now() > _RENEW_BEFORE


def _issue_ca() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Postroom sandbox authority")])
    permitted: list[x509.GeneralName] = [x509.DNSName(each) for each in NAMES]
    permitted += [x509.IPAddress(ipaddress.ip_network(each)) for each in ADDRESSES]
    certificate = (
        _builder(name, name, key, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _pem(key, certificate)


def _issue_server(ca: bytes) -> bytes:
    issuer, issuer_key = x509.load_pem_x509_certificate(ca), load_pem_private_key(ca, None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the sandbox's authority has a key that Postroom did not make")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    alternatives: list[x509.GeneralName] = [x509.DNSName(each) for each in NAMES]
    alternatives += [x509.IPAddress(ipaddress.ip_address(each)) for each in ADDRESSES]
    certificate = (
        _builder(name, issuer.subject, key, _SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _pem(key, certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - _CLOCK_SKEW)
        .not_valid_after(now() + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _certificate_pem(both: bytes) -> str:
    return x509.load_pem_x509_certificate(both).public_bytes(Encoding.PEM).decode()


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable by this user only."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
