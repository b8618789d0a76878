"""Commands on a server elsewhere, and everything that can be wrong with it."""

from __future__ import annotations

import socket
import threading

from tests.cli.conftest import Run
from tests.peers.ports import free_port


def test_no_database_is_needed(remote: Run) -> None:
    done = remote("show", "dev", DATABASE_URL="nonsense", POSTROOM_DATA_DIR="/proc/nowhere")

    assert done.code == 0


def test_half_of_the_settings_is_not_enough(run: Run) -> None:
    done = run("show", "dev", POSTROOM_URL="http://127.0.0.1:8420")

    assert done.code == 2
    assert "POSTROOM_TOKEN" in done.err


def test_a_server_that_is_not_there_is_named(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = run("show", "dev", POSTROOM_URL=url, POSTROOM_TOKEN="prt_x")

    assert done.code == 1
    assert url in done.err


def test_a_url_that_is_none_is_explained(run: Run) -> None:
    done = run("show", "dev", POSTROOM_URL="mail.example.com", POSTROOM_TOKEN="prt_x")

    assert done.code == 1
    assert "POSTROOM_URL" in done.err


def test_what_is_no_postroom_is_told_apart(run: Run, remote: Run) -> None:
    done = remote("show", "dev", POSTROOM_URL=f"{remote.environment['POSTROOM_URL']}/somewhere")

    assert done.code == 1
    assert "POSTROOM_URL" in done.err


def test_what_does_not_speak_http_is_told_apart(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=_hang_up, args=(listener,))
        answering.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        done = run("show", "dev", POSTROOM_URL=url, POSTROOM_TOKEN="prt_x")

        answering.join()
    assert done.code == 1
    assert url in done.err


def _hang_up(listener: socket.socket) -> None:
    """Greet as a mail server does, and go."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"220 mail.example.test ESMTP\r\n")


def test_a_bad_token_is_said(remote: Run) -> None:
    done = remote("show", "dev", POSTROOM_TOKEN="prt_wrong")

    assert done.code == 1
    assert "access.unauthenticated" in done.err
    assert "prt_wrong" not in done.err


def test_other_tenants_do_not_exist(remote: Run) -> None:
    done = remote("show", "prod")

    assert done.code == 1
    assert "resource.not_found" in done.err


def test_a_tenants_name_cannot_lead_elsewhere(remote: Run) -> None:
    done = remote("show", "../tenants/dev")

    assert done.code == 1
