"""What goes wrong between us and a mail server that could be reached: one recipe for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from webapp.connectors.recipe import Fix, fixed
from webapp.connectors.smtp.advice import steps_for
from webapp.connectors.smtp.endings import ENDINGS
from webapp.connectors.smtp.login_recipes import LOGIN
from webapp.connectors.smtp.recipes import CONVERSATION
from webapp.connectors.smtp.token_recipes import TOKEN
from webapp.domain.problem import Problem
from webapp.domain.text import T

RECIPES: Final = CONVERSATION | LOGIN | TOKEN | ENDINGS
"""Every problem code of this connector, beside those of the network, and its recipe."""

PLAIN_PORTS: Final = (25, 587, 2525)
"""Ports where the conversation begins in clear and STARTTLS follows."""

TLS_PORT: Final = 465


USE_STARTTLS: Final = Fix(T("Use STARTTLS"), (("security", "starttls"),))
USE_TLS: Final = Fix(T("Use TLS"), (("security", "tls"),))
USE_TLS_AT_465: Final = Fix(T("Use TLS at port 465"), (("security", "tls"), ("port", 465)))
USE_STARTTLS_AT_587: Final = Fix(T("Use STARTTLS at port 587"), (("security", "starttls"), ("port", 587)))
VERIFY: Final = Fix(T("Verify it"), (("tls/verify", True),))
USE_PORT_587: Final = Fix(T("Use port 587"), (("port", 587),))

_ABOUT_CREDENTIALS: Final = frozenset({"smtp.credentials_rejected", "smtp.app_password_needed", "smtp.auth_disabled"})


_FIXES: Final = {
    "smtp.tls_expected": USE_TLS,
    "smtp.tls_on_plain_port": USE_STARTTLS,
    "smtp.tls_required": USE_STARTTLS,
}


def problem(code: str, facts: Mapping[str, object], *, fix: Fix | None = None, temporary: bool = False) -> Problem:
    """Make a problem of its recipe; ``temporary`` adds to what the recipe says."""
    recipe = RECIPES[code]
    if code in _ABOUT_CREDENTIALS:
        recipe = replace(recipe, steps=(*steps_for(str(facts.get("host", ""))), *recipe.steps))
    if temporary:
        recipe = replace(recipe, temporary=True)
    return fixed(recipe.problem(code, facts), fix)


def fix_for(code: str, *, port: int, security: str, starttls_offered: bool = False) -> Fix | None:
    """Choose the change that mends a problem, if one is likely to."""
    if code in ("smtp.timeout_greeting", "smtp.connection_dropped_greeting"):
        # A server that speaks TLS from the first byte waits for us, while we wait for it.
        return USE_TLS if security != "tls" and port not in PLAIN_PORTS else None
    if code in _FIXES:
        return _FIXES[code]
    if code == "smtp.starttls_not_offered":
        return USE_TLS_AT_465 if port in PLAIN_PORTS else None
    if code in ("smtp.auth_not_offered", "smtp.xoauth2_not_offered", "smtp.credentials_in_clear"):
        return USE_STARTTLS if starttls_offered else None
    if code == "network.connect_timeout" and port == 25:
        return USE_PORT_587
    return None
