"""connector new: the files of a package, whose test fails exactly where there is something to write."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tests.environments import ROOT, PythonEnvironment
from webapp.cli import main
from webapp.connectors import CONNECTORS

pytestmark = [pytest.mark.xdist_group("connector new"), pytest.mark.timeout(300)]

UNWRITTEN = {
    "nothing_is_left_to_write[module]": "TODO: a request that only reads",
    "nothing_is_left_to_write[guide]": "TODO: where to create one, with a link",
    "nothing_is_left_to_write[test]": "# TODO: what it answers when the key is wrong",
    **{
        f"a_trouble_of_sending_has_its_name[{name}]": f"say in `troubles` how the provider answers: {name}"
        for name in ("credentials refused", "mail refused", "too many requests", "provider down")
    },
    **{
        f"a_check_meets_the_same_trouble[{name}]": f"say in `troubles` how the provider answers: {name}"
        for name in ("credentials refused", "too many requests", "provider down")
    },
    **{
        f"a_trouble_is_explained_and_keeps_secrets[{name}]": f"say in `troubles` how the provider answers: {name}"
        for name in ("credentials refused", "mail refused", "too many requests", "provider down")
    },
    "a_provider_that_repeats_the_secret_is_not_quoted": "say in `troubles` how the provider answers",
}
"""What fails in a package as it is written, and what the failure says."""

TROUBLES = """    troubles = {
        "credentials refused": Trouble("api.credentials_refused", Reply(401, {"message": "unknown key"})),
        "mail refused": Trouble("api.refused", Reply(422, {"message": "no such address"})),
        "too many requests": Trouble("api.rate_limited", Reply(429, {"message": "slow down"}), temporary=True),
        "provider down": Trouble("api.unavailable", Reply(503, {"message": "back soon"}), temporary=True),
    }
"""


def new(folder: Path, name: str = "carrier-doves") -> Path:
    done = CliRunner().invoke(main, ["connector", "new", name, "--into", str(folder)])
    assert done.exit_code == 0, done.output
    return folder / f"postroom-{name}"


def written(package: Path) -> set[str]:
    return {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> PythonEnvironment:
    return PythonEnvironment.make(tmp_path_factory.mktemp("environment") / "with-doves")


class TestFiles:
    def test_there_are_four(self, tmp_path: Path) -> None:
        assert written(new(tmp_path)) == {
            "pyproject.toml",
            "postroom_carrier_doves/__init__.py",
            "postroom_carrier_doves/carrier-doves.md",
            "tests/test_carrier_doves.py",
        }

    def test_they_are_printed_and_what_comes_next_is_said_beside_it(self, tmp_path: Path) -> None:
        done = CliRunner().invoke(main, ["connector", "new", "doves", "--into", str(tmp_path)])

        assert [Path(line).is_file() for line in done.stdout.splitlines()] == [True] * 4
        assert "pip install --editable ." in done.stderr

    @pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"]])
    def test_their_code_is_clean(self, tmp_path: Path, tool: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *tool, "--no-cache", "."], cwd=new(tmp_path), capture_output=True, text=True
        )

        assert done.returncode == 0, done.stdout + done.stderr

    def test_its_types_are_right(self, tmp_path: Path) -> None:
        package = new(tmp_path)

        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path / 'cache'}", "postroom_carrier_doves"],
            cwd=package,
            env={"MYPYPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stdout + done.stderr


class TestRefusals:
    @pytest.mark.parametrize(
        "name", ["", "x", "Doves", "carrier_doves", "-doves", "doves-", "a--b", "1-dove", "../doves", "d" * 41, "täube"]
    )
    def test_a_name_that_cannot_be_one(self, tmp_path: Path, name: str) -> None:
        done = CliRunner().invoke(main, ["connector", "new", "--into", str(tmp_path), "--", name])

        assert done.exit_code == 2
        assert "cannot be its name" in done.stderr
        assert written(tmp_path) == set()

    @pytest.mark.parametrize("kind", sorted(CONNECTORS.ours))
    def test_a_name_of_ours(self, tmp_path: Path, kind: str) -> None:
        done = CliRunner().invoke(main, ["connector", "new", kind, "--into", str(tmp_path)])

        assert done.exit_code == 2
        assert "cannot be replaced" in done.stderr
        assert written(tmp_path) == set()

    def test_a_folder_that_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "postroom-doves").mkdir()

        done = CliRunner().invoke(main, ["connector", "new", "doves", "--into", str(tmp_path)])

        assert done.exit_code == 2
        assert "is there already. Nothing was written." in done.stderr
        assert written(tmp_path) == set()


class TestItsTest:
    def test_it_fails_exactly_where_there_is_something_to_write(
        self, environment: PythonEnvironment, tmp_path: Path
    ) -> None:
        package = new(tmp_path)
        environment.install(package, tmp_path / "sources")

        failed = self.failures(environment, package)

        assert sorted(failed) == sorted(UNWRITTEN)
        assert [name for name, words in UNWRITTEN.items() if words not in failed[name]] == []

    def test_with_the_blanks_filled_in_it_passes(self, environment: PythonEnvironment, tmp_path: Path) -> None:
        package = new(tmp_path)
        self.fill_in(package)
        environment.install(package, tmp_path / "sources")

        assert self.failures(environment, package) == {}

    def fill_in(self, package: Path) -> None:
        """Write what is missing, as an author would."""
        module = package / "postroom_carrier_doves" / "__init__.py"
        code = module.read_text().replace("TODO: who should take this provider, in one sentence", "you keep doves")
        module.write_text(_without_notes(code))
        guide = package / "postroom_carrier_doves" / "carrier-doves.md"
        guide.write_text(re.sub(r"TODO: .*", "Ask the keeper of the doves.", guide.read_text()))
        test = package / "tests" / "test_carrier_doves.py"
        code = test.read_text().replace("    troubles = {}\n", TROUBLES).replace("Reply\n", "Reply, Trouble\n")
        test.write_text(_without_notes(re.sub(r'    # "\w.*\n', "", code)))

    def failures(self, environment: PythonEnvironment, package: Path) -> dict[str, str]:
        """The tests that fail, by their names without ``test_``, and what the failure says."""
        report = package / "report.xml"
        done = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", cwd=package)
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314  pytest has just written it
        assert len(cases) > 100, done.stdout + done.stderr
        assert [case.get("name") for case in cases if case.find("error") is not None] == []
        failed = {str(case.get("name")): case.find("failure") for case in cases}
        return {name.removeprefix("test_"): str(each.text) for name, each in failed.items() if each is not None}


def _without_notes(code: str) -> str:
    return re.sub(r"  # TODO: .*|^ *# TODO: .*\n", "", code, flags=re.MULTILINE)
