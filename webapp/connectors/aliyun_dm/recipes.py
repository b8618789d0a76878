"""What goes wrong with Aliyun Direct Mail, and what mends it."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_CONSOLE: Final = T("Open the Direct Mail console in this region, Overview: it shows the account's state.")
_REGION: Final = T("Compare the region at the top of the console with the region here: each has its own addresses.")
_ONE_PLACE: Final = T("What the key may do is a RAM policy of its user; the guide beside the form has one to copy.")

RECIPES: Final[dict[str, Recipe]] = {
    "aliyun-dm.key_unknown": Recipe(
        T("Alibaba Cloud does not know this AccessKey"),
        T("“%(host)s” answered that the AccessKey ID does not exist: it was mistyped, or deleted."),
        (
            T("Compare the ID with the list under RAM, Users, Authentication. It begins with LTAI."),
            T(
                "Accounts of the Chinese and the international site are separate: use a key of the account that has "
                "the sender."
            ),
            T("If in doubt, create a new AccessKey there and type both values here."),
        ),
    ),
    "aliyun-dm.key_inactive": Recipe(
        T("The AccessKey is switched off"),
        T("“%(host)s” knows the AccessKey, but it is disabled."),
        (T("Enable it under RAM, Users, Authentication, or create another."),),
    ),
    "aliyun-dm.secret_wrong": Recipe(
        T("The secret does not belong to the AccessKey"),
        T("Alibaba Cloud knows the AccessKey ID, but the signature made with this secret is not the one it expects."),
        (
            T("Type the secret again, whole and without spaces. It is not the SMTP password."),
            T("It is shown only once. If it is lost, create a new AccessKey and delete the old one."),
        ),
    ),
    "aliyun-dm.clock_wrong": Recipe(
        T("This machine's clock is wrong"),
        T("Alibaba Cloud refuses requests whose time differs by more than 15 minutes from its own: “%(words)s”"),
        (
            T("Set the clock of the machine that Postroom runs on, and let it be kept by NTP."),
            T("In a container or virtual machine the clock of the host counts."),
        ),
    ),
    "aliyun-dm.repeated": Recipe(
        T("Something repeats requests on the way"),
        T(
            "“%(host)s” had this very request already. Each of ours carries a number of its own, so a proxy between "
            "here and there sent it twice. The first one may have been carried out."
        ),
        (
            T("Look into the recipient's mailbox before you send again."),
            T("Find the proxy or firewall that repeats requests, and stop it from doing so."),
        ),
    ),
    "aliyun-dm.not_allowed": Recipe(
        T("The AccessKey may not do this"),
        T("Alibaba Cloud knows the key and refused what it asked for: “%(words)s”"),
        (T("Allow dm:SingleSendMail to its RAM user."), _ONE_PLACE),
    ),
    "aliyun-dm.account_unreadable": Recipe(
        T("The state of the account could not be read"),
        T(
            "The key works, but it may not read the account. So Postroom cannot tell whether it is frozen, in "
            "arrears, or out of quota."
        ),
        (T("Allow dm:DescAccountSummary to the key, or send a test mail to be sure."), _ONE_PLACE),
    ),
    "aliyun-dm.sender_unreadable": Recipe(
        T("The state of the sender could not be read"),
        T(
            "The key works, but it may not read the sender addresses. So Postroom cannot tell whether “%(sender)s” is "
            "one of them and may be used."
        ),
        (T("Allow dm:QueryMailAddressByParam to the key, or send a test mail to be sure."), _ONE_PLACE),
    ),
    "aliyun-dm.account_frozen": Recipe(
        T("The account is frozen"),
        T("Direct Mail reports the state %(state)s for this account: it may not send."),
        (_CONSOLE, T("Open a ticket with Alibaba Cloud if the console does not say why.")),
    ),
    "aliyun-dm.sending_restricted": Recipe(
        T("The account may not send at the moment"),
        T(
            "Direct Mail has restricted what this account sends (state %(state)s). Too many bounces or complaints "
            "are the usual reason."
        ),
        (_CONSOLE, T("Open a ticket with Alibaba Cloud if the console does not say why.")),
    ),
    "aliyun-dm.in_arrears": Recipe(
        T("The account has an unpaid bill"),
        T("Alibaba Cloud holds the service back until the account is paid."),
        (T("Pay under Expenses in the Alibaba Cloud console; sending goes on some minutes later."),),
    ),
    "aliyun-dm.not_identified": Recipe(
        T("The account's owner is not verified"),
        T("Alibaba Cloud wants to know who the owner of this account is before it may send: “%(words)s”"),
        (T("Finish the real-name verification in the Alibaba Cloud console."),),
    ),
    "aliyun-dm.sender_unknown": Recipe(
        T("The sender is not an address of this account"),
        T("Direct Mail has no sender address “%(sender)s” in the region %(region)s."),
        (
            T("In the Direct Mail console open Sender Addresses and create it, with the type Triggered Emails."),
            _REGION,
            T(
                "Check the address for a typing mistake: the part after the @ is the mail domain, such as "
                "mail.example.com."
            ),
        ),
    ),
    "aliyun-dm.domain_unknown": Recipe(
        T("The sender's domain is not set up"),
        T("Direct Mail knows neither “%(sender)s” nor the domain “%(domain)s” in the region %(region)s."),
        (
            T(
                "In the Direct Mail console open Email Domains, add “%(domain)s” and publish the DNS records "
                "that it shows."
            ),
            T("Then create the sender address, with the type Triggered Emails."),
            _REGION,
        ),
    ),
    "aliyun-dm.domain_not_verified": Recipe(
        T("The sender's domain is not verified"),
        T(
            "Direct Mail has the domain “%(domain)s”, but its DNS records are not as they should be. It refuses mail "
            "from it."
        ),
        (
            T("In the Direct Mail console open Email Domains, press Verify, and compare each record with your DNS."),
            T("After a change, wait until the DNS has it everywhere, and press Verify again."),
        ),
    ),
    "aliyun-dm.sender_not_usable": Recipe(
        T("The sender address cannot be used"),
        T("Direct Mail has “%(sender)s”, but it is frozen or not verified yet."),
        (
            T("Look at its state in the Direct Mail console, Sender Addresses."),
            T("If it is frozen, open a ticket with Alibaba Cloud; or create another address."),
        ),
    ),
    "aliyun-dm.sender_type": Recipe(
        T("The sender address is of another type"),
        T("The type of “%(sender)s” does not allow this kind of mail: “%(words)s”"),
        (T("Create a sender address of the type Triggered Emails, and use it here."),),
    ),
    "aliyun-dm.batch_address": Recipe(
        T("The sender address is for mass mailings"),
        T(
            "“%(sender)s” has the type Batch Emails. Such mail is slower, and may get an unsubscribe link: whoever "
            "presses it receives no codes any more."
        ),
        (T("Create a sender address of the type Triggered Emails, and use it here."),),
    ),
    "aliyun-dm.quota_nearly_used": Recipe(
        T("The day's quota is nearly used up"),
        T("“%(sender)s” has sent %(sent)s of %(quota)s mails today."),
        (T("Raise the limit of the address in the Direct Mail console, Sender Addresses."),),
    ),
    "aliyun-dm.refused_by_filter": Recipe(
        T("Direct Mail refused the mail as unwanted"),
        T(
            "Its filter refused: “%(words)s” That can be the content, but also an account that is restricted, or sends "
            "faster or more than it may."
        ),
        (
            _CONSOLE,
            T("Compare the day's quota with what was sent."),
            T("Send the default template: if that passes, look for the difference in yours."),
        ),
    ),
    "aliyun-dm.recipient_invalid": Recipe(
        T("The recipient is on a list of invalid addresses"),
        T("Direct Mail keeps a list of addresses that do not exist, and does not send to them."),
        (
            T("Check the address for a typing mistake."),
            T("If it exists, take it out in the Direct Mail console, Invalid Addresses."),
        ),
    ),
    "aliyun-dm.alias_refused": Recipe(
        T("The sender's name is refused"),
        T("Direct Mail takes names of at most 15 characters: “%(words)s”"),
        (
            T("Shorten the name before the address in “From”."),
            T("If the template has a sender of its own, shorten the name there."),
        ),
    ),
    "aliyun-dm.wrong_endpoint": Recipe(
        T("This address does not answer for Direct Mail"),
        T("“%(host)s” does not know what was asked: “%(words)s”"),
        (T("Leave the endpoint empty so that it follows the region, or compare it with the page of API endpoints."),),
    ),
    "aliyun-dm.endpoint_of_other_region": Recipe(
        T("The endpoint is in another region"),
        T("The endpoint belongs to %(other)s, the region says %(region)s. Sender addresses belong to one region."),
        (T("Use the region of the endpoint, or remove the endpoint so that it follows the region."),),
    ),
    "aliyun-dm.region_unknown": Recipe(
        T("Postroom knows no such region"),
        T("There is no address of Direct Mail in “%(region)s” that Postroom knows. It may be a typing mistake."),
        (
            T("Did you mean %(other)s?"),
            T("If Direct Mail has come to this region lately, leave it as it is: the check tells whether it answers."),
        ),
    ),
}
