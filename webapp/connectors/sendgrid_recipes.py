"""What SendGrid may answer beyond that which all providers do, and what its account may lack."""

from __future__ import annotations

from typing import Final

from webapp.connectors.api_recipes import SEE_WORDS
from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_VERIFY: Final = T(
    "At SendGrid, open Settings, Sender Authentication, and authenticate the domain, or verify this one address."
)
_TEST: Final = T("Send a test: that is the last word on it.")

RECIPES: Final[dict[str, Recipe]] = {
    "sendgrid.no_mail_send": Recipe(
        T("The key may not send mail"),
        T("SendGrid knows the key, but the permission Mail Send is not among what it may do."),
        (
            T("At SendGrid, open Settings, API Keys, edit this key, and give it full access to Mail Send."),
            T("Or create a new key with only that permission, and put it in here."),
        ),
    ),
    "sendgrid.may_not_send": Recipe(
        T("SendGrid does not let this key send"),
        T("SendGrid knows the key, but answered that its owner may not send mail."),
        (
            T("At SendGrid, see whether the key has the permission Mail Send."),
            T("See whether the account is under review or its trial is over: SendGrid shows it after you sign in."),
            T("If the key belongs to a subuser, see whether the parent account has disabled it."),
        ),
    ),
    "sendgrid.wrong_region": Recipe(
        T("The key belongs to another region"),
        T("“%(host)s” answered that the owner of this key does not send in its region."),
        (
            T("Choose the EU endpoint for the key of an EU subuser, and the global endpoint for any other."),
            T("Or create a key in the account of the region that you want."),
        ),
    ),
    "sendgrid.address_not_allowed": Recipe(
        T("SendGrid does not accept requests from this machine"),
        T("The account has IP Access Management switched on, and the address of this machine is not on its list."),
        (
            T("Find out the public address from which this machine reaches the internet."),
            T("At SendGrid, open Settings, IP Access Management, and add it."),
        ),
    ),
    "sendgrid.blocked_for_a_while": Recipe(
        T("SendGrid has shut its door for a while"),
        T("“%(host)s” answered %(status)s: too many bad requests came before, so it refuses all for some time."),
        (
            T("Wait some minutes before you try again."),
            T("Find out what else uses this account with wrong requests."),
        ),
        temporary=True,
    ),
    "sendgrid.sender_not_verified": Recipe(
        T("The sender is not verified at SendGrid"),
        T("SendGrid sends only as verified addresses and authenticated domains. “%(sender)s” is neither."),
        (_VERIFY, T("Or use a sender that is listed there.")),
    ),
    "sendgrid.sender_not_listed": Recipe(
        T("The sender is not verified at SendGrid"),
        T("SendGrid lists neither “%(sender)s” nor its domain among those that this account may send as."),
        (
            _VERIFY,
            T("Or use a sender that is listed there."),
            T("If the key belongs to a subuser that sends with its parent account's domain, send a test instead."),
        ),
    ),
    "sendgrid.sender_unconfirmed": Recipe(
        T("The sender's address is not confirmed yet"),
        T("SendGrid wrote to “%(sender)s” and waits for the link in that mail to be opened."),
        (
            T("Open the mail from SendGrid in that mailbox, and follow its link."),
            T("If it is lost, send it again: Settings, Sender Authentication, at the address."),
        ),
    ),
    "sendgrid.domain_not_valid": Recipe(
        T("The sender's domain is not authenticated yet"),
        T("SendGrid knows “%(domain)s”, but has not found its DNS records."),
        (
            T("At SendGrid, open Settings, Sender Authentication, and look at the records of this domain."),
            T("Enter them at your DNS provider as they are shown, and press Verify. It can take some hours."),
        ),
    ),
    "sendgrid.reply_to_refused": Recipe(
        T("The reply-to address is refused"),
        T("SendGrid does not accept the address that answers should go to."),
        (T("Check Reply to here, and in the template if it has its own."), SEE_WORDS),
    ),
    "sendgrid.header_refused": Recipe(
        T("A custom header is refused"),
        T("SendGrid does not accept one of the custom headers: it writes it itself, or its name or text is wrong."),
        (SEE_WORDS, T("Take the header out of Custom headers, under Advanced.")),
    ),
    "sendgrid.key_can_do_more": Recipe(
        T("The key can do more than send"),
        T("It has %(count)s permissions to change things in your account, such as %(examples)s. Sending needs none."),
        (
            T("At SendGrid, create a key with Restricted Access and only Mail Send, and put it in here."),
            T("Then delete this one, if nothing else uses it."),
        ),
    ),
    "sendgrid.credits_low": Recipe(
        T("Few mails are left"),
        T(
            "%(left)s of %(total)s mails are left until %(reset)s. After that SendGrid refuses, or bills each mail, as "
            "your plan says."
        ),
        (T("Compare your volume with the plan at SendGrid, and raise it in time."),),
    ),
    "sendgrid.senders_not_read": Recipe(
        T("The verified senders could not be read"),
        T("This key may not list them all, which is fine for sending. So it is open whether “%(sender)s” is one."),
        (_TEST,),
    ),
    "sendgrid.sender_not_needed": Recipe(
        T("The sender is not verified at SendGrid"),
        T(
            "SendGrid lists neither “%(sender)s” nor its domain, but lets this account send all the same. Such mail is "
            "not signed for the domain and often lands in spam."
        ),
        (_VERIFY,),
    ),
    "sendgrid.sender_below_domain": Recipe(
        T("Only the domain above the sender's is authenticated"),
        T("SendGrid has authenticated “%(domain)s”; “%(sender)s” lies in a domain below it."),
        (_TEST, T("If it is refused, authenticate the sender's own domain at SendGrid.")),
    ),
}
"""Problem code to recipe."""
