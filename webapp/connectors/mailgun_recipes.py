"""What Mailgun may answer beyond that which all providers do, and what a domain there may lack."""

from __future__ import annotations

from typing import Final

from webapp.connectors.api_recipes import SEE_WORDS
from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_RECORDS: Final = T(
    "At Mailgun, open Sending, Domains, this domain, DNS records. Enter what is missing at your DNS provider, then "
    "press Verify. It can take some hours."
)
_OWN_DOMAIN: Final = T("Add a domain of your own at Mailgun, and put it in here.")

RECIPES: Final[dict[str, Recipe]] = {
    "mailgun.domain_not_found": Recipe(
        T("Mailgun does not know this domain"),
        T("“%(host)s” has no domain “%(domain)s” that this key belongs to. Each domain lives in one region only."),
        (
            T("At Mailgun, see in which region the domain is, and choose the endpoint of that region."),
            T("Compare the name letter by letter: a domain “mg.example.com” is not “example.com”."),
            T("If the key was made for another domain or a subaccount, take one of this domain."),
        ),
    ),
    "mailgun.domain_unverified": Recipe(
        T("The domain is not verified yet"),
        T("Mailgun sends for “%(domain)s” once it finds these DNS records: %(records)s."),
        (_RECORDS,),
    ),
    "mailgun.not_verified": Recipe(
        T("The domain is not verified yet"),
        T("Mailgun does not send for “%(domain)s”, because it has not found its DNS records."),
        (_RECORDS,),
    ),
    "mailgun.domain_disabled": Recipe(
        T("Mailgun has switched this domain off"),
        T("Mailgun does not send for “%(domain)s” at the moment. It says: %(reason)s."),
        (
            T("Sign in at Mailgun: a message there mostly says why, and what to do."),
            T("Look at the bounces and complaints of this domain before you ask Mailgun's support to switch it on."),
        ),
    ),
    "mailgun.not_allowed_to_send": Recipe(
        T("Mailgun does not let this domain send"),
        T("“%(host)s” answered %(status)s: it does not send for “%(domain)s” at the moment."),
        (SEE_WORDS, T("Sign in at Mailgun: a message there mostly says why, and what to do.")),
    ),
    "mailgun.not_activated": Recipe(
        T("The Mailgun account is not activated"),
        T("Mailgun waits for the link in its activation mail to be opened."),
        (
            T("Open the mail from Mailgun, and follow its link."),
            T("If it is lost, sign in at Mailgun and have it sent again."),
        ),
    ),
    "mailgun.recipient_not_authorized": Recipe(
        T("This test domain may not send to this recipient"),
        T("Mailgun's sandbox domains and free accounts send only to a few recipients that agreed to it beforehand."),
        (
            T("To try it, add the recipient under Authorized recipients at Mailgun, and have them follow the link."),
            _OWN_DOMAIN,
        ),
    ),
    "mailgun.limit_reached": Recipe(
        T("The domain's sending limit is reached"),
        T("Mailgun takes no more mail for “%(domain)s” until its limit opens again."),
        (
            T("Read the provider's own words below: they often say from when on it takes mail again."),
            T("New and unverified domains have low limits. Ask Mailgun's support to raise yours."),
        ),
        temporary=True,
    ),
    "mailgun.template_not_found": Recipe(
        T("Mailgun has no such template"),
        T("The template is to be made by one that is stored at Mailgun, but “%(domain)s” has none of that name."),
        (
            T("At Mailgun, open Sending, Templates, choose this domain, and compare the name."),
            T("Put the right name into the template here, or let the mail be made here."),
        ),
    ),
    "mailgun.variables_refused": Recipe(
        T("The values for the stored template are refused"),
        T("Mailgun could not read the values that go with the template stored there."),
        (SEE_WORDS, T("Check the template's variables here, and how the template at Mailgun uses them.")),
    ),
    "mailgun.header_refused": Recipe(
        T("A custom header is refused"),
        T("Mailgun does not accept one of the custom headers."),
        (SEE_WORDS, T("Take the header out of Custom headers, under Advanced.")),
    ),
    "mailgun.options_too_large": Recipe(
        T("Headers and values are too large"),
        T("Mailgun takes 16 kB of headers, options and template values with one mail. This mail has more."),
        (
            T("Use fewer or shorter custom headers."),
            T("With a stored template, give it fewer variables, and have the application send a smaller payload."),
        ),
    ),
    "mailgun.address_not_allowed": Recipe(
        T("Mailgun does not send from the chosen IP address"),
        T("“%(host)s” answered that the IP address that this domain sends from may not be used."),
        (T("At Mailgun, look at the domain's sending IPs, and assign one that is active."),),
    ),
    "mailgun.domain_not_read": Recipe(
        T("The domain could not be read"),
        T(
            "Mailgun knows the key, but it may only send. That is the right kind of key; the check just cannot see the "
            "state of “%(domain)s”."
        ),
        (T("Send a test: it shows whether the domain may send."),),
    ),
    "mailgun.sandbox_domain": Recipe(
        T("This is a sandbox domain"),
        T("“%(domain)s” is for trying out: it sends to a few authorized recipients only."),
        (T("Before real people are to get mail, add a domain of your own at Mailgun, and put it in here."),),
    ),
    "mailgun.record_missing": Recipe(
        T("A DNS record of the domain is missing"),
        T("Mailgun sends, but does not find: %(records)s. Without them mail lands in spam more often."),
        (_RECORDS,),
    ),
    "mailgun.sender_elsewhere": Recipe(
        T("The sender belongs to another domain"),
        T(
            "Mails come from “%(sender_domain)s”, but Mailgun signs them for “%(domain)s”. Where the sender's domain "
            "has a DMARC policy, recipients' servers may refuse them."
        ),
        (
            T("Use a sender in “%(domain)s”, or in the domain that it is a part of."),
            T("Or add the sender's own domain at Mailgun, and put it in here."),
        ),
    ),
}
"""Problem code to recipe."""
