"""Through SOCKS5 and HTTP proxies that run for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pydantic import ValidationError

from tests.canary import CANARY
from tests.connectors.smtp_attempt import attempt, names
from tests.connectors.test_smtp_config import GOOD, config
from tests.peers.ports import LOOPBACK, LOOPBACK6
from tests.peers.proxies import HTTP, SOCKS5, UNREACHABLE, ProxyServer
from tests.peers.scripted import Script
from webapp.connectors.smtp.config import SmtpConfig

LOGIN = ("postroom", f"{CANARY}-proxy")
GIVEN = {"user": LOGIN[0], "password": LOGIN[1]}
KINDS = [SOCKS5, HTTP]


@pytest.fixture
def proxy() -> Iterator[Callable[..., ProxyServer]]:
    """Start proxies: ``proxy(SOCKS5, login=("ada", "…"))``."""
    with ExitStack() as stack:
        yield lambda kind, **behaviour: stack.enter_context(ProxyServer(kind, **behaviour))


class TestSettings:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("socks5://proxy.example.com:9050", "socks5://proxy.example.com:9050"),
            ("SOCKS5://Proxy.Example.com", "socks5://proxy.example.com:1080"),
            ("http://proxy.example.com/", "http://proxy.example.com:8080"),
            ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
            ("", None),
            (None, None),
        ],
    )
    def test_addresses_are_normalised(self, written, meant):
        assert config(proxy={"url": written}).proxy.url == meant

    @pytest.mark.parametrize(
        ("proxy", "pointer", "words"),
        [
            ({"url": "proxy.example.com:1080"}, "/proxy/url", "Give the proxy as"),
            ({"url": "https://proxy.example.com"}, "/proxy/url", "Give the proxy as"),
            ({"url": "socks4://proxy.example.com"}, "/proxy/url", "Give the proxy as"),
            ({"url": "socks5://"}, "/proxy/url", "Give the proxy as"),
            ({"url": "socks5://proxy.example.com:99999"}, "/proxy/url", "Give the proxy as"),
            ({"url": "http://proxy.example.com/path"}, "/proxy/url", "Give the proxy as"),
            ({"url": "http://proxy.example.com?a=b"}, "/proxy/url", "Give the proxy as"),
            ({"url": "http://two words"}, "/proxy/url", "Give the proxy as"),
            ({"url": f"socks5://ada:{CANARY}@proxy.example.com"}, "/proxy/url", "fields of their own"),
            ({"user": "ada", "password": CANARY}, "/proxy/user", "address too"),
            ({"url": "socks5://p.example", "user": "ada"}, "/proxy/password", "needs a password"),
            ({"url": "socks5://p.example", "password": CANARY}, "/proxy/password", "user name too"),
            ({"url": "socks5://p.example", "user": "a:b", "password": CANARY}, "/proxy/user", "colon"),
            ({"url": "socks5://p.example", "user": "ada", "password": f"{CANARY}ö"}, "/proxy/password", "ASCII"),
            ({"url": "socks5://p.example", "user": "ada", "password": CANARY * 50}, "/proxy/password", "255"),
        ],
    )
    def test_what_is_refused_is_said_at_its_place(self, proxy, pointer, words):
        with pytest.raises(ValidationError) as caught:
            SmtpConfig.model_validate({**GOOD, "proxy": proxy})

        (error,) = caught.value.errors(include_input=False, include_url=False)
        assert "/" + "/".join(map(str, error["loc"])) == pointer
        assert words in error["msg"]
        assert CANARY not in str(caught.value)

    def test_a_password_in_clear_is_not_at_home_behind_a_proxy(self):
        assert config(host="localhost", security="none")
        with pytest.raises(ValidationError):
            config(host="localhost", security="none", proxy={"url": "socks5://p.example"})


class TestGoingThrough:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize("login", [None, LOGIN])
    def test_a_mail_arrives(self, scripted, certificates, proxy, kind, security, login):
        server, between = scripted(Script(implicit_tls=security == "tls")), proxy(kind, login=login)

        tried = attempt(
            server.port,
            security=security,
            ca_pem=certificates.ca_pem,
            proxy={"url": between.url, **(GIVEN if login else {})},
        )

        assert tried.error is None, tried.trace.transcript
        assert len(server.bodies) == 1
        assert between.targets == [(LOOPBACK, server.port)]
        assert CANARY not in tried.everything

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_name_is_looked_up_here_and_only_the_checked_address_goes_out(self, scripted, proxy, kind):
        server, between = scripted(), proxy(kind)

        tried = attempt(
            server.port,
            host="mail.example.test",
            getaddrinfo=names({"mail.example.test": (LOOPBACK,), LOOPBACK: (LOOPBACK,)}),
            security="none",
            user=None,
            proxy={"url": between.url},
        )

        assert tried.error is None, tried.trace.transcript
        assert between.targets == [(LOOPBACK, server.port)]
        assert b"mail.example.test" not in between.received

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_address_that_is_not_permitted_is_not_asked_for(self, proxy, kind):
        between = proxy(kind)

        tried = attempt(25, host="169.254.169.254", security="none", user=None, proxy={"url": between.url})

        assert (tried.code, tried.phases) == ("network.address_refused", ["resolve"])
        assert between.targets == []

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_greeting_in_one_piece_with_the_proxys_answer_is_heard(self, scripted, proxy, kind):
        server, between = scripted(), proxy(kind, eager=True)

        tried = attempt(server.port, security="none", user=None, proxy={"url": between.url}, greetingTimeout=2000)

        assert tried.error is None, tried.trace.transcript

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_address_of_the_server_is_tried(self, proxy, kind):
        between = proxy(kind, refusal=UNREACHABLE[kind])

        tried = attempt(
            2525,
            host="mail.example.test",
            getaddrinfo=names({"mail.example.test": (LOOPBACK6, LOOPBACK), LOOPBACK: (LOOPBACK,)}),
            security="none",
            user=None,
            proxy={"url": between.url},
        )

        assert tried.code == "network.proxy_cannot_reach"
        assert between.targets == [(LOOPBACK6, 2525), (LOOPBACK, 2525)]

    def test_a_password_in_clear_does_not_pass_for_staying_here(self, scripted, proxy):
        """The connection ends at a proxy on this machine, and goes on from there."""
        server, between = scripted(Script(offers_starttls=False)), proxy(SOCKS5)

        tried = attempt(server.port, security="opportunistic", proxy={"url": between.url})

        assert (tried.code, tried.phases[-1]) == ("smtp.credentials_in_clear", "auth")
        assert not [command for command in server.commands if command.startswith("AUTH")]

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_certificate_is_looked_at_through_the_proxy_too(self, scripted, certificates, proxy, kind):
        server, between = scripted(certificate="expired"), proxy(kind)

        tried = attempt(server.port, ca_pem=certificates.ca_pem, proxy={"url": between.url})

        assert tried.code == "network.certificate_expired"
        assert len(between.targets) == 2
