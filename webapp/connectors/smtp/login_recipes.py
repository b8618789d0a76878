"""What a mail server may answer to a login, as problems."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.connectors.smtp.recipes import PROVIDER_STATUS, SEE_WORDS, TRY_AGAIN
from webapp.domain.text import T

LOGIN: Final[dict[str, Recipe]] = {
    "smtp.credentials_in_clear": Recipe(
        T("The password would be sent without encryption"),
        T(
            "The connection to “%(host)s” port %(port)s is not encrypted, so everybody on the way could read the "
            "password. Postroom has not sent it."
        ),
        (
            T("Choose STARTTLS (port 587) or TLS (port 465)."),
            T("If the server needs no password from here, choose “No login”."),
            T("For a closed network that you trust, accept the risk under Advanced and say why."),
        ),
    ),
    "smtp.auth_not_offered": Recipe(
        T("The server offers no login"),
        T("“%(host)s” port %(port)s does not offer to log in here, so user and password are of no use."),
        (
            T("Use port 587 with STARTTLS or port 465 with TLS: many servers offer the login only once encrypted."),
            T("If the server knows this machine by its address, choose “No login”."),
        ),
    ),
    "smtp.auth_method_not_offered": Recipe(
        T("No common way to log in"),
        T("“%(host)s” accepts only %(offered)s. Postroom can do PLAIN, LOGIN and CRAM-MD5."),
        (
            T("Look in your provider's settings for SMTP with user name and password, and switch it on."),
            T("If it accepts XOAUTH2, choose “OAuth 2.0” as login."),
        ),
    ),
    "smtp.credentials_rejected": Recipe(
        T("User name or password is wrong"),
        T("“%(host)s” does not accept the user name “%(user)s” with this password."),
        (
            T("Copy both again from your provider. Many want an SMTP password or API key, not the website's password."),
            T("Check the user name: often it is the full email address."),
            T("If the account signs in with a second factor, make an application password."),
        ),
    ),
    "smtp.app_password_needed": Recipe(
        T("An application password is needed"),
        T("“%(host)s” does not take the normal password of “%(user)s”: this account needs one made for applications."),
        (
            T("Sign in to the account at the provider and open its security settings."),
            T("Make an application password (also called app password or authorization code) for mail."),
            T("Put it into the password field here, without spaces, and check again."),
        ),
    ),
    "smtp.web_login_needed": Recipe(
        T("The provider wants to see you in the browser first"),
        T("“%(host)s” holds the login of “%(user)s” for suspicious until somebody confirms it in a browser."),
        (
            T("Sign in to this account in a browser and confirm what it asks."),
            T("Then check again. If the provider offers application passwords, use one."),
        ),
    ),
    "smtp.auth_disabled": Recipe(
        T("Login by SMTP is switched off"),
        T("“%(host)s” knows “%(user)s”, but logging in by SMTP is switched off for this account or organisation."),
        (
            T("Ask the administrator of the mail system to allow SMTP login for this mailbox."),
            T("Or use an account or an API of the provider that is meant for applications."),
        ),
    ),
    "smtp.account_disabled": Recipe(
        T("The account is disabled"),
        T("“%(host)s” says that the account “%(user)s” is disabled, suspended or locked."),
        (
            SEE_WORDS,
            T("Sign in at the provider and see what it asks for: payment, confirmation, or support."),
        ),
    ),
    "smtp.auth_temporary": Recipe(
        T("The server cannot check the password now"),
        T("“%(host)s” could not check user and password because of a trouble of its own."),
        (TRY_AGAIN, PROVIDER_STATUS),
        temporary=True,
    ),
    "smtp.tls_required": Recipe(
        T("The server insists on encryption"),
        T("“%(host)s” port %(port)s goes on only after STARTTLS, and this connection is not encrypted."),
        (T("Choose STARTTLS as security."),),
    ),
    "smtp.auth_required": Recipe(
        T("The server wants a login"),
        T("“%(host)s” takes mail only after logging in, and Postroom did not log in."),
        (T("Choose “User name and password” and fill in the credentials of your provider."),),
    ),
}
"""Problem code to recipe, for logging in or failing to."""
