"""Proxies: SOCKS5 (RFC 1928, 1929) and HTTP with CONNECT, which do their work, refuse it, or talk nonsense."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import select
import socket
import threading
from dataclasses import dataclass, field
from typing import Self

from tests.peers.ports import LOOPBACK

SOCKS5, HTTP = "socks5", "http"
REFUSED_BY_RULE = {SOCKS5: 2, HTTP: 403}
UNREACHABLE = {SOCKS5: 4, HTTP: 502}


class _Refused(Exception):  # noqa: N818  not an error: what the proxy was there to do
    """The proxy said no, and hangs up."""


@dataclass(slots=True)
class ProxyServer:
    """Listens on a loopback port; asks for a login where it has one."""

    kind: str
    login: tuple[str, str] | None = None
    refusal: int = 0
    """Answer this SOCKS reply or HTTP status instead of connecting."""
    says: bytes = b""
    """Say this to whatever comes, and hang up."""
    silent: bool = False
    eager: bool = False
    """Send the answer and the first words of the server in one piece."""
    targets: list[tuple[str, int]] = field(default_factory=list)
    """Where clients wanted to go, as they wrote it."""
    received: bytearray = field(default_factory=bytearray)
    """What clients said to the proxy itself."""
    port: int = 0
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._listener
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        for each in self._open:
            each.close()

    @property
    def url(self) -> str:
        return f"{self.kind}://{LOOPBACK}:{self.port}"

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listener
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, _Refused):
            if self.says or self.silent:
                while not self.says and client.recv(100):
                    pass
                self._read(client, 3)
                client.sendall(self.says)
                raise _Refused
            server = self._socks(client) if self.kind == SOCKS5 else self._http(client)
            self._relay(client, server)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _read(self, client: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = client.recv(count - len(data))
            if not piece:
                raise _Refused
            data += piece
        self.received += data
        return data

    def _socks(self, client: socket.socket) -> socket.socket:
        methods = self._read(client, self._read(client, 2)[1])
        wanted = 2 if self.login else 0
        if wanted not in methods:
            client.sendall(b"\x05\xff")
            raise _Refused
        client.sendall(bytes([5, wanted]))
        if self.login:
            user = self._read(client, self._read(client, 2)[1])
            password = self._read(client, self._read(client, 1)[0])
            known = (user.decode(), password.decode()) == self.login
            client.sendall(b"\x01\x00" if known else b"\x01\x01")
            if not known:
                raise _Refused
        kind = self._read(client, 4)[3]
        length = {1: 4, 4: 16}.get(kind) or self._read(client, 1)[0]
        raw = self._read(client, length)
        host = str(ipaddress.ip_address(raw)) if kind in (1, 4) else raw.decode()
        port = int.from_bytes(self._read(client, 2), "big")
        self.targets.append((host, port))
        if self.refusal:
            client.sendall(bytes([5, self.refusal, 0, 1, 0, 0, 0, 0, 0, 0]))
            raise _Refused
        return self._connected(client, host, port, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    def _http(self, client: socket.socket) -> socket.socket:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._read(client, 1)
        request, *headers = head.decode().split("\r\n")
        host, _, port = request.split()[1].rpartition(":")
        self.targets.append((host.strip("[]"), int(port)))
        proof = base64.b64encode(":".join(self.login).encode()).decode() if self.login else ""
        if self.login and f"Proxy-Authorization: Basic {proof}" not in headers:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
            raise _Refused
        if self.refusal:
            client.sendall(f"HTTP/1.1 {self.refusal} No\r\nContent-Length: 0\r\n\r\n".encode())
            raise _Refused
        answer = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy.example.test\r\n\r\n"
        return self._connected(client, host.strip("[]"), int(port), answer)

    def _connected(self, client: socket.socket, host: str, port: int, answer: bytes) -> socket.socket:
        server = socket.create_connection((host, port))
        self._open.append(server)
        client.sendall(answer + (server.recv(65536) if self.eager else b""))
        return server

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            for side in select.select([client, server], [], [])[0]:
                data = side.recv(65536)
                if not data:
                    other[side].shutdown(socket.SHUT_WR)
                    raise _Refused
                other[side].sendall(data)
