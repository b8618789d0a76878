"""What goes wrong when somebody signs in by another system, in words for them and for the operator."""

from __future__ import annotations

from typing import Final

from joserfc.errors import JoseError

from webapp.domain.problem import Problem
from webapp.domain.text import T, Text

_OPERATOR: Final = T("If it stays so, tell the operator of this console.")


def not_begun_here() -> Problem:
    """What comes back does not belong to a sign-in of this browser."""
    return Problem(
        "openid.not_begun_here",
        T("This sign-in was not begun in this browser"),
        T("It took too long, was finished once already, or began somewhere else. Nobody was signed in."),
        (T("Begin anew."),),
    )


def unreachable(issuer: str, what: Text, why: Text) -> Problem:
    """It cannot be asked, or has trouble of its own."""
    return Problem(
        "openid.unreachable",
        T("The sign-in provider does not answer"),
        T("%(issuer)s cannot be asked now. %(what)s: %(why)s", issuer=issuer, what=what, why=why),
        (T("Try again in a few minutes."), _OPERATOR),
        temporary=True,
    )


def odd(issuer: str, why: object) -> Problem:
    """It answers, but not as such a provider does."""
    return Problem(
        "openid.not_understood",
        T("The sign-in provider is not understood"),
        T("%(issuer)s answered, but %(why)s.", issuer=issuer, why=why),
        (T("Operator: check that POSTROOM_OIDC_ISSUER is the provider's issuer, as its documentation gives it."),),
    )


def other_issuer(issuer: str, named: str) -> Problem:
    """Its name is another one than the operator wrote."""
    return Problem(
        "openid.other_issuer",
        T("The sign-in provider has another name"),
        T("It calls itself %(named)s, and this console was told %(issuer)s.", named=named, issuer=issuer),
        (T("Operator: set POSTROOM_OIDC_ISSUER to exactly what the provider calls itself, the final slash included."),),
    )


def refused(issuer: str, error: str, words: str) -> Problem:
    """It says no, in its own words."""
    # What stands in the address can be written by anybody, so it is quoted and short.
    said = " ".join(f"{error}: {words}".split()).strip(": ")[:160]
    if error == "access_denied":
        return Problem(
            "openid.denied",
            T("You were not signed in"),
            T("The sign-in was cancelled, or the provider does not let this account use this console."),
            (T("Try again, or ask whoever runs %(issuer)s.", issuer=issuer),),
        )
    return Problem(
        "openid.refused",
        T("The sign-in provider refused"),
        T("%(issuer)s said: “%(said)s”.", issuer=issuer, said=said or "…"),
        (
            T("Try again."),
            T("Operator: check the client's id, secret and redirect address, which ends in /sign-in/openid/done."),
        ),
    )


def distrusted(issuer: str, why: object) -> Problem:
    """What it says of the person proves nothing."""
    return Problem(
        "openid.not_proven",
        T("The sign-in provider's answer proves nothing"),
        T("Nobody was signed in, because of what %(issuer)s answered: %(why)s.", issuer=issuer, why=why),
        (T("Try again."), _OPERATOR),
    )


def fault(exc: JoseError) -> Text:
    """What an ID token lacks."""
    match exc.error:
        case "expired_token":
            return T("its ID token has expired; is a clock wrong?")
        case "bad_signature" | "invalid_key_id":
            return T("its ID token is not signed with one of its keys")
        case "invalid_claim" | "missing_claim":
            return T("in its ID token “%(claim)s” is missing or wrong", claim=getattr(exc, "claim", ""))
        case _:
            return T("its ID token is not valid (%(error)s)", error=exc.error)
