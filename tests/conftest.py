"""What all tests share: the mail servers of tests/peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.peers.aiosmtpd_server import ReceivingServer, receiving_server
from tests.peers.certificates import Certificates
from tests.peers.postfix import PostfixServer, running_postfix
from tests.peers.scripted import Script, ScriptedServer

collect_ignore = ["example_connector"]
"""A package of its own: test_other_packages.py installs it and runs its tests there."""


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """Certificates of the tests' own authority, good and faulty."""
    return Certificates()


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[PostfixServer]:
    """A real Postfix with Dovecot's SASL on loopback."""
    with running_postfix(certificates) as server:
        yield server


@pytest.fixture
def scripted(certificates: Certificates) -> Iterator[Callable[..., ScriptedServer]]:
    """Start servers that play scripts: ``scripted(Script(rcpt=answer(550, "5.1.1")), certificate="expired")``."""
    with ExitStack() as stack:

        def start(
            *scripts: Script,
            certificate: str = "good",
            host: str = "127.0.0.1",
            certificates: Certificates = certificates,
        ) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(*scripts, context=certificates.server(certificate), host=host))

        yield start


@pytest.fixture
def receiving(certificates: Certificates) -> Iterator[Callable[..., ReceivingServer]]:
    """Start aiosmtpd: ``receiving(certificate="wrong_name", implicit_tls=True)``."""
    with ExitStack() as stack:

        def start(certificate: str = "good", *, implicit_tls: bool = False) -> ReceivingServer:
            context = certificates.server(certificate)
            return stack.enter_context(receiving_server(context, implicit_tls=implicit_tls))

        yield start
