"""The peers themselves are what they claim, seen with the standard library's client."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import ExitStack

import pytest

from tests.peers import postfix as postfix_module
from tests.peers.aiosmtpd_server import PASSWORD, USER
from tests.peers.postfix import PASSWORDS
from tests.peers.scripted import Script, answer, drop, reset

MAIL = b"Subject: Hello\r\n\r\n.A dot at the start of a line\r\n"


def test_the_scripted_server_takes_a_mail_by_default(scripted, certificates):
    server = scripted()

    with smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=certificates.client())
        client.login("ada", "5ecret")
        client.sendmail("no-reply@example.test", ["ada@example.test"], MAIL)

    assert server.bodies == [MAIL]
    assert server.parameter("RCPT") == "TO:<ada@example.test>"


def test_the_scripted_server_plays_one_script_for_each_connection(scripted):
    server = scripted(Script(greeting=answer(421, "4.7.0 Too many", "Try later") + drop), Script())

    with pytest.raises(smtplib.SMTPConnectError, match=r"(?s)Too many\\nTry later"):
        smtplib.SMTP(server.host, server.port)
    with smtplib.SMTP(server.host, server.port) as client:
        answered = client.ehlo()

    assert answered[0] == 250


def test_the_scripted_server_resets_connections(scripted):
    server = scripted(Script(mail=reset))

    with smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        with pytest.raises(smtplib.SMTPServerDisconnected, match="reset"):
            client.mail("no-reply@example.test")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "expired"),
        ("not_yet_valid", "not yet valid"),
        ("wrong_name", "Hostname mismatch"),
        ("self_signed", "self-signed certificate"),
        ("unknown_issuer", "unable to get local issuer"),
    ],
)
def test_faulty_certificates_have_the_fault_in_their_name(receiving, certificates, kind, reason):
    server = receiving(kind, implicit_tls=True)

    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        smtplib.SMTP_SSL(server.host, server.port, context=certificates.client())


@pytest.mark.parametrize("implicit_tls", [True, False])
def test_aiosmtpd_takes_a_mail_after_login(receiving, certificates, implicit_tls):
    server = receiving(implicit_tls=implicit_tls)
    tls = certificates.client()

    client = (
        smtplib.SMTP_SSL(server.host, server.port, context=tls)
        if implicit_tls
        else smtplib.SMTP("localhost", server.port)
    )
    with client:
        if not implicit_tls:
            client.starttls(context=tls)
        client.login(USER, PASSWORD)
        client.sendmail("no-reply@example.test", ["ada@example.test"], MAIL)

    assert [mail.content for mail in server.mails] == [MAIL]


def test_aiosmtpd_refuses_a_wrong_password(receiving, certificates):
    server = receiving()

    with smtplib.SMTP("localhost", server.port) as client:
        client.starttls(context=certificates.client())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")


@pytest.mark.peers
@pytest.mark.xdist_group("peers")
def test_postfix_delivers_for_who_logs_in(postfix, certificates):
    with smtplib.SMTP(postfix.host, postfix.submission_port) as client:
        client.starttls(context=certificates.client())
        client.login("bob", PASSWORDS["bob"])
        client.sendmail("no-reply@example.test", ["ada@example.test"], b"Message-ID: <hello@peers>\r\n" + MAIL)

    assert postfix.mail("<hello@peers>")["Subject"] == "Hello"


def test_a_machine_without_mail_servers_says_what_to_install(monkeypatch, certificates):
    monkeypatch.setattr(postfix_module, "_PATH", "/nowhere")

    with pytest.raises(pytest.fail.Exception, match="apt-get install -y dovecot-core postfix"), ExitStack() as stack:
        stack.enter_context(postfix_module.running_postfix(certificates))
