"""A real Postfix with Dovecot's SASL, configured and running in a directory of its own."""

from __future__ import annotations

import base64
import email
import email.policy
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.canary import CANARY
from tests.peers.certificates import Certificates
from tests.peers.ports import LOOPBACK, free_port, has_ipv6

PASSWORDS = {"ada@example.test": f"corr€ct horse:{CANARY}", "bob": f"bob's-{CANARY}+string/=="}
"""Who may log in on the submission ports, and how."""
MAILBOXES = ("ada@example.test", "bob@example.test", "mallory@elsewhere.test", "jürgen@example.test")
"""Who gets mail here. Others in these domains are unknown; other domains are not ours to deliver."""
OWNED_SENDER = "ceo@example.test"
"""A sender that belongs to somebody else: whoever logs in here may not use it."""
SIZE_LIMIT = 200_000
"""Bytes; larger mails are refused."""

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin"
_PATIENCE = 30.0


class PostfixServer:
    """The ports of a running Postfix, and the mail that it delivered."""

    host = "localhost"

    def __init__(self, home: Path, ca_pem: str) -> None:
        self.home = home
        self.ca_pem = ca_pem
        self.submission_port = free_port()
        """STARTTLS, and AUTH only after it (as port 587)."""
        self.submissions_port = free_port()
        """TLS at once, then AUTH (as port 465)."""
        self.relay_port = free_port()
        """No TLS, no AUTH, only mail for MAILBOXES (as port 25)."""

    def mail(self, message_id: str, to: str = "ada@example.test") -> EmailMessage:
        """Wait for a mail to be in a mailbox, and read it."""
        mail = email.message_from_bytes(self.mail_bytes(message_id, to), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    def mail_bytes(self, message_id: str, to: str = "ada@example.test") -> bytes:
        """Wait for a mail to be in a mailbox; the bytes as delivered, with Postfix's trace lines on top."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if found := next((mail for mail in self.mailbox(to) if message_id.encode() in mail), None):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{message_id} did not arrive for {to}.\n{self.log()}")

    def mailbox(self, to: str = "ada@example.test") -> list[bytes]:
        """Read all mails that one recipient has now."""
        return [path.read_bytes() for path in sorted((self.home / "mail" / to / "new").glob("*"))]

    def log(self) -> str:
        """Read the last lines of all logs, for the message of a failing test."""
        return "\n".join("\n".join(path.read_text().splitlines()[-30:]) for path in sorted(self.home.glob("*.log")))


@contextmanager
def running_postfix(certificates: Certificates, introspection_url: str = "") -> Iterator[PostfixServer]:
    """Start Postfix and Dovecot; both end with the block, and with this process however it ends.

    With an ``introspection_url``, which carries user name and password, access tokens are taken as well.
    """
    _require_packages()
    # Not pytest's own temporary directory: that one is closed to the accounts that Postfix works as.
    home = Path(tempfile.mkdtemp(prefix="postroom-mta-"))
    server = PostfixServer(home, certificates.ca_pem)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        _configure(server, certificates, introspection_url)
        log = stack.enter_context((home / "start.log").open("ab"))
        subprocess.run(
            ["postfix", "-c", home / "etc", "check"], env={"PATH": _PATH}, stdout=log, stderr=log, check=True
        )
        stack.enter_context(_process(["dovecot", "-F", "-c", str(home / "dovecot.conf")], log))
        _wait_for(server, lambda: (home / "queue" / "private" / "auth").is_socket())
        stack.enter_context(_process(["master", "-c", str(home / "etc"), "-d"], log))
        for port in (server.submission_port, server.submissions_port, server.relay_port):
            _wait_for(server, lambda port=port: _listens(port))
        yield server


def _require_packages() -> None:
    packages = {"postfix": "postfix", "master": "postfix", "dovecot": "dovecot-core"}
    missing = sorted({package for name, package in packages.items() if not shutil.which(name, path=_PATH)})
    if missing:
        pytest.fail(
            f"These tests need a real mail server. Install it: apt-get install -y {' '.join(missing)}", pytrace=False
        )
    if os.geteuid() != 0:
        pytest.fail("These tests start Postfix, which only root can. Run them as root.", pytrace=False)


@contextmanager
def _process(command: list[str], log: BinaryIO) -> Iterator[None]:
    """Run a daemon in the foreground until the block ends."""
    # The shell kills it when our end of the pipe is gone: a test run that is killed leaves no daemon behind.
    guarded = ["sh", "-c", '"$@" & read -r _; kill $!; wait', "sh", *command]
    with subprocess.Popen(
        guarded, env={"PATH": _PATH}, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
    ):
        yield


def _wait_for(server: PostfixServer, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"Postfix or Dovecot did not start:\n{server.log()}", pytrace=False)
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=_PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


def _configure(server: PostfixServer, certificates: Certificates, introspection_url: str) -> None:
    home, etc = server.home, server.home / "etc"
    home.chmod(0o755)
    for name, owner in (
        ("etc", "root"),
        ("queue", "root"),
        ("dovecot", "root"),
        ("data", "postfix"),
        ("mail", "nobody"),
    ):
        (home / name).mkdir()
        os.chown(home / name, pwd.getpwnam(owner).pw_uid, -1)
    (etc / "chain.pem").touch(0o600)
    (etc / "chain.pem").write_bytes(certificates.chain_pem())
    (etc / "mailboxes").write_text("".join(f"{address} {address}/\n" for address in MAILBOXES))
    (etc / "senders").write_text(f"{OWNED_SENDER} nobody-else\n")
    (etc / "main.cf").write_text(_main_cf(home))
    (etc / "master.cf").write_text(_master_cf(server))
    (home / "users").write_text(
        "".join(
            f"{user}:{{PLAIN.b64}}{base64.b64encode(password.encode()).decode()}\n"
            for user, password in PASSWORDS.items()
        )
    )
    (home / "dovecot.conf").write_text(_dovecot_conf(home, " xoauth2 oauthbearer" if introspection_url else ""))
    if introspection_url:
        (home / "oauth2.conf").write_text(_OAUTH2_CONF.format(url=introspection_url))
        with (home / "dovecot.conf").open("a") as file:
            file.write(_OAUTH2_PASSDB.format(home=home))


def _main_cf(home: Path) -> str:
    owner = pwd.getpwnam("nobody")
    return f"""\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mail.example.test
mydestination =
mynetworks =
inet_interfaces = loopback-only
inet_protocols = {"all" if has_ipv6() else "ipv4"}
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {", ".join(sorted({address.partition("@")[2] for address in MAILBOXES}))}
virtual_mailbox_maps = texthash:{home}/etc/mailboxes
virtual_mailbox_base = {home}/mail
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
default_transport = discard:
relay_transport = discard:
message_size_limit = {SIZE_LIMIT}
smtputf8_enable = yes
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sender_login_maps = texthash:{home}/etc/senders
smtpd_tls_chain_files = {home}/etc/chain.pem
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
"""


def _master_cf(server: PostfixServer) -> str:
    login = """\
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_known_sender_login_mismatch
"""
    return f"""\
{server.submission_port} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
{login}\
{server.submissions_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
{login}\
{server.relay_port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


_OAUTH2_CONF = """\
introspection_url = {url}
introspection_mode = post
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
"""
_OAUTH2_PASSDB = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {home}/oauth2.conf
}}
"""


def _dovecot_conf(home: Path, more_mechanisms: str) -> str:
    return f"""\
base_dir = {home}/dovecot
state_dir = {home}/dovecot
log_path = {home}/dovecot.log
protocols =
ssl = no
auth_mechanisms = plain login{more_mechanisms}
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
# Without this, each wrong password makes the next login from the same address slower.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {home}/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""
