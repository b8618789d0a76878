"""One check or one send of a connector by HTTP against a stand-in, with everything that came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.connectors.smtp_attempt import LOOPBACK_ONLY, Attempt
from webapp.connectors.api import ApiConnector
from webapp.connectors.base import Means
from webapp.connectors.contract import Asked, Reply, StandIn
from webapp.connectors.http import Patience
from webapp.connectors.network import Network
from webapp.domain.message import DeliveryError, Mail, Trace

IN_HASTE = Patience(answer=0.5)
USUAL = Patience()
NO_MEANS = Means()


def attempt(
    kind: type[ApiConnector[Any]],
    settings: Mapping[str, Any],
    answers: Mapping[str, Reply],
    mail: Mail | None = None,
    *,
    means: Means = NO_MEANS,
    patience: Patience = USUAL,
) -> tuple[Attempt, list[Asked]]:
    """Send a mail, or check where there is none, against a provider that answers so."""
    with StandIn(answers) as provider:
        return over(kind, {**settings, "endpoint": provider.url}, mail, means=means, patience=patience), provider.asked


def over(
    kind: type[ApiConnector[Any]],
    settings: Mapping[str, Any],
    mail: Mail | None = None,
    *,
    means: Means = NO_MEANS,
    patience: Patience = USUAL,
) -> Attempt:
    """Send a mail, or check where there is none, over these settings."""
    connector = kind(kind.config_model.model_validate(settings), Network(LOOPBACK_ONLY), means)
    connector.patience = patience  # type: ignore[misc]  the class's own, for this one
    trace = Trace()
    try:
        return Attempt(trace, asyncio.run(connector.send(mail, trace) if mail else connector.check(trace)))
    except DeliveryError as error:
        return Attempt(trace, None, error)


def cautions(tried: Attempt) -> list[str]:
    """What a check that went well has to tell."""
    assert tried.error is None, tried.everything
    for problem in tried.trace.cautions:
        assert problem.steps
        assert all("%(" not in str(text) for text in (problem.title, problem.cause, *problem.steps))
    return [problem.code for problem in tried.trace.cautions]


def words(tried: Attempt) -> str:
    """All that the admin reads of the problem."""
    assert tried.error is not None, "it went well"
    problem = tried.error.problem
    return "\n".join(str(text) for text in (problem.title, problem.cause, *problem.steps))
