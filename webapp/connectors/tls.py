"""TLS as a connector's settings ask for it: whom to believe, and what to show of ourselves."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

_NO_CERTIFICATE: Final = (
    "There is no certificate in PEM form here. One begins with -----BEGIN CERTIFICATE----- and ends with "
    "-----END CERTIFICATE-----."
)
_KEY_IN_THE_OPEN: Final = "There is a private key here, and this is no place for secrets. Give certificates only."
_NO_KEY: Final = (
    "There is no private key in PEM form here. One begins with -----BEGIN PRIVATE KEY----- and ends with "
    "-----END PRIVATE KEY-----."
)
_ENCRYPTED_KEY: Final = (
    "This key is locked with a passphrase. Unlock it with “openssl pkey -in locked.pem -out key.pem” and paste that; "
    "it is stored encrypted here."
)
_ANOTHER_KEY: Final = (
    "This key does not belong to the client certificate. Give the key that the certificate was made for."
)
_NO_MEMORY_FILES: Final = "The key may not touch the disk, and this system has no files in memory. Linux has them."

VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
"""What may be asked for. OpenSSL refuses 1.0 and 1.1 at the level of security that everything else here has."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe on the other side, and the certificate to show when it asks for one."""

    minimum: str = "1.2"
    verify: bool = True
    ca: str | None = None
    """Authorities in PEM, instead of the system's."""
    certificate: str | None = None
    key: SecretStr | None = field(default=None, repr=False)

    @property
    def usual(self) -> bool:
        """Whether a context made for it serves every connector."""
        return self == Trust()


def context_for(trust: Trust, *, ca: str | None = None, extra_ca: str | None = None) -> ssl.SSLContext:
    """Make the context of a client.

    ``ca`` takes the place of the system's authorities where the settings name none; ``extra_ca`` stands beside them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = VERSIONS[trust.minimum]
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities := trust.ca or ca:
        context.load_verify_locations(cadata=authorities)
        # Whoever names an intermediate authority, or the server's own certificate, means just that one.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if extra_ca:
            context.load_verify_locations(cadata=extra_ca)
    if trust.certificate and trust.key:
        _show(context, trust.certificate, trust.key.get_secret_value())
    return context


def checked_certificates(pem: str) -> str:
    """Accept one or more certificates in PEM. Raises ValueError with words for an admin."""
    if "PRIVATE KEY" in pem:
        raise ValueError(_KEY_IN_THE_OPEN)
    try:
        x509.load_pem_x509_certificates(pem.encode())
        # OpenSSL is stricter with what stands around and between them.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError):
        raise ValueError(_NO_CERTIFICATE) from None
    return pem


def checked_key(pem: str, certificate: str) -> None:
    """Accept the private key of a certificate. Raises ValueError with words for an admin, never of the key itself."""
    if "BEGIN ENCRYPTED PRIVATE KEY" in pem or "Proc-Type: 4,ENCRYPTED" in pem:
        raise ValueError(_ENCRYPTED_KEY)
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError(_ENCRYPTED_KEY) from None
    except ValueError:
        raise ValueError(_NO_KEY) from None
    public = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    first = x509.load_pem_x509_certificates(certificate.encode())[0]
    if key.public_key().public_bytes(*public) != first.public_key().public_bytes(*public):
        raise ValueError(_ANOTHER_KEY)
    if not hasattr(os, "memfd_create"):
        raise ValueError(_NO_MEMORY_FILES)
    try:
        _show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, pem)
    except ssl.SSLError:
        raise ValueError("OpenSSL does not accept this key: it may be too weak, or of an unusual kind.") from None


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    with _in_memory(f"{certificate}\n{key}\n".encode()) as path:
        # Without a password OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(path, password="")


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Give a path to what lies in memory only; ``load_cert_chain`` takes nothing but paths."""
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
