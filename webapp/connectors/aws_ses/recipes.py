"""What goes wrong with Amazon SES, and what mends it."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_SEE_ACCOUNT: Final = T("Open the SES console in this region, Account dashboard: it says what is wrong and what to do.")
_ASK_SUPPORT: Final = T("If you cannot see why, open a case with AWS Support.")
_ONE_PLACE: Final = T("What the key may do is an IAM policy of its user; the guide beside the form has one to copy.")

RECIPES: Final[dict[str, Recipe]] = {
    "aws-ses.key_unknown": Recipe(
        T("AWS does not know this access key"),
        T(
            "“%(host)s” answered that the access key ID is invalid: mistyped, switched off, deleted, or one of "
            "another part of AWS, such as China or GovCloud."
        ),
        (
            T("Compare the ID with the list under IAM, Users, Security credentials: it has to be there and active."),
            T("Make sure that it is an access key, not the SMTP user name of SES."),
            T("A region that your account has not enabled answers like this too: look under Account, AWS Regions."),
            T("If in doubt, create a new access key there and type both values here."),
        ),
    ),
    "aws-ses.secret_wrong": Recipe(
        T("The secret does not belong to the access key"),
        T("AWS knows the access key ID, but the signature made with this secret is not the one it expects."),
        (
            T("Type the secret again, whole and without spaces. It has 40 characters."),
            T("An SMTP password of SES does not work here, although it is made from an access key."),
            T("AWS shows a secret only once. If it is lost, create a new access key and delete the old one."),
        ),
    ),
    "aws-ses.clock_wrong": Recipe(
        T("This machine's clock is wrong"),
        T("AWS refuses requests whose time differs by more than five minutes from its own: “%(words)s”"),
        (
            T("Set the clock of the machine that Postroom runs on, and let it be kept by NTP."),
            T("In a container or virtual machine the clock of the host counts."),
        ),
    ),
    "aws-ses.region_mismatch": Recipe(
        T("Region and endpoint do not belong together"),
        T("The request was signed for %(region)s, but “%(host)s” belongs to another region: “%(words)s”"),
        (T("Choose the region of the endpoint, or leave the endpoint empty so that it follows the region."),),
    ),
    "aws-ses.session_expired": Recipe(
        T("The credentials have run out"),
        T("AWS answered that the session token has expired. Temporary credentials last some hours at most."),
        (
            T("With the machine's own role: try again; if it goes on, restart Postroom so that it fetches new ones."),
            T("With an access key: create one of an IAM user. Its ID begins with AKIA."),
        ),
        temporary=True,
    ),
    "aws-ses.not_signed_up": Recipe(
        T("The AWS account is not signed up for SES"),
        T("AWS knows the key, but its account cannot use SES here yet: “%(words)s”"),
        (
            T("Finish signing up for AWS: a payment method and a verified phone number are needed."),
            T("Some regions have to be enabled first, under Account, AWS Regions."),
        ),
    ),
    "aws-ses.not_allowed": Recipe(
        T("The key may not do this"),
        T("AWS knows the key and refused what it asked for: “%(words)s”"),
        (
            T("Allow the action that AWS names, for the identity that it names. To send, ses:SendEmail is needed."),
            T("In the sandbox, and with some policies, the recipient's identity has to be allowed as well."),
            _ONE_PLACE,
        ),
    ),
    "aws-ses.account_unreadable": Recipe(
        T("The state of the account could not be read"),
        T(
            "The key works, but it may not read the account. So Postroom cannot tell whether the account is in the "
            "sandbox, paused, or out of quota."
        ),
        (T("Allow ses:GetAccount to the key, or send a test mail to be sure."), _ONE_PLACE),
    ),
    "aws-ses.identity_unreadable": Recipe(
        T("Whether the sender is verified could not be read"),
        T(
            "The key works, but it may not read the identities of SES. So Postroom cannot tell whether “%(sender)s” is "
            "verified in %(region)s."
        ),
        (T("Allow ses:GetEmailIdentity to the key, or send a test mail to be sure."), _ONE_PLACE),
    ),
    "aws-ses.identity_elsewhere": Recipe(
        T("The sender belongs to another account"),
        T(
            "“%(identity)s” is not an identity of this account in %(region)s, as its ARN says. Whether it is verified, "
            "and whether its owner lets this account use it, can be seen by a test mail only."
        ),
        (T("Send a test mail."), T("If it is refused, ask the owner for a sending authorisation policy.")),
    ),
    "aws-ses.sender_not_verified": Recipe(
        T("The sender is not verified"),
        T("Neither “%(sender)s” nor its domain is an identity of this account in %(region)s, so SES will refuse it."),
        (
            T("In the SES console, region %(region)s, open Identities and create one for the domain “%(domain)s”."),
            T("Put the DNS records that it shows into the domain, and wait until it says “Verified”."),
            T("If it is verified in another region, choose that region here."),
        ),
    ),
    "aws-ses.feedback_not_verified": Recipe(
        T("The address for bounces and complaints is not verified"),
        T(
            "Neither “%(sender)s” nor its domain is an identity of this account in %(region)s, so SES will refuse "
            "mails that name it."
        ),
        (
            T("In the SES console, region %(region)s, open Identities and verify the address or its domain."),
            T("Or leave the setting empty: bounces and complaints then go to the From address."),
        ),
    ),
    "aws-ses.sender_pending": Recipe(
        T("A verification is not finished"),
        T("SES has “%(identity)s” in %(region)s, but it is not verified for sending yet. Its state is %(state)s."),
        (
            T("For a domain: put the DNS records that the SES console shows into the domain, and wait."),
            T("For an address: open the link in the mail that AWS sent to it."),
            T("If the state is FAILED, start the verification again in the console."),
        ),
    ),
    "aws-ses.not_verified": Recipe(
        T("An address is not verified"),
        T("SES sends only with verified identities: “%(words)s” The addresses that failed are named there."),
        (
            T("If it is the sender: verify “%(sender)s”, or better its domain, in the SES console in %(region)s."),
            T(
                "If it is the recipient: the account is in the sandbox and sends to verified addresses only. Request "
                "production access in the SES console, or verify the recipient for a test."
            ),
        ),
    ),
    "aws-ses.mail_from_not_verified": Recipe(
        T("The MAIL FROM domain is not verified"),
        T("The sender's identity has a MAIL FROM domain of its own, whose MX record SES does not find: “%(words)s”"),
        (
            T("In the SES console open the identity and look at “Custom MAIL FROM domain”: it lists the DNS records."),
            T("Or set it to use the default MAIL FROM domain when the MX record is missing."),
        ),
    ),
    "aws-ses.sandbox": Recipe(
        T("The account is in the SES sandbox"),
        T(
            "In %(region)s this account sends only to addresses that are verified there, and at most %(quota)s mails "
            "in 24 hours. Sign-in mails to real people will be refused."
        ),
        (T("Request production access: SES console, Account dashboard. AWS answers mostly within a day."),),
    ),
    "aws-ses.sending_paused": Recipe(
        T("Sending is paused"),
        T("The account, or the configuration set, does not send at the moment: “%(words)s”"),
        (
            _SEE_ACCOUNT,
            T(
                "If you paused it yourself, switch it on: aws sesv2 put-account-sending-attributes --sending-enabled, "
                "or in the configuration set's sending options."
            ),
            _ASK_SUPPORT,
        ),
    ),
    "aws-ses.set_paused": Recipe(
        T("The configuration set is paused"),
        T("Sending is switched off in the configuration set “%(set)s”, so SES will refuse these mails."),
        (T("In the SES console open the configuration set, Sending status, and enable it; or choose another set."),),
    ),
    "aws-ses.shut_down": Recipe(
        T("AWS has shut down sending for this account"),
        T("The enforcement status of the account is %(state)s in %(region)s: it may not send any more."),
        (_SEE_ACCOUNT, T("Answer the case that AWS opened: it says what has to change.")),
    ),
    "aws-ses.probation": Recipe(
        T("The account is under review"),
        T(
            "The enforcement status of the account is %(state)s in %(region)s. Too many bounces or complaints are the "
            "usual reason; if it goes on, AWS stops the account."
        ),
        (_SEE_ACCOUNT, T("Answer the case that AWS opened: it says what has to change.")),
    ),
    "aws-ses.quota_nearly_used": Recipe(
        T("The day's quota is nearly used up"),
        T("%(sent)s of %(quota)s mails were sent in the last 24 hours. After the last one SES refuses all others."),
        (T("Ask for a larger quota in time: Service Quotas, Amazon SES, Sending quota."),),
    ),
    "aws-ses.dkim_missing": Recipe(
        T("Mails of this domain are not signed with DKIM"),
        T(
            "“%(identity)s” is verified, but its DKIM state is %(state)s. Large providers put unsigned mail into spam, "
            "or refuse it."
        ),
        (T("In the SES console open the identity, DKIM, and publish the records that it shows."),),
    ),
    "aws-ses.set_unknown": Recipe(
        T("There is no such configuration set"),
        T("SES has no configuration set of this name in %(region)s: “%(words)s”"),
        (
            T("Compare the name with Configuration sets in the SES console of the region; upper and lower case count."),
            T("Leave the setting empty if you need none."),
        ),
    ),
    "aws-ses.limit_exceeded": Recipe(
        T("A limit of the account is reached"),
        T("SES refused because something exceeds a limit of this account: “%(words)s”"),
        (T("Compare with Service Quotas, Amazon SES, in this region, and ask for more there."),),
    ),
    "aws-ses.role_not_permitted": Recipe(
        T("This tenant may not use the machine's role"),
        T(
            "The settings ask for the role that AWS gave this machine. Everybody in a tenant that uses it acts with "
            "the machine's rights, so the operator has to permit it, and has not."
        ),
        (
            T("Ask the operator of Postroom to name this tenant in POSTROOM_MACHINE_IDENTITY_TENANTS, and to restart."),
            T("Or switch “Use this machine's own role” off, and give an access key."),
        ),
    ),
    "aws-ses.signer_missing": Recipe(
        T("A part of Postroom is not installed"),
        T("Requests to AWS are signed with the package botocore, which is missing in this installation."),
        (T('Ask the operator to install it with the extra “ses”, pip install "postroom[ses]", and to restart.'),),
    ),
    "aws-ses.endpoint_of_other_region": Recipe(
        T("The endpoint is in another region"),
        T("The endpoint belongs to %(other)s, the region says %(region)s. AWS will refuse the signature."),
        (T("Use the region of the endpoint, or remove the endpoint so that it follows the region."),),
    ),
    "aws-ses.region_unknown": Recipe(
        T("Postroom knows no such region"),
        T("There is no address of SES in “%(region)s” that Postroom knows. It may be a typing mistake."),
        (
            T("Did you mean %(other)s?"),
            T("If SES has come to this region lately, leave it as it is: the check tells whether it answers."),
        ),
    ),
}
