"""Each rule about a token endpoint's refusal, with an answer that it decides and one that is near and not for it."""

from typing import Final

import pytest

from webapp.connectors.authorization import NOT_UNDERSTOOD, RATE_LIMITED, SERVER_ERROR, TokenRefusedError
from webapp.connectors.smtp.granting import CREDENTIALS, REFRESH, SERVICE
from webapp.connectors.smtp.problems import RECIPES
from webapp.connectors.smtp.token_rules import TOKEN_RULES, TokenRule, diagnose_refusal

Refusal = tuple[str, str, str]
"""Error, words, and the way to get access."""

EXAMPLES: Final[list[tuple[Refusal, Refusal]]] = [
    ((NOT_UNDERSTOOD, "", REFRESH), ("invalid_request", "", REFRESH)),
    (("slow_down", "", REFRESH), ("invalid_grant", "", REFRESH)),
    (("invalid_request", "AADSTS90055: throttled", CREDENTIALS), ("invalid_request", "AADSTS900555", CREDENTIALS)),
    (("temporarily_unavailable", "", REFRESH), ("unavailable", "", REFRESH)),
    (
        ("invalid_client", "AADSTS7000222: The provided client secret keys for app are expired.", CREDENTIALS),
        ("invalid_client", "AADSTS7000215: Invalid client secret provided.", CREDENTIALS),
    ),
    (
        ("invalid_client", "AADSTS7000215: Invalid client secret provided.", CREDENTIALS),
        ("invalid_client", "AADSTS70002151", CREDENTIALS),
    ),
    (
        ("invalid_request", "AADSTS90002: Tenant 'contoso' not found.", CREDENTIALS),
        ("invalid_request", "AADSTS900024: The tenant is there.", CREDENTIALS),
    ),
    (
        ("unauthorized_client", "AADSTS700016: Application was not found in the directory.", CREDENTIALS),
        ("unauthorized_client", "AADSTS70001: Application", CREDENTIALS),
    ),
    (
        ("invalid_grant", "AADSTS65001: The user or administrator has not consented.", REFRESH),
        ("invalid_grant", "AADSTS6500", REFRESH),
    ),
    (("consent_required", "", REFRESH), ("interaction_required", "", REFRESH)),
    (
        ("invalid_grant", "AADSTS50076: you must use multi-factor authentication.", REFRESH),
        ("invalid_grant", "AADSTS5007", REFRESH),
    ),
    (("invalid_grant", "reauth related error (invalid_rapt)", REFRESH), ("invalid_grant", "Bad Request", REFRESH)),
    (("login_required", "", REFRESH), ("consent_required", "", REFRESH)),
    (
        ("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)", SERVICE),
        ("invalid_grant", "Invalid JWT Signature.", SERVICE),
    ),
    (
        ("invalid_grant", "The assertion has expired", SERVICE),
        ("invalid_grant", "The assertion has expired", REFRESH),
    ),
    (("invalid_scope", "", SERVICE), ("invalid_grant", "", SERVICE)),
    (
        ("invalid_request", "AADSTS70011: The provided value for scope is not valid.", REFRESH),
        ("invalid_request", "AADSTS700110", REFRESH),
    ),
    (
        ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method.", SERVICE),
        ("unauthorized_client", "Unauthorized", REFRESH),
    ),
    (("invalid_grant", "Invalid email or User ID", SERVICE), ("invalid_grant", "Invalid email or User ID", REFRESH)),
    (("invalid_grant", "Invalid JWT Signature.", SERVICE), ("invalid_grant", "Invalid JWT Signature.", REFRESH)),
    (
        ("interaction_needed", "AADSTS700082: The refresh token has expired due to inactivity.", REFRESH),
        ("interaction_needed", "AADSTS70008222", REFRESH),
    ),
    (("deleted_client", "The OAuth client was deleted.", REFRESH), ("invalid_client", "Unauthorized", REFRESH)),
    (("invalid_client", "The OAuth client was not found.", REFRESH), ("invalid_client", "Unauthorized", REFRESH)),
    (("invalid_client", "Unauthorized", REFRESH), ("unauthorized_client", "Unauthorized", REFRESH)),
    (("invalid_grant", "Token has been expired or revoked.", REFRESH), ("invalid_grant", "", CREDENTIALS)),
    (("unsupported_grant_type", "", CREDENTIALS), ("unsupported_token_type", "", CREDENTIALS)),
    (("invalid_request", "Could not determine client ID from request.", REFRESH), ("invalid_request", "", REFRESH)),
]


def refusal(told: Refusal) -> tuple[TokenRefusedError, str]:
    error, words, grant = told
    return TokenRefusedError(error, words), grant


def test_no_rule_is_without_examples() -> None:
    assert len(EXAMPLES) == len(TOKEN_RULES)


@pytest.mark.parametrize(
    ("rule", "examples"), list(zip(TOKEN_RULES, EXAMPLES, strict=False)), ids=lambda each: str(each)[:60]
)
class TestRule:
    def test_it_decides_its_own_example(self, rule: TokenRule, examples: tuple[Refusal, Refusal]) -> None:
        told, grant = refusal(examples[0])

        assert next(each for each in TOKEN_RULES if each.fits(told, grant)) is rule
        assert diagnose_refusal(told, grant) == rule.problem

    def test_it_spares_what_is_near(self, rule: TokenRule, examples: tuple[Refusal, Refusal]) -> None:
        told, grant = refusal(examples[1])

        assert not rule.fits(told, grant)

    def test_it_leads_to_a_recipe(self, rule: TokenRule, examples: tuple[Refusal, Refusal]) -> None:
        assert rule.problem in RECIPES


@pytest.mark.parametrize("error", [RATE_LIMITED, SERVER_ERROR, NOT_UNDERSTOOD])
def test_what_we_say_ourselves_of_an_answer_is_known(error: str) -> None:
    assert diagnose_refusal(TokenRefusedError(error, ""), REFRESH) != "smtp.token_refused"


def test_a_refusal_in_words_that_nobody_knows_is_a_refusal() -> None:
    assert diagnose_refusal(TokenRefusedError("not_on_sundays", ""), REFRESH) == "smtp.token_refused"
