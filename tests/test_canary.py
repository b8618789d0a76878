"""The watch itself: it must bark."""

import base64

import pytest

from tests.canary import CANARY, leaks

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc"])
def test_it_sees_a_secret_in_base64_wherever_it_stands(prefix: str) -> None:
    encoded = base64.b64encode(f"\0user\0{prefix}{CANARY}".encode())

    assert leaks(b"AUTH PLAIN " + encoded)


def test_it_fails_a_run_that_writes_a_secret_to_a_database(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"def test_it(tmp_path): (tmp_path / 'x.db').write_text('{CANARY}')")

    result = pytester.runpytest_subprocess("-p", "tests.canary", "-c", "/dev/null")

    for written in pytester.path.rglob("x.db"):
        written.unlink()  # so that the outer run does not bark too
    assert result.ret == 1
    result.stdout.fnmatch_lines(["a secret stands in clear in *x.db"])


@pytest.mark.expects_leak
def test_it_fails_a_test_that_logs_a_secret(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"import logging\ndef test_it(): logging.warning('password {CANARY}')")

    result = pytester.runpytest_subprocess("-p", "tests.canary", "-c", "/dev/null")

    result.assert_outcomes(failed=1)


def test_a_clean_run_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(tmp_path): (tmp_path / 'x.db').write_text('sealed')")

    result = pytester.runpytest_subprocess("-p", "tests.canary", "-c", "/dev/null")

    result.assert_outcomes(passed=1)
