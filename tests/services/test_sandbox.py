"""The mail server inside, spoken to by a real SMTP client."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests.peers.ports import free_port
from tests.services.mails import HOSTILE_MAILS, a_mail
from webapp.connectors.network import Sandbox
from webapp.domain.roles import OPERATOR, TenantInfo
from webapp.services.authority import Authority
from webapp.services.inbox import Inbox
from webapp.services.sandbox import CONNECTIONS_LIMIT, RECIPIENTS_LIMIT, SIZE_LIMIT, SandboxServer, SandboxState


def eventually(is_so: Callable[[], bool], seconds: float = 10) -> bool:
    give_up = time.monotonic() + seconds
    while not is_so() and time.monotonic() < give_up:
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def inbox(db, vault) -> Inbox:
    return Inbox(db, vault)


@pytest.fixture
def sandbox(tmp_path: Path, tenants, inbox) -> Iterator[SandboxServer]:
    server = SandboxServer(tmp_path, free_port(), tenants, inbox)
    server.start()
    assert eventually(lambda: server.state() is SandboxState.LISTENING)
    yield server
    server.stop()


class Postbox:
    """Speaks to the sandbox as a tenant."""

    def __init__(self, sandbox: SandboxServer, user: str, password: str) -> None:
        peer = sandbox.peer
        assert isinstance(peer, Sandbox)
        self.peer, self.user, self.password = peer, user, password
        self.context = ssl.create_default_context(cadata=peer.ca_pem)

    @contextmanager
    def before_login(self) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP(self.peer.address, self.peer.port, timeout=10) as client:
            client.starttls(context=self.context)
            yield client

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        with self.before_login() as client:
            client.login(self.user, self.password)
            yield client

    def send(self, raw: bytes, *to: str) -> str:
        """Hand in a mail; returns what the server said."""
        with self.connected() as client:
            client.mail("no-reply@acme.test")
            for address in to or ("bob@example.com",):
                client.rcpt(address)
            code, answer = client.data(raw)
            if code != 250:
                raise smtplib.SMTPDataError(code, answer)
            return answer.decode()


@pytest.fixture
def postbox(sandbox, tenants, dev) -> Postbox:
    return Postbox(sandbox, dev.slug, tenants.sandbox_password(dev).get_secret_value())


class TestHandingInMail:
    def test_it_lands_in_the_tenants_inbox_with_its_code(self, postbox, inbox, dev):
        answer = postbox.send(a_mail(), "bob@example.com")

        mail = inbox.mails(dev)[0]
        assert answer == f"2.0.0 Ok: queued as {mail.id}"
        assert (mail.to, mail.subject, mail.code) == ("bob@example.com", "Your code", "482913")

    def test_each_recipient_gets_it(self, postbox, inbox, dev):
        postbox.send(a_mail(), "bob@example.com", "eve@example.com", "bob@example.com")

        assert sorted(item.to for item in inbox.mails(dev)) == ["bob@example.com", "eve@example.com"]

    def test_nobody_elses_inbox_gets_it(self, postbox, inbox, tenants, dev, prod):
        postbox.send(a_mail())

        assert inbox.mails(prod) == []

    def test_an_international_address_is_taken(self, postbox, inbox, dev):
        with postbox.connected() as client:
            client.command_encoding = "utf-8"
            client.mail("no-reply@acme.test", options=["SMTPUTF8"])
            client.rcpt("bjørn@bücher.test")
            client.data(a_mail())

        assert inbox.mails(dev)[0].to == "bjørn@bücher.test"

    @pytest.mark.parametrize("raw", HOSTILE_MAILS.values(), ids=HOSTILE_MAILS.keys())
    def test_a_hostile_mail_is_kept_or_refused_and_the_server_lives_on(self, raw, postbox, inbox, dev):
        with suppress(smtplib.SMTPResponseException):
            postbox.send(raw)
        postbox.send(a_mail(subject="still alive"))

        assert inbox.mails(dev)[0].subject == "still alive"
        for item in inbox.mails(dev):
            inbox.mail(dev, item.id)


class TestRefusals:
    @pytest.mark.parametrize("password", ["wrong", ""])
    def test_a_wrong_password(self, password, postbox):
        postbox.password = password

        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            postbox.send(a_mail())

        assert refusal.value.smtp_code == 535
        assert refusal.value.smtp_error.startswith(b"5.7.8")

    def test_a_tenant_that_does_not_exist(self, postbox):
        postbox.user = "nobody"

        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            postbox.send(a_mail())

        assert refusal.value.smtp_code == 535

    def test_a_production_tenant(self, postbox, prod):
        postbox.user = prod.slug

        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            postbox.send(a_mail())

        assert refusal.value.smtp_code == 535

    def test_a_mail_without_login(self, postbox):
        with postbox.before_login() as client:
            client.ehlo()

            assert client.mail("a@acme.test")[0] == 530

    def test_a_login_before_tls(self, postbox):
        with smtplib.SMTP(postbox.peer.address, postbox.peer.port, timeout=10) as client:
            client.ehlo()

            assert not client.has_extn("auth")
            assert client.docmd("AUTH PLAIN AGRldgBzZWNyZXQ=")[0] == 538

    def test_a_mail_that_is_too_large(self, postbox, inbox, dev):
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            postbox.send(b"\r\n" + b"a" * 70 * 1000 + b"\r\n" + (b"b" * 70 + b"\r\n") * (SIZE_LIMIT // 72))

        assert refusal.value.smtp_code == 552 or b"too" in refusal.value.smtp_error.lower()
        assert inbox.mails(dev) == []

    def test_too_many_recipients(self, postbox, inbox, dev):
        with postbox.connected() as client:
            client.mail("no-reply@acme.test")
            for number in range(RECIPIENTS_LIMIT):
                client.rcpt(f"bob{number}@example.com")

            assert client.rcpt("one-more@example.com")[0] == 452

    def test_too_many_connections(self, sandbox, postbox, inbox, dev):
        crowd = [socket.create_connection((postbox.peer.address, postbox.peer.port)) for _ in range(CONNECTIONS_LIMIT)]
        try:
            for member in crowd:
                assert member.recv(100).startswith(b"220 ")
            with socket.create_connection((postbox.peer.address, postbox.peer.port)) as late:
                assert late.recv(100).startswith(b"421 4.7.0")
        finally:
            for member in crowd:
                member.close()

        assert eventually(lambda: _can_send(postbox))


def _can_send(postbox: Postbox) -> bool:
    try:
        postbox.send(a_mail())
    except (smtplib.SMTPException, OSError):
        return False
    return True


class TestWhoServes:
    def test_one_process_serves_and_another_takes_over(self, tmp_path, tenants, inbox, monkeypatch):
        monkeypatch.setattr("webapp.services.sandbox.TAKE_OVER_EVERY", 0.05)
        port = free_port()
        first, second = (SandboxServer(tmp_path, port, tenants, inbox) for _ in range(2))
        first.start()
        assert eventually(lambda: first.state() is SandboxState.LISTENING)
        second.start()

        first.stop()

        assert eventually(lambda: _answers(port))
        assert eventually(lambda: second.state() is SandboxState.LISTENING)
        second.stop()
        assert second.state() is SandboxState.STARTING

    def test_a_taken_port_is_said_and_waited_for(self, tmp_path, tenants, inbox, monkeypatch):
        monkeypatch.setattr("webapp.services.sandbox.TAKE_OVER_EVERY", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as other:
            server = SandboxServer(tmp_path, other.getsockname()[1], tenants, inbox)
            server.start()

            assert eventually(lambda: server.state() is SandboxState.PORT_TAKEN)
        assert eventually(lambda: server.state() is SandboxState.LISTENING)
        server.stop()

    def test_port_0_switches_it_off(self, tmp_path, tenants, inbox):
        server = SandboxServer(tmp_path, 0, tenants, inbox)
        server.start()

        assert server.state() is SandboxState.OFF
        assert server.peer is None
        assert not (tmp_path / "sandbox").exists()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(100).startswith(b"220 ")
    except OSError:
        return False


class TestCertificates:
    def test_the_authority_stays_and_its_key_is_for_this_user_only(self, tmp_path):
        pem = Authority(tmp_path).ca_pem
        Authority(tmp_path).server_context()

        assert Authority(tmp_path).ca_pem == pem
        assert "PRIVATE" not in pem
        for file in ("ca.pem", "server.pem"):
            assert (tmp_path / file).stat().st_mode & 0o777 == 0o600

    def test_the_servers_certificate_is_renewed_before_it_expires(self, tmp_path):
        Authority(tmp_path).server_context()
        before = (tmp_path / "server.pem").read_bytes()

        with time_machine.travel(datetime.now(UTC) + timedelta(days=340), tick=False):
            Authority(tmp_path).server_context()

        assert (tmp_path / "server.pem").read_bytes() != before

    def test_a_new_authority_brings_a_new_certificate(self, tmp_path):
        Authority(tmp_path).server_context()
        before = (tmp_path / "server.pem").read_bytes()

        with time_machine.travel(datetime.now(UTC) + timedelta(days=3640), tick=False):
            Authority(tmp_path).server_context()

        assert (tmp_path / "server.pem").read_bytes() != before

    def test_half_a_file_is_made_anew(self, tmp_path):
        Authority(tmp_path).server_context()
        (tmp_path / "server.pem").write_bytes(b"-----BEGIN")

        Authority(tmp_path).server_context()


def test_the_tenant_is_told_by_its_password_alone(postbox, tenants, dev: TenantInfo):
    other = tenants.add("other", "Other", "development", OPERATOR)
    postbox.password = tenants.sandbox_password(other).get_secret_value()

    with pytest.raises(smtplib.SMTPAuthenticationError):
        postbox.send(a_mail())
