"""Watches the whole suite for leaking secrets.

Every secret that a test types contains ``CANARY``. When the run ends no file that Postroom wrote may contain it, in
clear or in an encoding; no test's log, output or traceback may either; and ``WatchedClient`` looks at every answer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

CANARY = "5ecret-canary"
"""Part of every secret in the tests."""

WATCHED_SUFFIXES = (".db", ".db-wal", ".db-shm", ".log", ".sqlite")


def encodings(secret: str) -> Iterator[bytes]:
    """The ways in which a secret may stand in a file."""
    raw = secret.encode()
    yield raw
    yield quote(secret).encode()
    yield raw.hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\x00" * shift + raw)
        # The first and last groups depend on the neighbours; what lies between is the same wherever the secret stands.
        yield encoded[4 if shift else 0 : -4]


FORMS = tuple(encodings(CANARY))


def leaks(content: bytes) -> bool:
    """Whether a secret stands in these bytes, in clear or encoded."""
    return any(form in content for form in FORMS)


class WatchedClient(FlaskClient):
    """A test client that refuses to receive a secret."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if not response.is_streamed:
            watched = response.get_data() + str(response.headers).encode()
            assert not leaks(watched), f"{response.request.path} answered with a secret"
        return response


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    told = "\n".join(text for title, text in report.sections if title.endswith(report.when))
    if report.passed and leaks(told.encode()) and "expects_leak" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = "the test's log or output contains a secret:\n" + told
    return report


_found: list[str] = []


def pytest_testnodedown(node: Any, error: object) -> None:
    """Gather what the workers of pytest-xdist found."""
    _found.extend(getattr(node, "workeroutput", {}).get("secrets_found", []))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None:
        _found.extend(str(path) for path in _written(factory.getbasetemp()) if leaks(path.read_bytes()))
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["secrets_found"] = _found
    elif _found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for path in sorted(set(_found)):
        terminalreporter.write_line(f"a secret stands in clear in {path}", red=True)


def _written(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.name.endswith(WATCHED_SUFFIXES))
