"""What Postmark may answer, as problems."""

from __future__ import annotations

from typing import Final

from webapp.connectors.api_recipes import SEE_WORDS
from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_SIGNATURES: Final = T("Open “Sender Signatures” at https://account.postmarkapp.com/signature_domains.")
_SUPPORT: Final = T("Ask Postmark's support when in doubt: support@postmarkapp.com.")
_STREAMS: Final = T("Open the server at Postmark: its page “Message Streams” shows each stream with its ID.")

RECIPES: Final[dict[str, Recipe]] = {
    "postmark.token_refused": Recipe(
        T("Postmark does not accept the server token"),
        T("“%(host)s” does not know this token, or it is the token of an account: only a server's token sends mail."),
        (
            T("Open the server at Postmark, then “API Tokens”, and copy the Server API token."),
            T("Paste it here whole, without blanks."),
            T("If the token was replaced there, copy the new one."),
        ),
    ),
    "postmark.test_token": Recipe(
        T("The test token delivers nothing"),
        T("With the token POSTMARK_API_TEST Postmark looks at a mail and then throws it away. Nobody receives it."),
        (T("Use the Server API token of a server of your own before anybody relies on this."),),
    ),
    "postmark.sandbox_server": Recipe(
        T("This server delivers nothing"),
        T(
            "The server “%(server)s” is of Postmark's type Sandbox: it takes mail and shows it in its activity, but "
            "nobody receives it."
        ),
        (
            T("For real mail make a server of the type Live, and use its token. The type of a server cannot change."),
            T("If you want no real mail, all is well."),
        ),
    ),
    "postmark.sender_not_examined": Recipe(
        T("The sender could not be checked"),
        T(
            "A server token may not read whether “%(sender)s” is confirmed at Postmark, nor whether the account is "
            "approved yet. Token, server and stream are fine."
        ),
        (T("Send a test: it shows both."),),
    ),
    "postmark.sender_unknown": Recipe(
        T("Postmark does not know the sender address"),
        T("“%(sender)s” is no sender signature of this account, and its domain is not verified there."),
        (
            _SIGNATURES,
            T("Add the domain, or the single address, and confirm it."),
            T("Or use a sender that is listed there already."),
        ),
    ),
    "postmark.sender_not_confirmed": Recipe(
        T("The sender address is not confirmed yet"),
        T("Postmark knows “%(sender)s”, but still waits for the confirmation."),
        (
            T("Open the link in the mail that Postmark sent to this address."),
            T("If it is gone: press “Resend confirmation” on the page of sender signatures."),
            T("Or verify the whole domain, which needs no mailbox."),
        ),
    ),
    "postmark.account_pending": Recipe(
        T("Postmark has not approved the account yet"),
        T("Until then it sends only to addresses in the sender's own domain."),
        (
            T("To try it now, send the test to an address in the sender's domain."),
            T("Ask for approval at Postmark: a note on its first page leads there."),
        ),
    ),
    "postmark.account_may_not_send": Recipe(
        T("Postmark does not let this account send"),
        T("The account is not approved for sending, or Postmark has stopped it."),
        (T("Sign in at Postmark and read the message there."), _SUPPORT),
    ),
    "postmark.out_of_credits": Recipe(
        T("The account may not send any more mail"),
        T("Postmark says “not allowed to send”: the plan's volume or its credits are used up, or it was not paid."),
        (T("Sign in at Postmark and look at the plan and its invoices."), SEE_WORDS),
    ),
    "postmark.inactive_recipient": Recipe(
        T("Postmark does not send to this recipient any more"),
        T("Mail to this address bounced or was reported as spam before, so Postmark keeps it as inactive."),
        (
            T("Look for the address under “Suppressions” in the stream, and reactivate it if it is right."),
            T("After a spam complaint only Postmark's support can do that."),
            T("Check the address for a typing mistake."),
        ),
    ),
    "postmark.invalid_request": Recipe(
        T("Postmark finds a mistake in the mail"),
        T("“%(host)s” did not take the mail, because one of its fields is not valid. Its words name the field."),
        (
            SEE_WORDS,
            T("Check the recipient's address and the sender: Postmark takes no umlauts or other signs before the @."),
            T("Then look at the subject and the template."),
        ),
    ),
    "postmark.template_unknown": Recipe(
        T("There is no such template at Postmark"),
        T("The server that the token belongs to has no template of this alias or number."),
        (
            T("Open the server at Postmark, then “Templates”, and compare the alias. It is not the template's name."),
            T("Templates belong to a server: copy it to this one if it stands in another."),
        ),
    ),
    "postmark.template_refused": Recipe(
        T("Postmark cannot fill the template"),
        T("The template at Postmark and the values that were sent with it do not fit together."),
        (
            SEE_WORDS,
            T("Compare the names in the template with the payload: “code” for a code, “link” for an invitation."),
        ),
    ),
    "postmark.stream_not_found": Recipe(
        T("There is no such message stream"),
        T("The server has no stream with the ID “%(stream)s”."),
        (_STREAMS, T("Give the ID as message stream, not the name that stands above it.")),
    ),
    "postmark.stream_archived": Recipe(
        T("The message stream is archived"),
        T("The stream “%(stream)s” takes no more mail, and Postmark deletes it some time after."),
        (T("Restore it at Postmark, or name another stream."), _STREAMS),
    ),
    "postmark.stream_only_receives": Recipe(
        T("This stream cannot send"),
        T("The stream “%(stream)s” is there to receive mail."),
        (T("Name a transactional stream instead, such as “outbound”."), _STREAMS),
    ),
    "postmark.broadcast_stream": Recipe(
        T("This stream is for broadcasts"),
        T(
            "Postmark sends what goes through the stream “%(stream)s” from its servers for newsletters, slower, with a "
            "way to unsubscribe. Codes belong in a transactional stream."
        ),
        (T("Name a transactional stream, such as “outbound”."), _STREAMS),
    ),
    "postmark.maintenance": Recipe(
        T("Postmark is being maintained"),
        T("“%(host)s” says that it takes no requests for the moment."),
        (T("Try again in a few minutes."), T("Look at https://status.postmarkapp.com.")),
        temporary=True,
    ),
}
"""Problem code to recipe."""
