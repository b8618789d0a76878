"""What a provider wants as credentials is said where its login fails, and nowhere else."""

import pytest

from webapp.connectors.base import Preset
from webapp.connectors.smtp.advice import ADVICE, Advice, steps_for
from webapp.connectors.smtp.presets import presets

every_advice = pytest.mark.parametrize("advice", ADVICE, ids=lambda advice: advice.fires)


@every_advice
def test_it_is_given_for_the_providers_server_and_not_for_a_similar_name(advice: Advice) -> None:
    assert advice.step in steps_for(advice.fires)
    assert advice.step not in steps_for(advice.spares)


@every_advice
def test_it_is_a_sentence(advice: Advice) -> None:
    assert str(advice.step).endswith(".")
    assert "!" not in str(advice.step)


@pytest.mark.parametrize("preset", [each for each in presets() if each.kind != "own"], ids=lambda preset: preset.id)
def test_every_provider_of_the_cards_has_one_at_each_of_its_servers(preset: Preset) -> None:
    hosts = {
        config["host"]
        for config in (preset.config, *(other.config for other in preset.alternatives))
        if "host" in config
    }

    # Mailtrap's sandbox shows user name and password together; there is nothing to mix up.
    without = {host for host in hosts if len(steps_for(host)) != 1} - {"sandbox.smtp.mailtrap.io"}
    assert without == set()


def test_a_server_that_nobody_knows_has_none() -> None:
    assert steps_for("mail.example.com") == ()
