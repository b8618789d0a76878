"""Which problem a token endpoint's refusal means: rules as data, the first that fits wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from webapp.connectors.authorization import NOT_UNDERSTOOD, RATE_LIMITED, SERVER_ERROR, TokenRefusedError
from webapp.connectors.smtp.granting import REFRESH, SERVICE


@dataclass(frozen=True, slots=True)
class TokenRule:
    """Fits when everything that it names fits: error and words as regular expressions, and the way to get access."""

    problem: str
    error: str = ""
    words: str = ""
    grant: str = ""

    def fits(self, refusal: TokenRefusedError, grant: str) -> bool:
        return (
            (not self.error or re.fullmatch(self.error, refusal.error) is not None)
            and (not self.words or re.search(self.words, refusal.description, re.IGNORECASE) is not None)
            and (not self.grant or self.grant == grant)
        )


TOKEN_RULES: Final = (
    TokenRule("smtp.token_not_understood", NOT_UNDERSTOOD),
    TokenRule("smtp.token_rate_limited", f"{RATE_LIMITED}|slow_down|too_many_requests|rate_limit_exceeded"),
    TokenRule("smtp.token_rate_limited", words=r"AADSTS(90055|50196)\b|rate limit|too many requests|quota exceeded"),
    TokenRule("smtp.token_server_trouble", f"{SERVER_ERROR}|temporarily_unavailable|internal_failure|backend_error"),
    # https://learn.microsoft.com/entra/identity-platform/reference-error-codes
    TokenRule("smtp.token_client_secret_expired", words=r"AADSTS7000222\b|secret(s| keys?)? .*\bexpired"),
    TokenRule("smtp.token_client_secret_wrong", words=r"AADSTS7000215\b"),
    TokenRule("smtp.token_tenant_unknown", words=r"AADSTS(90002|900021|900023|90013|50020)\b|tenant .* not found"),
    TokenRule("smtp.token_application_unknown", words=r"AADSTS(700016|7000112|7000114)\b"),
    TokenRule("smtp.token_consent_missing", words=r"AADSTS(65001|65004|650052|650057|90094|90095)\b"),
    TokenRule("smtp.token_consent_missing", "consent_required|access_not_configured"),
    TokenRule("smtp.token_sign_in_needed", words=r"AADSTS(50076|50079|50078|50158|53000|53003|530003|16000|50074)\b"),
    TokenRule("smtp.token_sign_in_needed", words=r"invalid_rapt|reauth related error"),
    TokenRule("smtp.token_sign_in_needed", "interaction_required|login_required|invalid_rapt"),
    TokenRule("smtp.token_clock_wrong", words=r"AADSTS700024\b|\biat\b|\bexp\b|short-lived token|clock"),
    TokenRule("smtp.token_clock_wrong", words=r"issued in the future|assertion .*expired", grant=SERVICE),
    TokenRule("smtp.token_scope_refused", "invalid_scope"),
    TokenRule("smtp.token_scope_refused", words=r"AADSTS(70011|1002012|28002|28003)\b|invalid (oauth )?scope"),
    # https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
    TokenRule("smtp.token_delegation_missing", "unauthorized_client|access_denied", grant=SERVICE),
    TokenRule("smtp.token_user_unknown", "invalid_grant", r"user id|valid email|'sub'|subject", SERVICE),
    TokenRule("smtp.token_key_refused", "invalid_grant|invalid_client|disabled_client|invalid_request", grant=SERVICE),
    TokenRule("smtp.token_refresh_ended", words=r"AADSTS(50173|700082|700084|70008|70043|50089|54005|9002313)\b"),
    TokenRule("smtp.token_application_unknown", "deleted_client|disabled_client|org_internal"),
    TokenRule(
        "smtp.token_application_unknown", "invalid_client", r"client was (not found|deleted|disabled)|no .*client"
    ),
    TokenRule("smtp.token_client_refused", "invalid_client"),
    TokenRule("smtp.token_refresh_ended", "invalid_grant", grant=REFRESH),
    TokenRule("smtp.token_grant_refused", "unauthorized_client|unsupported_grant_type|invalid_grant|access_denied"),
    TokenRule("smtp.token_client_refused", words=r"AADSTS70002[0-9]?\b|client (id|secret|authentication)"),
)


def diagnose_refusal(refusal: TokenRefusedError, grant: str) -> str:
    """Name the problem that a refusal means."""
    return next((rule.problem for rule in TOKEN_RULES if rule.fits(refusal, grant)), "smtp.token_refused")
