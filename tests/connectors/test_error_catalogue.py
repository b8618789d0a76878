"""The rules of all connectors together: what a provider says is decided by one, and leads to words and to steps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.connectors.test_contracts import contracts
from webapp.connectors import CONNECTORS
from webapp.connectors.api import Answer, ApiConnector
from webapp.connectors.config import settings_of
from webapp.connectors.network import Network
from webapp.connectors.recipe import Fix
from webapp.connectors.smtp import problems as smtp_problems
from webapp.connectors.smtp.rules import RULES as SMTP_RULES
from webapp.connectors.smtp.rules import Example
from webapp.connectors.smtp.rules import Rule as SmtpRule
from webapp.resources import resource

FOLDER = resource("templates").parent / "webapp" / "connectors"


@dataclass(frozen=True)
class Entry:
    """One rule, whoever's it is."""

    kind: str
    rule: Any
    decided: Callable[[Any], Any]
    """Gives the rule that decides a sample."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.rule.problem}: {_words(self.rule.fires)}"[:90]


def _words(sample: Any) -> str:
    return sample.line if isinstance(sample, Example) else f"{sample.phase} {sample.status} {sample.body}"


def _of_smtp() -> Iterator[Entry]:
    def decided(sample: Example, rule: SmtpRule) -> SmtpRule | None:
        logged_in = not (rule.without_login and sample is rule.fires)
        fitting = (each for each in SMTP_RULES if each.fits(sample.phase, sample.reply, sample.host, logged_in))
        return next(fitting, None)

    for rule in SMTP_RULES:
        yield Entry("smtp", rule, lambda sample, rule=rule: decided(sample, rule))


def _of_api(kind: str, connector: type[ApiConnector[Any]]) -> Iterator[Entry]:
    settings = next(contract.settings for contract in contracts(kind) if contract.connector is connector)
    talking = connector(connector.config_model.model_validate(settings), Network())

    def decided(sample: Any) -> Any:
        said = talking.said(Answer(sample.status, httpx2.Headers(), sample.body))
        return next((rule for rule in connector.rules if rule.fits(sample.phase, sample.status, said)), None)

    for rule in connector.rules:
        yield Entry(kind, rule, decided)


APIS = {kind: found for kind in CONNECTORS.ours if issubclass(found := CONNECTORS[kind], ApiConnector)}
ENTRIES = [*_of_smtp(), *(entry for kind, connector in APIS.items() for entry in _of_api(kind, connector))]
every_rule = pytest.mark.parametrize("entry", ENTRIES, ids=[f"{number}: {each}" for number, each in enumerate(ENTRIES)])
every_api = pytest.mark.parametrize("kind", APIS)


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 120


@every_api
def test_each_provider_has_its_own(kind: str) -> None:
    assert len([entry for entry in ENTRIES if entry.kind == kind]) >= 8


class TestRules:
    @every_rule
    def test_it_decides_its_sample(self, entry: Entry) -> None:
        assert entry.decided(entry.rule.fires) is entry.rule, "another rule stands before it, or it does not fit"

    @every_rule
    def test_it_spares_what_is_near(self, entry: Entry) -> None:
        assert entry.decided(entry.rule.spares) is not entry.rule
        # The same answer may mean something else to whoever has logged in.
        assert entry.rule.spares != entry.rule.fires or entry.rule.without_login

    @every_rule
    def test_its_problem_has_a_cause_and_steps(self, entry: Entry) -> None:
        recipe = CONNECTORS[entry.kind].known_problems()[entry.rule.problem]

        assert not str(recipe.title.template).endswith(".")
        assert recipe.cause.template.rstrip("”").endswith((".", "%(words)s", ":"))
        assert recipe.steps
        assert [step.template for step in recipe.steps if not step.template.endswith((".", "?"))] == []

    @pytest.mark.parametrize("kind", ["smtp", *APIS])
    def test_no_two_are_the_same(self, kind: str) -> None:
        without_samples = Counter(
            tuple(
                (name, str(getattr(entry.rule, name)))
                for name in type(entry.rule).__slots__
                if name not in ("problem", "fires", "spares", "fix")
            )
            for entry in ENTRIES
            if entry.kind == kind
        )

        assert [rule for rule, times in without_samples.items() if times > 1] == []

    @pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.toml")), ids=lambda path: str(path.relative_to(FOLDER)))
    def test_their_files_name_the_pages_that_samples_come_from(self, path: Path) -> None:
        comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]

        assert path.parent.name == "presets" or any("https://" in line or "RFC" in line for line in comments)


class TestRecipes:
    @every_api
    def test_each_is_used(self, kind: str) -> None:
        connector = APIS[kind]
        by_rules = {rule.problem for rule in connector.rules}
        name = kind.replace("-", "_")
        files = [*FOLDER.glob(f"{name}.py"), *FOLDER.glob(f"{name}_*.py"), *FOLDER.glob(f"{name}/*.py")]
        code = "".join(path.read_text(encoding="utf-8") for path in files)

        assert [each for each in connector.recipes if each not in by_rules and code.count(f'"{each}"') < 2] == []

    @every_api
    def test_each_has_the_name_of_its_provider(self, kind: str) -> None:
        assert [code for code in APIS[kind].recipes if not re.fullmatch(rf"({kind}|api)\.[a-z0-9_]+", code)] == []

    @every_api
    def test_each_can_be_told_with_the_facts_that_there_are(self, kind: str) -> None:
        connector = APIS[kind]
        settings = next(contract.settings for contract in contracts(kind) if contract.connector is connector)
        talking = connector(connector.config_model.model_validate(settings), Network())
        facts = {"host": "api", "sender": "a@b.c", "status": 400, "words": "no", **talking.facts()}

        for rule in connector.rules:
            problem = connector.known_problems()[rule.problem].problem(rule.problem, facts)
            told = [str(text) for text in (problem.title, problem.cause, *problem.steps)]
            assert [text for text in told if "%(" in text] == []


def _fixes() -> Iterator[tuple[str, Fix]]:
    for entry in ENTRIES:
        if getattr(entry.rule, "fix", None):
            yield entry.kind, entry.rule.fix
    for kind, connector in APIS.items():
        config = next(contract.settings for contract in contracts(kind) if contract.connector is connector)
        for endpoint in (None, *sorted(connector.official)):
            given = {**config, **({"endpoint": endpoint} if endpoint else {})}
            talking = connector(connector.config_model.model_validate(given), Network())
            for code in connector.known_problems():
                if fix := talking.remedy(code):
                    yield kind, fix
    for fix in vars(smtp_problems).values():
        if isinstance(fix, Fix):
            yield "smtp", fix


class TestFixes:
    def test_there_are_some(self) -> None:
        assert len(list(_fixes())) > 5

    def test_they_change_settings_that_exist(self) -> None:
        known = {kind: {each.name for each in settings_of(CONNECTORS[kind].config_model)} for kind in CONNECTORS.ours}

        strange = [
            (kind, key) for kind, fix in _fixes() for key, _ in fix.values if key.replace("/", ".") not in known[kind]
        ]

        assert strange == []

    def test_they_never_touch_a_secret(self) -> None:
        secret = {
            (kind, each.name)
            for kind in CONNECTORS.ours
            for each in settings_of(CONNECTORS[kind].config_model)
            if each.about.secret
        }

        assert [fix for kind, fix in _fixes() for key, _ in fix.values if (kind, key.replace("/", ".")) in secret] == []

    def test_they_never_lower_security(self) -> None:
        lower = [
            (kind, key, value)
            for kind, fix in _fixes()
            for key, value in fix.values
            if (key == "security" and value not in ("tls", "starttls"))
            or (key == "endpoint" and value not in APIS[kind].official)
            or (key in ("tls/verify", "signed") and value is not True)
            or (key == "allowInsecureAuth" and value is not False)
        ]

        assert lower == []

    def test_they_say_what_they_do(self) -> None:
        assert [fix for _, fix in _fixes() if not re.fullmatch(r"[A-Z].*[^.]", fix.label.template)] == []
