"""A mail server that does what a script says, however wrong, and keeps what the client sent.

Each phase of a script is a step: an answer, or a misdeed. Steps follow one another with ``+``::

    Script(rcpt=answer(550, "5.1.1 No such user"))
    Script(data=drop)
    Script(body=wait(0.2) + answer(250, "2.0.0 Queued as 4711"))
    Script(ehlo=answer(250, "mail.example.test", "AUTH PLAIN") + reset)
    Script(greeting=raw(b"SSH-2.0-OpenSSH_9.9\\r\\n") + drop)

Threads and blocking sockets, because a script must be able to reset a connection or leave it half open.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from tests.peers.ports import LOOPBACK

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Gone(Exception):  # noqa: N818  not an error: the conversation is over
    """The connection ended, by the script or by the client."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the server does when its turn comes."""

    acts: tuple[Callable[[Conversation], None], ...]

    def __add__(self, other: Step) -> Step:
        return Step(self.acts + other.acts)

    def __call__(self, conversation: Conversation) -> None:
        for act in self.acts:
            act(conversation)


def raw(data: bytes) -> Step:
    """Send these bytes as they are."""
    return Step((lambda conversation: conversation.write(data),))


def answer(code: int, *lines: str) -> Step:
    """Answer with a code and one or more lines of text."""
    last = len(lines) - 1
    reply = "".join(f"{code}{' ' if number == last else '-'}{line}\r\n" for number, line in enumerate(lines))
    return raw(reply.encode() or f"{code}\r\n".encode())


def wait(seconds: float) -> Step:
    """Let time pass, or less when the server is stopped."""
    return Step((lambda conversation: conversation.pause(seconds),))


def endless(data: bytes) -> Step:
    """Send the same bytes for as long as the client takes them."""

    def send(conversation: Conversation) -> None:
        while True:
            conversation.write(data)

    return Step((send,))


def _listen(conversation: Conversation) -> None:
    while True:
        conversation.read_line()


def _stall(conversation: Conversation) -> None:
    conversation.stopped.wait()
    raise _Gone


hear = Step((lambda conversation: conversation.hear(),))
"""Wait for the client to send something, such as the beginning of a handshake."""
nothing = Step(())
"""Answer nothing and go on."""
silence = Step((_listen,))
"""Read what comes and never answer again."""
deaf = Step((_stall,))
"""Neither read nor answer: what the client sends piles up."""
drop = Step((lambda conversation: conversation.close(),))
"""Close the connection in good order (FIN)."""
reset = Step((lambda conversation: conversation.close(reset=True),))
"""Break the connection (RST)."""
start_tls = Step((lambda conversation: conversation.start_tls(),))
"""Do the TLS handshake."""

_hello = answer(220, "mail.example.test ESMTP")
_ok = answer(250, "2.0.0 Ok")
_ready = answer(220, "2.0.0 Ready to start TLS") + start_tls
_accepted = answer(235, "2.7.0 Accepted")
_go_ahead = answer(354, "Go ahead")
_queued = answer(250, "2.0.0 Ok: queued as 4711")
_bye = answer(221, "2.0.0 Bye") + drop

MECHANISMS = ("PLAIN", "LOGIN")
EXTENSIONS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Script:
    """How the server behaves in each phase; unless told otherwise, as a good one."""

    greeting: Step = _hello
    ehlo: Step | None = None
    """By default the extensions, STARTTLS and AUTH as said below."""
    helo: Step = _ok
    starttls: Step = _ready
    auth: Step = _accepted
    """The verdict on the credentials."""
    auth_prompt: Step = nothing
    """What happens instead of the dialogue when AUTH comes."""
    mail: Step = _ok
    rcpt: Step = _ok
    data: Step = _go_ahead
    body: Step = _queued
    """After the final dot."""
    rset: Step = _ok
    noop: Step = _ok
    quit: Step = _bye

    extensions: tuple[str, ...] = EXTENSIONS
    mechanisms: tuple[str, ...] = MECHANISMS
    """Offered once the connection is safe, or from the start where STARTTLS is not offered."""
    offers_starttls: bool = True
    implicit_tls: bool = False


