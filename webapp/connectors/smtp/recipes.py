"""What a mail server may answer, the login aside, as problems. ``%(…)s`` are the facts: host, user and more."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

PROVIDER_STATUS: Final = T("If it goes on, look at your provider's status page.")
TRY_AGAIN: Final = T("Try again in a few minutes.")
SEE_WORDS: Final = T("Read the server's own words below: they often name the reason or a page that explains it.")

_OPENING: Final[dict[str, Recipe]] = {
    "smtp.not_smtp": Recipe(
        T("This is not a mail server"),
        T("Something answers at “%(host)s” port %(port)s, but it does not speak SMTP. It said “%(banner)s”."),
        (
            T("Use the provider's server for sending (SMTP), not the one for reading (IMAP, POP3) or its website."),
            T("Check the port: mail is handed in at 587 (STARTTLS) or 465 (TLS)."),
        ),
    ),
    "smtp.blocked": Recipe(
        T("The server blocks this machine's address"),
        T("“%(host)s” does not talk to the address that Postroom connects from: it is on a block list."),
        (
            SEE_WORDS,
            T("Use the provider's submission port, 587 or 465: lists mostly apply to port 25."),
            T("Ask the list named in the answer to remove the address, or send from another one."),
        ),
    ),
    "smtp.greeting_refused": Recipe(
        T("The server does not want to talk to us"),
        T("“%(host)s” port %(port)s answered the connection with a refusal instead of a greeting."),
        (
            SEE_WORDS,
            T("Use port 587 or 465: port 25 is often open to known servers only."),
            T("Ask the provider whether it accepts connections from your network."),
        ),
    ),
    "smtp.tls_on_plain_port": Recipe(
        T("The server does not speak TLS at this port"),
        T("Postroom began with TLS, but “%(host)s” port %(port)s begins in clear and encrypts later, with STARTTLS."),
        (
            T("Choose STARTTLS as security for this port."),
            T("Or keep TLS and use the port that your provider names for it, mostly 465."),
        ),
    ),
    "smtp.tls_expected": Recipe(
        T("The server expects TLS from the first byte"),
        T("Postroom began in clear, but “%(host)s” port %(port)s speaks only TLS."),
        (
            T("Choose TLS as security for this port."),
            T("Or keep STARTTLS and use port 587."),
        ),
    ),
    "smtp.ehlo_refused": Recipe(
        T("The server does not accept our name"),
        T("Postroom introduced itself as “%(name)s” (EHLO), and “%(host)s” refused that."),
        (
            T("Set “EHLO name” under Advanced to a host name of yours, in plain ASCII, such as mail.example.com."),
            T("If it is set already, check it: some servers want a name that exists in DNS."),
        ),
    ),
    "smtp.starttls_not_offered": Recipe(
        T("The server does not offer STARTTLS"),
        T(
            "“%(host)s” port %(port)s does not offer to encrypt. Postroom stops here, because you asked for STARTTLS: "
            "someone on the way may also have removed the offer."
        ),
        (
            T("Use TLS at port 465 if your provider has it."),
            T("If the server is yours, install a certificate and switch STARTTLS on."),
            T("If it worked until today, find out what changed before you send a password there."),
        ),
    ),
    "smtp.starttls_refused": Recipe(
        T("The server could not start TLS"),
        T("“%(host)s” port %(port)s offers STARTTLS, but refused it when asked. Mostly its certificate is not set up."),
        (
            TRY_AGAIN,
            T("Use TLS at port 465 if your provider has it."),
            T("If the server is yours, look into its log for the certificate that it failed to load."),
        ),
    ),
}

_ENVELOPE: Final[dict[str, Recipe]] = {
    "smtp.sender_refused": Recipe(
        T("The sender address is refused"),
        T("“%(host)s” does not let this account send as “%(sender)s”."),
        (
            T("Use the address of the account, or one that it may send as."),
            T("At the provider, verify the address or its domain as a sender."),
            T("Check that the domain after the @ exists and is spelled right."),
        ),
    ),
    "smtp.sender_unauthenticated": Recipe(
        T("The sender's domain does not vouch for this server"),
        T("“%(host)s” wants mail of “%(sender)s” to be vouched for by its domain (SPF, DKIM, DMARC), and it is not."),
        (
            T("At your provider, open the page on domain authentication and add the DNS records that it shows."),
            T("Wait until DNS has spread them, up to an hour, and try again."),
        ),
    ),
    "smtp.recipient_refused": Recipe(
        T("The recipient's address is refused"),
        T("“%(host)s” says that it cannot deliver to this recipient: the mailbox does not exist or takes no mail."),
        (
            T("Check the address for a typing mistake."),
            T("Send a test to another address, for example your own."),
            T("Test accounts at some providers may send only to addresses that were confirmed there."),
        ),
    ),
    "smtp.relaying_denied": Recipe(
        T("The server does not pass mail on for us"),
        T("“%(host)s” accepts mail for its own domains only, or does not know us, and refused to relay."),
        (
            T("Log in with user name and password, at port 587 or 465."),
            T("If the server should know this machine by its address, add the address to those it relays for."),
        ),
    ),
    "smtp.greylisted": Recipe(
        T("The server asks us to come again later (greylisting)"),
        T("“%(host)s” holds off senders that it has not seen before, and takes the mail at the next attempt."),
        (
            T("Wait five minutes and try again; the second attempt mostly succeeds."),
            T("For codes that people wait for, hand mail to a provider after logging in: those do not greylist."),
        ),
        temporary=True,
    ),
    "smtp.too_many_connections": Recipe(
        T("Too many connections"),
        T("“%(host)s” accepts no further connection from this address or account at the moment."),
        (
            T("Try again in a minute."),
            T("Find out what else sends through this account or from this address."),
            T("Ask the provider how many connections at a time your plan allows."),
        ),
        temporary=True,
    ),
    "smtp.rate_limited": Recipe(
        T("The provider's sending limit is reached"),
        T("“%(host)s” takes no more from this account now: too much mail in an hour or a day, or too many attempts."),
        (
            T("Wait until the limit opens again; the server's words may say when."),
            T("Compare your volume with the limits of your plan, and raise it if it is too small."),
        ),
        temporary=True,
    ),
    "smtp.reverse_dns_missing": Recipe(
        T("The server wants a name for this machine's address"),
        T("“%(host)s” looked up the address that Postroom connects from and found no host name for it (reverse DNS)."),
        (
            T("Hand mail in at port 587 or 465 after logging in: there the address does not matter."),
            T("Otherwise ask your hosting provider to set a reverse DNS name for this machine's address."),
        ),
    ),
    "smtp.mailbox_full": Recipe(
        T("The recipient's mailbox is full"),
        T("“%(host)s” refused the mail because the recipient's mailbox has no room left."),
        (T("Ask the recipient to make room, or send to another address."),),
    ),
    "smtp.message_too_large": Recipe(
        T("The mail is too large"),
        T("The mail has %(size)s bytes, more than “%(host)s” accepts."),
        (
            T("Make the template smaller: images that are embedded in the HTML weigh most. Link to them instead."),
            T("Ask the provider whether the limit can be raised."),
        ),
    ),
    "smtp.content_rejected": Recipe(
        T("The server rejected what the mail says"),
        T("“%(host)s” examined the mail and refused it as spam, as harmful or against its rules."),
        (
            SEE_WORDS,
            T("Send the default template: if that passes, look for the link, word or attachment in yours."),
            T("Check that the domain of “%(sender)s” is authenticated at the provider (SPF, DKIM, DMARC)."),
        ),
    ),
    "smtp.smtputf8_not_offered": Recipe(
        T("The server cannot carry this address"),
        T("An address of this mail has letters beyond ASCII before the @, and “%(host)s” does not offer SMTPUTF8."),
        (
            T("Use an address with ASCII letters before the @; the domain may have any letters."),
            T("Otherwise choose a provider that offers SMTPUTF8."),
        ),
    ),
    "smtp.no_answer_after_data": Recipe(
        T("The mail may have been sent"),
        T(
            "Postroom handed the whole mail to “%(host)s”, but no answer came back that says whether it was taken. "
            "So it may arrive, or not. Postroom does not send it again by itself, because it could arrive twice."
        ),
        (
            T("Look into the recipient's mailbox, and into the provider's log of sent mail."),
            T("If it did not arrive within a few minutes, send it again."),
            T("If this happens often, raise “Answer time-out” under Advanced: the server examines mail for longer."),
        ),
    ),
    "smtp.temporary_failure": Recipe(
        T("The server has a passing trouble"),
        T("“%(host)s” answered %(command)s with %(reply)s: it cannot do this now, but may be able to later."),
        (SEE_WORDS, TRY_AGAIN, PROVIDER_STATUS),
        temporary=True,
    ),
    "smtp.refused": Recipe(
        T("The server refused"),
        T("“%(host)s” answered %(command)s with %(reply)s, and will not change its mind by itself."),
        (SEE_WORDS, T("Look the code up in your provider's documentation, or ask its support.")),
    ),
    "smtp.not_understood": Recipe(
        T("The server's answer makes no sense"),
        T("“%(host)s” answered %(command)s with %(reply)s, which SMTP does not provide for there."),
        (
            T("Check server and port: a proxy, a firewall or an antivirus may be answering in between."),
            T("If the server is yours, look into its log."),
        ),
    ),
}

CONVERSATION: Final[dict[str, Recipe]] = {**_OPENING, **_ENVELOPE}
"""Problem code to recipe, for what a server says of anything but the login."""
