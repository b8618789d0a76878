"""The catalogue: ours, others by entry points, and what is left out without harm to anybody."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from webapp.connectors.catalogue import Catalogue
from webapp.connectors.smtp import SmtpConnector

GOOD = """
from webapp.connectors.api import ApiConnector
from webapp.connectors.config import Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.domain.text import T


class Config(EndpointConfig):
    endpoint: Endpoint = setting("https://api.example.com", title=T("Endpoint"), destination=True)
    '''Where it answers.'''
    key: Secret = setting(title=T("Key"), secret=True)
    '''What it knows us by.'''


class Pigeons(ApiConnector[Config]):
    kind = "pigeons"
    made_for = 1
    title = "Pigeons"
    summary = T("Choose this when nothing else flies.")
    config_model = Config

    async def examine(self, api): ...

    async def submit(self, api, mail): ...
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package in Python's way: its entry points and the code of its one module."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, entry_points: dict[str, str], code: str = GOOD) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)
        about = tmp_path / f"{name}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{kind} = {name}:{attribute}" for kind, attribute in entry_points.items()]
        (about / "entry_points.txt").write_text("\n".join(["[postroom.connectors]", *lines, ""]))

    return put


def catalogue() -> Catalogue:
    return Catalogue({"smtp": SmtpConnector})


class TestGoodPackages:
    def test_they_come_after_ours(self, install: Install) -> None:
        install("good_pigeons", {"pigeons": "Pigeons"})

        found = catalogue()

        assert list(found) == ["smtp", "pigeons"]
        assert [connector.title for connector in found.others()] == ["Pigeons"]
        assert found.left_out == ()

    def test_they_are_not_loaded_before_somebody_looks(self, install: Install) -> None:
        install("late_pigeons", {"pigeons": "Pigeons"})

        found = catalogue()
        before = "late_pigeons" in sys.modules, found["smtp"], "late_pigeons" in sys.modules

        assert before == (False, SmtpConnector, False)
        assert "pigeons" in found
        assert "late_pigeons" in sys.modules

    def test_many_threads_see_the_same(self, install: Install) -> None:
        install("watched_pigeons", {"pigeons": "Pigeons"}, f"import time\ntime.sleep(0.05)\n{GOOD}")
        found, seen = catalogue(), []
        threads = [threading.Thread(target=lambda: seen.append(list(found))) for _ in range(8)]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [["smtp", "pigeons"]] * 8

    def test_a_package_may_look_into_the_catalogue_while_it_is_loaded(self, install: Install) -> None:
        install(
            "curious_pigeons",
            {"pigeons": "Pigeons"},
            f"from webapp.connectors import CONNECTORS\nlist(CONNECTORS)\n{GOOD}",
        )

        assert "pigeons" in catalogue()


BROKEN = {
    "it cannot be imported": ("Pigeons", "import nowhere_to_be_found", "It cannot be loaded: ModuleNotFoundError"),
    "it has a mistake": ("Pigeons", "def (:", "It cannot be loaded: SyntaxError"),
    "it ends the process": ("Pigeons", "raise SystemExit(1)", "It cannot be loaded: SystemExit"),
    "it lacks the name": ("Doves", GOOD, "It cannot be loaded: AttributeError"),
    "it is no class": ("Pigeons", "Pigeons = 1", "is not a complete subclass of Connector"),
    "it is another class": ("Pigeons", "class Pigeons: ...", "is not a complete subclass of Connector"),
    "it is abstract": (
        "Pigeons",
        "from webapp.connectors.api import ApiConnector\nclass Pigeons(ApiConnector): ...",
        "is not a complete subclass of Connector",
    ),
    "it is of an older version": ("Pigeons", GOOD.replace("made_for = 1", "made_for = 0"), "for version 0 of"),
    "it is of a newer version": ("Pigeons", GOOD.replace("made_for = 1", "made_for = 2"), "for version 2 of"),
    "its kind is another": ("Pigeons", GOOD.replace('"pigeons"', '"doves"'), "its entry point says “pigeons”"),
    "it has no kind": ("Pigeons", GOOD.replace("kind =", "sort ="), "It cannot say what it is: AttributeError"),
    "it has no settings": (
        "Pigeons",
        GOOD.replace("model = Config", "model = dict"),
        "Its settings are no ConnectorConfig",
    ),
    "its summary cannot be translated": ("Pigeons", GOOD.replace('T("Choose', '("Choose'), "no title, no summary"),
    "its group is unknown": ("Pigeons", f"{GOOD}\n    group = 'birds'", "Its group is none of: own, service"),
    "its presets fail": (
        "Pigeons",
        f"{GOOD}\n    presets = classmethod(lambda cls: 1 / 0)",
        "It cannot say what it is: ZeroDivisionError",
    ),
}


class TestBrokenPackages:
    @pytest.mark.parametrize("fault", BROKEN)
    def test_they_are_left_out_with_the_reason(
        self, install: Install, caplog: pytest.LogCaptureFixture, fault: str
    ) -> None:
        attribute, code, why = BROKEN[fault]
        module = f"broken_{list(BROKEN).index(fault)}"
        install(module, {"pigeons": attribute}, code)

        with caplog.at_level(logging.WARNING):
            found = catalogue()
            (left_out,) = found.left_out

        assert list(found) == ["smtp"]
        assert why in str(left_out.why)
        assert (left_out.kind, left_out.package) == ("pigeons", f"{module} 1.2")
        assert f"connector pigeons of {module} 1.2 is left out" in caplog.text

    def test_the_others_are_offered_all_the_same(self, install: Install) -> None:
        install("bad_doves", {"doves": "Doves"}, "1 / 0")
        install("fine_pigeons", {"pigeons": "Pigeons"})

        found = catalogue()

        assert list(found) == ["smtp", "pigeons"]
        assert [each.kind for each in found.left_out] == ["doves"]

    def test_they_cannot_replace_one_of_ours(self, install: Install) -> None:
        install("thieves", {"smtp": "Pigeons"}, GOOD.replace('"pigeons"', '"smtp"'))

        found = catalogue()

        assert found["smtp"] is SmtpConnector
        assert found.others() == []
        assert [(each.kind, str(each.why)) for each in found.left_out] == [
            ("smtp", "Postroom has a connector of this name itself, and it cannot be replaced.")
        ]

    def test_of_two_with_one_name_the_first_is_offered(self, install: Install) -> None:
        install("a_pigeons", {"pigeons": "Pigeons"})
        install("b_pigeons", {"pigeons": "Pigeons"})

        found = catalogue()

        assert found["pigeons"].__module__ == "a_pigeons"
        assert [each.package for each in found.left_out] == ["b_pigeons 1.2"]
