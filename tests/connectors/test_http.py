"""The way out by HTTP: what goes wrong on it is named, and nothing is followed, remembered or read without end."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
import httpx2
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.connectors.smtp_attempt import LOOPBACK_ONLY, names
from tests.peers.certificates import Certificates
from tests.peers.ports import LOOPBACK, free_port
from tests.peers.proxies import HTTP, SOCKS5, ProxyServer
from tests.peers.scripted import Script, ScriptedServer, answer, drop, raw, silence, wait
from webapp.connectors.http import HTTPConnection, Patience
from webapp.connectors.network import Network
from webapp.connectors.proxy import Proxy
from webapp.domain.message import DeliveryError, Trace

CERTIFICATES = Certificates()
USUAL = Patience()
HASTE = Patience(dns=2, connect=0.5, answer=0.5)


class Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *args):
        """Say nothing."""


def service() -> flask.Flask:
    app = flask.Flask(__name__)

    @app.route("/echo", methods=["GET", "POST"])
    def echo():
        seen = {"body": flask.request.get_data(as_text=True), "headers": dict(flask.request.headers)}
        return seen, 201, {"Set-Cookie": "a=b"}

    app.add_url_rule("/elsewhere", "elsewhere", view_func=lambda: flask.redirect("/echo"))
    app.add_url_rule("/endless", "endless", view_func=lambda: flask.Response(b"x" * 65536 for _ in range(100_000)))
    app.add_url_rule("/large", "large", view_func=lambda: "x" * 1000)

    @app.route("/in/<charset>")
    def in_charset(charset: str):
        return '{"said": "caf\u00e9"}'.encode("latin-1" if charset == "iso-8859-1" else "utf-8"), {
            "Content-Type": f"application/json; charset={charset}"
        }

    return app


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = make_server(LOOPBACK, 0, service(), threaded=True, ssl_context=context, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"{'https' if context else 'http'}://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def plain():
    with serving() as url:
        yield url


@pytest.fixture
def secure():
    with serving(CERTIFICATES.server("good")) as url:
        yield url


def exchange(url, *requests, trace=None, patience=USUAL, allowed=LOOPBACK_ONLY, proxy=None, **options):
    """Open a connection and send these requests over it."""
    network = Network(allowed, extra_ca_pem=CERTIFICATES.ca_pem, getaddrinfo=options.pop("getaddrinfo", names_of(url)))

    async def go():
        through = proxy and Proxy(proxy.kind, await network.resolve(LOOPBACK, proxy.port, seconds=2))
        async with HTTPConnection(network, url, patience=patience, proxy=through) as connection:
            await connection.open(trace)
            return [await connection.send(each, **options) for each in requests]

    return asyncio.run(go())


def names_of(url):
    return names({"localhost": (LOOPBACK,), LOOPBACK: (LOOPBACK,)})


def failure(url, path="/echo", **options):
    with pytest.raises(DeliveryError) as caught:
        exchange(url, httpx2.Request("GET", f"{url}{path}"), **options)
    assert caught.value.problem.steps
    return caught.value.problem.code


class TestExchange:
    def test_a_connection_that_ends_with_each_answer_is_opened_again(self, plain, monkeypatch):
        monkeypatch.setattr(Silent, "protocol_version", "HTTP/1.0")

        answers = exchange(plain, *(httpx2.Request("GET", f"{plain}/echo") for _ in range(2)))

        assert [each.status_code for each in answers] == [201, 201]

    def test_several_requests_share_a_connection_and_no_cookies(self, secure):
        trace = Trace()
        requests = [
            httpx2.Request("POST", f"{secure}/echo", data={"a": "1"}),
            httpx2.Request("POST", f"{secure}/echo", json={"b": 2}, headers={"Authorization": "Bearer t"}),
        ]

        first, second = exchange(secure, *requests, trace=trace)

        assert (first.status_code, first.json()["body"], second.json()["body"]) == (201, "a=1", '{"b":2}')
        assert second.json()["headers"]["Authorization"] == "Bearer t"
        assert "Cookie" not in second.json()["headers"]
        assert second.json()["headers"]["User-Agent"] == "Postroom"
        assert [(phase.phase, phase.ok) for phase in trace.phases] == [
            ("resolve", True),
            ("connect", True),
            ("tls", True),
        ]

    def test_a_redirect_is_an_answer_and_not_followed(self, plain):
        (response,) = exchange(plain, httpx2.Request("GET", f"{plain}/elsewhere"))

        assert (response.status_code, response.headers["Location"]) == (302, "/echo")

    def test_proxies_of_the_environment_are_ignored(self, plain, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

        (response,) = exchange(plain, httpx2.Request("GET", f"{plain}/echo"))

        assert response.status_code == 201

    @pytest.mark.parametrize("kind", [SOCKS5, HTTP])
    def test_a_proxy_of_ours_is_gone_through(self, secure, kind):
        with ProxyServer(kind) as proxy:
            (response,) = exchange(secure, httpx2.Request("GET", f"{secure}/echo"), proxy=proxy)

        assert response.status_code == 201

    @pytest.mark.parametrize(
        "charset",
        ["utf-8", "iso-8859-1", "zlib", "bz2", "base64", "rot13", "punycode", "idna", "undefined", "utf-16", "no-such"],
    )
    def test_an_answer_is_read_as_text_whatever_it_says_of_its_letters(self, plain, charset):
        # Python's codecs also unpack archives, take quadratic time (punycode), or refuse to read on (idna).
        (answer,) = exchange(plain, httpx2.Request("GET", f"{plain}/in/{charset}"))

        assert answer.text == '{"said": "café"}'


class TestFailure:
    @pytest.mark.parametrize("path", ["/endless", "/large"])
    def test_an_answer_without_end_is_not_read(self, plain, path):
        assert failure(plain, path, limit=900) == "http.answer_too_large"

    @pytest.mark.parametrize("fault", ["expired", "wrong_name", "self_signed"])
    def test_a_certificate_that_does_not_fit_is_refused(self, fault):
        with serving(CERTIFICATES.server(fault)) as url:
            assert failure(url) == f"network.certificate_{fault}"

    def test_an_address_that_is_not_permitted_is_not_reached(self, plain):
        assert failure(plain, allowed=()) == "network.address_refused"

    def test_a_name_that_does_not_exist(self):
        assert failure("https://nowhere.example.test", getaddrinfo=names({})) == "network.name_not_found"

    def test_nobody_listens(self):
        assert failure(f"http://localhost:{free_port()}") == "network.connection_refused"

    @pytest.mark.parametrize(
        ("says", "code"),
        [
            (silence, "http.no_answer"),
            (drop, "http.broken_off"),
            (raw(b"220 mail.example.test ESMTP\r\n\r\n") + silence, "http.broken_off"),
            (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") + drop, "http.broken_off"),
            (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000) + silence, "http.broken_off"),
        ],
    )
    def test_what_is_no_answer_is_named(self, says, code):
        with ScriptedServer(Script(greeting=says)) as server:
            assert failure(f"http://localhost:{server.port}", patience=HASTE) == code

    def test_an_answer_that_drips_is_given_up(self):
        drips = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(20):
            drips += raw(b"x") + wait(0.1)
        with ScriptedServer(Script(greeting=drips)) as server:
            assert failure(f"http://localhost:{server.port}", patience=HASTE) == "http.no_answer"

    def test_tls_that_does_not_come_about_is_given_up(self):
        with ScriptedServer(Script(greeting=silence)) as server:
            assert failure(f"https://localhost:{server.port}", patience=HASTE) == "http.no_tls"

    def test_clear_text_where_tls_is_due(self):
        with ScriptedServer(Script(greeting=answer(220, "mail.example.test ESMTP"))) as server:
            assert failure(f"https://localhost:{server.port}", patience=HASTE) == "network.tls_handshake_failed"