@dataclass(slots=True)
class Conversation:
    """One connection: what the client sent, and how far it came."""

    script: Script
    context: ssl.SSLContext | None
    connection: socket.socket
    stopped: threading.Event
    received: bytearray = field(default_factory=bytearray)
    """Everything that the client sent, without TLS."""
    commands: list[str] = field(default_factory=list)
    body: bytes | None = None
    """The mail as it came through DATA, dots unstuffed."""
    secure: bool = False
    _unread: bytearray = field(default_factory=bytearray)
    _answered: bytes = b""

    def run(self) -> None:
        """Play the script to its end."""
        # A client that hangs up or breaks off the handshake is what many scripts are there to see.
        with contextlib.suppress(_Gone, OSError):
            if self.script.implicit_tls:
                self.start_tls()
            self.script.greeting(self)
            while True:
                self._obey(self.read_line())
        self.connection.close()

    def write(self, data: bytes) -> None:
        self._answered = data
        self.connection.sendall(data)

    def pause(self, seconds: float) -> None:
        if self.stopped.wait(seconds):
            raise _Gone

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            raise _Gone
        # Closing with data unread would send an RST, so wait for the client to close too.
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(65536):
            pass
        raise _Gone

    def start_tls(self) -> None:
        assert self.context, "The script speaks TLS: start the server with a certificate."
        self.connection = self.context.wrap_socket(self.connection, server_side=True, do_handshake_on_connect=False)
        try:
            self.connection.do_handshake()
        except ssl.SSLError:
            # The alert that says why shall arrive, so the connection ends in good order.
            self.close()
        self.secure = True

    def read_line(self) -> bytes:
        """Read a line, without its end."""
        while b"\n" not in self._unread:
            self.hear()
        line, _, rest = bytes(self._unread).partition(b"\n")
        self._unread[:] = rest
        return line.rstrip(b"\r")

    def hear(self) -> None:
        """Wait for the client to send something."""
        data = self.connection.recv(65536)
        if not data:
            raise _Gone
        self.received += data
        self._unread += data

    def _obey(self, line: bytes) -> None:
        command = self._note(line)
        verb = command.partition(" ")[0].partition(":")[0].upper()
        match verb:
            case "EHLO":
                (self.script.ehlo or self._offer())(self)
            case "AUTH":
                self._log_in(command)
            case "DATA":
                self.script.data(self)
                if self._answered.startswith(b"354"):
                    self._take_body()
                    self.script.body(self)
            case "HELO" | "STARTTLS" | "MAIL" | "RCPT" | "RSET" | "NOOP" | "QUIT":
                getattr(self.script, verb.lower())(self)
            case _:
                answer(502, "5.5.2 Command not recognised")(self)

    def _offer(self) -> Step:
        lines = ["mail.example.test", *self.script.extensions]
        if self.script.offers_starttls and not self.secure:
            lines.append("STARTTLS")
        elif self.script.mechanisms:
            lines.append(f"AUTH {' '.join(self.script.mechanisms)}")
        return answer(250, *lines)

    def _log_in(self, command: str) -> None:
        if self.script.auth_prompt != nothing:
            self.script.auth_prompt(self)
            return
        _, mechanism, *initial = command.split(" ", 2)
        prompts = {"LOGIN": ["Username:", "Password:"], "CRAM-MD5": ["<1.2@mail.example.test>"]}.get(mechanism, [""])
        for prompt in prompts[len(initial) :]:
            answer(334, base64.b64encode(prompt.encode()).decode())(self)
            self._note(self.read_line())
        self.script.auth(self)

    def _note(self, line: bytes) -> str:
        command = line.decode("utf-8", "surrogateescape")
        self.commands.append(command)
        return command

    def _take_body(self) -> None:
        lines = []
        while (line := self.read_line()) != b".":
            lines.append(line.removeprefix(b"."))
        self.body = b"".join(line + b"\r\n" for line in lines)


class ScriptedServer:
    """Listens on a loopback port and plays a script on every connection, the last one for good."""

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None, host: str = LOOPBACK) -> None:
        self.host = host
        self.conversations: list[Conversation] = []
        self.seen_from: list[str] = []
        """The addresses that clients came from."""
        self._scripts = scripts or (Script(),)
        self._context = context
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for each in (self._listener, *(conversation.connection for conversation in self.conversations)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def finished(self) -> Self:
        """Wait for the clients to be gone, for tests of what they say last."""
        for thread in self._threads[1:]:
            thread.join(10)
        return self

    @property
    def received(self) -> bytes:
        """Everything that clients sent, without TLS."""
        return b"".join(bytes(conversation.received) for conversation in self.conversations)

    @property
    def commands(self) -> list[str]:
        """All lines that clients sent outside of mails."""
        return [command for conversation in self.conversations for command in conversation.commands]

    @property
    def bodies(self) -> list[bytes]:
        """The mails that came to their final dot."""
        return [conversation.body for conversation in self.conversations if conversation.body is not None]

    def parameter(self, verb: str) -> str | None:
        """What came after the first such command, such as ``TO:<ada@example.test>`` of ``RCPT``."""
        commands = (command.partition(" ") for command in self.commands)
        return next((rest for said, _, rest in commands if said.upper() == verb), None)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for connection in self._connections():
            script = self._scripts[min(len(self.conversations), len(self._scripts) - 1)]
            self.seen_from.append(connection.getpeername()[0])
            conversation = Conversation(script, self._context, connection, self._stopped)
            self.conversations.append(conversation)
            self._start(conversation.run)

    def _connections(self) -> Iterator[socket.socket]:
        while not self._stopped.is_set():
            try:
                yield self._listener.accept()[0]
            except OSError:
                return
