"""Look at the certificate that a server shows, so that a diagnosis can say what is in it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from webapp.connectors.network import Network
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.way import Way
from webapp.connectors.tls_problems import Certificate
from webapp.domain.message import DeliveryError

PATIENCE: Final = 3.0
"""Seconds that the whole look may take; somebody is waiting for the diagnosis."""


async def shown_certificate(config: SmtpConfig, network: Network, way: Way, name: str) -> Certificate | None:
    """Connect once more, trusting nobody and saying nothing but EHLO and STARTTLS; None if that does not work out.

    OpenSSL does not hand out a certificate that it has refused, hence the second connection. It goes to the addresses
    that were checked, and it carries no credentials.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return Certificate.of(await _certificate(config, network, way, name))
    except (DeliveryError, OSError, aiosmtplib.SMTPException, ValueError):
        return None


async def _certificate(config: SmtpConfig, network: Network, way: Way, name: str) -> bytes:
    connection = await way.connect(network, seconds=PATIENCE, local_address=config.local_address)
    loop, context, at_once = asyncio.get_running_loop(), _trusting_nobody(), config.security == "tls"
    transport, protocol = await loop.create_connection(
        lambda: SMTPProtocol(loop=loop),
        sock=connection,
        ssl=context if at_once else None,
        server_hostname=name if at_once else None,
    )
    try:
        if not at_once:
            await protocol.read_response()
            await protocol.execute_command(b"EHLO", (config.name or "[127.0.0.1]").encode("ascii"))
            await protocol.start_tls(context, server_hostname=name)
        tls = protocol.transport.get_extra_info("ssl_object") if protocol.transport else None
        shown = tls.getpeercert(binary_form=True) if tls else None
        return bytes(shown or b"")
    finally:
        for each in (protocol.transport, transport):
            if isinstance(each, asyncio.Transport):
                each.abort()


def _trusting_nobody() -> ssl.SSLContext:
    """For looking only: whatever comes over such a connection is believed by nobody, and nothing secret goes out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
