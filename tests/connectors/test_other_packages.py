"""A connector that another package brings: installed for real, in an environment of its own, and used there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.environments import ROOT, PythonEnvironment
from webapp.connectors import CONNECTORS
from webapp.connectors.contract import Reply, StandIn

EXAMPLE = ROOT / "tests" / "example_connector"
WHISTLE = f"{CANARY}-tune"
pytestmark = [pytest.mark.xdist_group("other packages"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> PythonEnvironment:
    """An environment with Postroom and the example."""
    environment = PythonEnvironment.make(tmp_path_factory.mktemp("environment") / "with-pigeons")
    environment.install(EXAMPLE, tmp_path_factory.mktemp("sources"))
    return environment


@pytest.fixture(scope="module")
def here(installed: PythonEnvironment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of an installation there."""
    variables = {
        "POSTROOM_DATA_DIR": str(tmp_path_factory.mktemp("installation") / "instance"),
        "POSTROOM_ALLOWED_NETWORKS": "127.0.0.0/8",
        "POSTROOM_SANDBOX_SMTP_PORT": "0",
    }
    password = f"{CANARY} a violet pad\n"
    installed.postroom("init", "--email", "ada@example.com", "--password-stdin", typed=password, **variables)
    return variables


@pytest.fixture
def broken(installed: PythonEnvironment) -> Iterator[None]:
    """A package that fails when it is loaded, installed for a while."""
    module, about = installed.packages / "broken_ravens.py", installed.packages / "broken_ravens-3.1.dist-info"
    module.write_text("1 / 0\n")
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-ravens\nVersion: 3.1\n")
    (about / "entry_points.txt").write_text("[postroom.connectors]\nravens = broken_ravens:Ravens\n")
    yield
    module.unlink()
    shutil.rmtree(about)


@pytest.fixture
def loft() -> Iterator[StandIn]:
    answers = {
        "GET /lofts/north-tower": Reply(200, {"pigeons": 2}),
        "POST /lofts/north-tower/letters": Reply(202, {"letter": {"ring": "P-4711"}}),
    }
    with StandIn(answers) as stand_in:
        yield stand_in


class TestTheExample:
    def test_it_is_in_the_catalogue_with_its_settings_and_its_guide(
        self, installed: PythonEnvironment, here: dict[str, str]
    ) -> None:
        shown = json.loads(installed.postroom("providers", "pigeon-post", "--json", **here))

        assert shown["title"] == "Pigeon Post"
        assert "whistle" in shown["configSchema"]["properties"]
        assert "There is no such loft." in shown["guide"]
        assert "<th" in shown["guide"]

    def test_it_comes_after_ours(self, installed: PythonEnvironment, here: dict[str, str]) -> None:
        listed = [each["kind"] for each in json.loads(installed.postroom("providers", "--json", **here))]

        assert listed == [*CONNECTORS.ours, "pigeon-post"]

    def test_doctor_names_it(self, installed: PythonEnvironment, here: dict[str, str]) -> None:
        said = installed.postroom("doctor", **here)

        assert "pigeon-post: offered by postroom_pigeon_post." in said

    def test_it_keeps_the_contract(self, installed: PythonEnvironment, tmp_path: Path) -> None:
        shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")

        done = installed.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests", cwd=tmp_path)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_check_and_a_test_send_reach_the_provider(
        self, installed: PythonEnvironment, here: dict[str, str], loft: StandIn, tmp_path: Path
    ) -> None:
        setup = tmp_path / "setup.json"
        config = {
            "endpoint": loft.url,
            "whistle": WHISTLE,
            "loft": "north-tower",
            "fromEmail": "Acme <no-reply@example.com>",
        }
        setup.write_text(json.dumps({"connector": {"provider": "pigeon-post", "config": config}}))

        checked = json.loads(installed.postroom("check", "dev", "--file", str(setup), "--json", **here))
        sent = json.loads(
            installed.postroom("test-send", "dev", "--to", "ada@example.com", "--file", str(setup), "--json", **here)
        )

        assert checked["ok"]
        assert [phase["phase"] for phase in checked["phases"]] == ["resolve", "connect", "auth", "account"]
        assert (sent["ok"], sent["providerMessageId"]) == (True, "P-4711")
        (letter,) = loft.matching({"POST /lofts/north-tower/letters": Reply()})
        assert letter.header("X-Whistle") == WHISTLE
        assert letter.json["to"] == "ada@example.com"
        assert "000000" in letter.json["text"]

    def test_the_console_shows_card_form_guide_and_logo(self, installed: PythonEnvironment) -> None:
        there = str(ROOT / "tests" / "web" / "with_the_example.py")

        done = installed.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), there)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_broken_one_beside_it_is_named_by_doctor_and_harms_nobody(
        self, installed: PythonEnvironment, here: dict[str, str], broken: None
    ) -> None:
        doctor = installed.run("-c", "from webapp.cli import main; main()", "doctor", **here)
        listed = [each["kind"] for each in json.loads(installed.postroom("providers", "--json", **here))]

        assert doctor.returncode == 1
        assert "ravens of broken-ravens 3.1 is left out. It cannot be loaded: ZeroDivisionError" in doctor.stdout
        assert listed == [*CONNECTORS.ours, "pigeon-post"]

    def test_it_changed_no_file_of_ours(self) -> None:
        named = subprocess.run(
            ["grep", "-rliE", "pigeon", "webapp", "templates", "static", "migrations"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        ).stdout.splitlines()

        # The one word of it that stands elsewhere is the example of a name in the help of `postroom connector new`.
        assert [name for name in named if "__pycache__" not in name] == ["webapp/cli/connector.py"]
