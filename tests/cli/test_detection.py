"""Auto-detect at the shell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Run
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer


@pytest.fixture(params=["here", "elsewhere"])
def work(request: pytest.FixtureRequest, run: Run) -> Run:
    """The command on the database here, and on a server elsewhere."""
    return run if request.param == "here" else request.getfixturevalue("remote")


def test_an_address_gives_what_to_fill_in_and_why(work: Run) -> None:
    done = work("detect", "ada@gmail.com")

    assert done.code == 0
    assert "Gmail  (smtp:gmail)" in done.out
    assert "host      smtp.gmail.com" in done.out
    assert "to type   App password" in done.out
    assert "because   Mailboxes in gmail.com are at Gmail." in done.out
    assert done.err == ""


def test_json_is_what_the_api_answers(work: Run) -> None:
    found = work("detect", "qq.com", "--json").json

    assert found["found"] is True
    assert found["candidates"][0]["preset"] == "qq"


def test_nothing_found_is_a_failure_that_says_what_to_do(work: Run) -> None:
    done = work("detect", f"127.0.0.1:{free_port()}")

    assert done.code == 1
    assert done.out == ""
    assert "detection.no_answer" in done.err
    assert "  1. " in done.err


def test_what_is_not_safe_is_named_with_its_reason(work: Run, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted(Script(offers_starttls=False))

    done = work("detect", f"127.0.0.1:{server.port}")

    assert done.code == 1
    assert "cannot be used" in done.out
    assert "reason    This server does not encrypt" in done.out


@pytest.mark.parametrize("typed", ["ada@", "two words", "https://mail.example.com", ""])
def test_what_cannot_be_looked_for_is_bad_input(work: Run, typed: str) -> None:
    done = work("detect", typed)

    assert done.code == 2
    assert done.out == ""


def test_a_tenant_that_is_not_there_is_said(work: Run) -> None:
    assert work("detect", "ada@gmail.com", "--tenant", "nowhere").code == 1


def test_another_tenant_can_be_named(run: Run) -> None:
    assert run("detect", "ada@gmail.com", "--tenant", "prod").code == 0
