"""What every HTTP interface may answer, as problems. ``%(…)s`` are the facts: host, status, words and sender."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

SEE_WORDS: Final = T("Read the provider's own words below: they often name the reason or a page that explains it.")
TRY_AGAIN: Final = T("Try again in a few minutes.")
PROVIDER_STATUS: Final = T("If it goes on, look at the provider's status page.")
COPY_AGAIN: Final = T("Copy the key again at the provider, whole and without spaces, and paste it here.")

COMMON: Final[dict[str, Recipe]] = {
    "api.credentials_refused": Recipe(
        T("The provider does not accept the key"),
        T("“%(host)s” answered %(status)s: it does not know this key, or the key was deleted or belongs elsewhere."),
        (
            COPY_AGAIN,
            T("If it cannot be shown again, create a new one there."),
            T("Check that the key belongs to this region and to this account."),
        ),
    ),
    "api.not_allowed": Recipe(
        T("The key may not do this"),
        T("“%(host)s” answered %(status)s: it knows the key, but the key lacks a permission."),
        (SEE_WORDS, T("Give the key the permission to send mail, or create one that has it.")),
    ),
    "api.sender_refused": Recipe(
        T("The sender address is refused"),
        T("“%(host)s” does not let this account send as “%(sender)s”."),
        (
            T("At the provider, verify this address, or better its whole domain."),
            T("Or use a sender that is verified there already."),
        ),
    ),
    "api.recipient_refused": Recipe(
        T("The recipient's address is refused"),
        T("“%(host)s” does not send to this recipient."),
        (
            T("Check the address for a typing mistake."),
            SEE_WORDS,
            T("Look at the provider's list of suppressed addresses: it keeps those that bounced or complained."),
        ),
    ),
    "api.content_refused": Recipe(
        T("The provider refused what the mail says"),
        T("“%(host)s” answered %(status)s: something in subject, text or headers is not accepted."),
        (SEE_WORDS, T("Send the default template: if that passes, look for the difference in yours.")),
    ),
    "api.too_large": Recipe(
        T("The mail is too large"),
        T("“%(host)s” answered %(status)s: the mail is larger than it accepts."),
        (T("Make the template smaller: images that are embedded in the HTML weigh most. Link to them instead."),),
    ),
    "api.rate_limited": Recipe(
        T("Too many requests at a time"),
        T("“%(host)s” answered %(status)s: requests come faster than it allows."),
        (
            T("Wait a minute and try again."),
            T("Find out what else uses this account, and ask the provider to raise the limit if it is too small."),
        ),
        temporary=True,
    ),
    "api.quota_used_up": Recipe(
        T("The account's quota is used up"),
        T("“%(host)s” takes no more mail from this account until its quota opens again or is raised."),
        (
            T("Compare the day's or month's volume with your plan at the provider."),
            T("Raise the plan, or wait until the quota opens again."),
        ),
    ),
    "api.account_suspended": Recipe(
        T("The provider has stopped this account"),
        T("“%(host)s” answered that this account may not send at the moment."),
        (SEE_WORDS, T("Sign in at the provider: a message there mostly says why, and what to do.")),
    ),
    "api.not_found": Recipe(
        T("This address knows nothing of what was asked"),
        T("“%(host)s” answered %(status)s: nothing is there."),
        (T("Check the endpoint, and the names that you typed: they are looked up under it."), SEE_WORDS),
    ),
    "api.refused": Recipe(
        T("The provider refused"),
        T("“%(host)s” answered %(status)s, and will not change its mind by itself."),
        (SEE_WORDS, T("Look the words up in the provider's documentation, or ask its support.")),
    ),
    "api.unavailable": Recipe(
        T("The provider has a passing trouble"),
        T("“%(host)s” answered %(status)s: it cannot do this now, but may be able to later."),
        (TRY_AGAIN, PROVIDER_STATUS),
        temporary=True,
    ),
    "api.redirected": Recipe(
        T("The address leads somewhere else"),
        T("“%(host)s” answered %(status)s and named another address. Postroom does not take a secret there."),
        (T("Put the address in that answers itself. Look at the provider's documentation for the right one."),),
    ),
    "api.not_understood": Recipe(
        T("The answer is not this provider's"),
        T("“%(host)s” answered %(status)s with something that this provider does not say."),
        (
            T("Check the endpoint: a website, a proxy or a firewall may be answering in between."),
            SEE_WORDS,
        ),
    ),
    "api.maybe_sent": Recipe(
        T("The mail may have been sent"),
        T(
            "Postroom handed the mail to “%(host)s”, but no answer came back that says whether it was taken. So it "
            "may arrive, or not. Postroom does not send it again by itself, because it could arrive twice."
        ),
        (
            T("Look into the recipient's mailbox, and into the provider's log of sent mail."),
            T("If it did not arrive within a few minutes, send it again."),
        ),
    ),
}
"""Problem code to recipe. Every provider's own rules come first; these are what is left by the status alone."""


def by_status(status: int) -> str:
    """Name the problem of an answer that no rule of the provider explains."""
    if status == 401:
        return "api.credentials_refused"
    if status == 403:
        return "api.not_allowed"
    if status == 404:
        return "api.not_found"
    if status == 413:
        return "api.too_large"
    if status == 429:
        return "api.rate_limited"
    if 300 <= status < 400:
        return "api.redirected"
    if status >= 500 or status == 408:
        return "api.unavailable"
    return "api.refused" if status >= 400 else "api.not_understood"
