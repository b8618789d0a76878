"""What can go wrong with access by OAuth 2.0, as problems. ``%(…)s`` are the facts: token host, user and more."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.connectors.smtp.recipes import PROVIDER_STATUS, SEE_WORDS, TRY_AGAIN
from webapp.domain.text import T

_CONSENT: Final = T("Sign in and consent again to get a new refresh token, and put it in here.")

_REACHING: Final[dict[str, Recipe]] = {
    "smtp.token_unreachable": Recipe(
        T("The token URL cannot be reached"),
        T("Access is fetched from “%(token_host)s”, but there is no connection: %(words)s"),
        (
            T("Check that the machine running Postroom may connect to “%(token_host)s” by HTTPS."),
            T("If you typed the token URL, compare it with your provider's documentation."),
            T("For a server inside your own network: ask the operator about POSTROOM_ALLOWED_NETWORKS."),
        ),
    ),
    "smtp.token_tls": Recipe(
        T("The token URL cannot be trusted"),
        T("There is no trustworthy TLS to “%(token_host)s”, so no secret was sent there: %(words)s"),
        (
            T("If you typed the token URL, compare it with your provider's documentation."),
            T("For a private authority: ask the operator to add it to the system's store, or to SSL_CERT_FILE."),
            T("If it is a well-known provider: something on the way may be reading along. Find out what."),
        ),
    ),
    "smtp.token_timeout": Recipe(
        T("The token URL did not answer in time"),
        T("“%(token_host)s” did not give access in time: %(words)s"),
        (TRY_AGAIN, PROVIDER_STATUS),
        temporary=True,
    ),
    "smtp.token_not_understood": Recipe(
        T("The token URL gives no tokens"),
        T("“%(token_host)s” answered with status %(status)s, but not with what a token URL has to say."),
        (
            T("Check the token URL: it may lead to a page for people, or to the address for consent."),
            T("It often ends in /token, and the provider's documentation calls it “token endpoint”."),
        ),
    ),
    "smtp.token_rate_limited": Recipe(
        T("Access was asked for too often"),
        T("“%(token_host)s” gives no access for a while, because too many asked for it."),
        (
            T("Wait some minutes, then try again. Postroom keeps access until it ends and asks seldom."),
            T("If others use the same application, give Postroom one of its own."),
        ),
        temporary=True,
    ),
    "smtp.token_server_trouble": Recipe(
        T("The provider of access has a passing trouble"),
        T("“%(token_host)s” could not give access now. It said: “%(words)s”."),
        (TRY_AGAIN, PROVIDER_STATUS),
        temporary=True,
    ),
}

_CLIENT: Final[dict[str, Recipe]] = {
    "smtp.token_client_refused": Recipe(
        T("Client ID or client secret is wrong"),
        T("“%(token_host)s” does not accept client ID and client secret. It said: “%(words)s”."),
        (
            T("Copy both again from where the application is registered, at the same provider."),
            T("Check that the secret belongs to this client ID."),
        ),
    ),
    "smtp.token_client_secret_wrong": Recipe(
        T("The client secret is not the right one"),
        T("Microsoft knows the application, but not this secret. It said: “%(words)s”."),
        (
            T("Paste the secret's value. Beside it stands the secret's ID, which is another thing."),
            T("The value is shown only once: if it is gone, make a new secret under “Certificates & secrets”."),
        ),
    ),
    "smtp.token_client_secret_expired": Recipe(
        T("The client secret has expired"),
        T("The application is known, but the last day of its secret is over. It said: “%(words)s”."),
        (
            T("Make a new client secret: Entra admin centre, App registrations, Certificates & secrets."),
            T("Paste its value here, with the day it ends, so that Postroom warns you in time."),
        ),
    ),
    "smtp.token_application_unknown": Recipe(
        T("The application is not known there"),
        T("“%(token_host)s” does not know an application with this client ID. It said: “%(words)s”."),
        (
            T("Compare the client ID with the application's overview, letter by letter."),
            T("At Microsoft, check the directory (tenant) ID too: the application is known in its own directory."),
        ),
    ),
    "smtp.token_tenant_unknown": Recipe(
        T("The directory is not known"),
        T("Microsoft does not know this directory (tenant). It said: “%(words)s”."),
        (T("Copy “Directory (tenant) ID” from the application's overview in Microsoft Entra."),),
    ),
    "smtp.token_grant_refused": Recipe(
        T("The application may not get access this way"),
        T("“%(token_host)s” does not give this application access by the chosen way. It said: “%(words)s”."),
        (
            T("Choose under “Access by” what the application was registered for."),
            T("Or allow this way where the application is registered."),
        ),
    ),
    "smtp.token_refused": Recipe(
        T("Access was refused"),
        T("“%(token_host)s” gave no access (%(error)s). It said: “%(words)s”."),
        (T("Look the words up in the provider's documentation, or ask its support."),),
    ),
}

_CONSENTING: Final[dict[str, Recipe]] = {
    "smtp.token_refresh_ended": Recipe(
        T("The refresh token is not valid any more"),
        T(
            "“%(token_host)s” takes this refresh token for “%(user)s” no more: it was revoked or has ended. "
            "It said: “%(words)s”."
        ),
        (
            _CONSENT,
            T("Google: while the consent screen is in “Testing”, tokens end after 7 days. Publish the application."),
            T("Tokens also end with a changed password, a withdrawn consent, or months without use."),
            T("Check that client ID and secret are those that the consent was given to."),
        ),
    ),
    "smtp.token_consent_missing": Recipe(
        T("Nobody has consented yet"),
        T("The application has no consent to send mail for “%(user)s”. It said: “%(words)s”."),
        (
            T("Client credentials: add the application permission SMTP.SendAsApp (Office 365 Exchange Online)."),
            T("Then let an administrator press “Grant admin consent” in the application's API permissions."),
            T("Refresh token: sign in and consent again, with the scope for SMTP."),
        ),
    ),
    "smtp.token_sign_in_needed": Recipe(
        T("The provider wants a person to sign in again"),
        T("A rule of the organisation asks for a new sign-in, often with a second factor. It said: “%(words)s”."),
        (
            _CONSENT,
            T("Or ask an administrator to leave this application out of that rule (Conditional Access)."),
            T("Client credentials do without a person: consider them for mail that has to go out always."),
        ),
    ),
    "smtp.token_scope_refused": Recipe(
        T("The scope is not accepted"),
        T("“%(token_host)s” does not give access to “%(scope)s”. It said: “%(words)s”."),
        (
            T("Write the scope as the provider's documentation has it for SMTP, and nothing else."),
            T("The consent has to cover it: after a change of scope, sign in and consent again."),
        ),
    ),
    "smtp.token_delegation_missing": Recipe(
        T("The service account may not act for this mailbox"),
        T("The key is good, but “%(account)s” may not send as “%(user)s”. It said: “%(words)s”."),
        (
            T("Workspace Admin console: Security, API controls, Domain-wide delegation, Add new."),
            T("Enter the service account's client ID (a number) and the scope https://mail.google.com/."),
            T("Changes there can take some minutes, at times a day."),
        ),
    ),
    "smtp.token_user_unknown": Recipe(
        T("There is no such mailbox"),
        T("“%(token_host)s” knows no mailbox “%(user)s” that the service account could act for. It said: “%(words)s”."),
        (
            T("Check the user name: it is the full address of a person or a mailbox in your domain."),
            T("It is not the service account's own address, and not a group or an alias."),
        ),
    ),
    "smtp.token_key_refused": Recipe(
        T("The service account's key is not accepted"),
        T("“%(token_host)s” does not accept what was signed with this key for “%(account)s”. It said: “%(words)s”."),
        (
            T("Make a new JSON key for the service account and paste the whole file."),
            T("Check that the account still exists, is not disabled, and has that key in its list."),
        ),
    ),
    "smtp.token_clock_wrong": Recipe(
        T("This machine's clock is wrong"),
        T("“%(token_host)s” says that what we signed comes from the future or from the past. It said: “%(words)s”."),
        (T("Set the clock of the machine running Postroom, by NTP for example, and try again."),),
        temporary=True,
    ),
    "smtp.token_ended": Recipe(
        T("The access token has ended"),
        T("The access token that was put in here ended at %(ended)s, and it cannot be renewed."),
        (
            T("Put a new access token in, with the moment it ends."),
            T("For mail that has to go out always, choose a refresh token, a key or client credentials."),
        ),
    ),
}

_SHOWING: Final[dict[str, Recipe]] = {
    "smtp.xoauth2_not_offered": Recipe(
        T("The server takes no access tokens"),
        T("“%(host)s” port %(port)s offers no login with OAuth 2.0 (XOAUTH2) here. It offers: %(offered)s."),
        (
            T("Check the server: smtp.gmail.com and smtp.office365.com take tokens, at port 587 with STARTTLS."),
            T("If it takes passwords only, choose “User name and password”."),
        ),
    ),
    "smtp.token_not_accepted": Recipe(
        T("The mail server does not accept the access token"),
        T("There was access, but “%(host)s” does not let it in for “%(user)s”. It said: “%(words)s”."),
        (
            T("Check the user name: it is the mailbox of who signed in, or of whom the key or application acts for."),
            T("Microsoft, client credentials: give the application's service principal access to this mailbox."),
            T("Google: the scope is https://mail.google.com/, and IMAP and SMTP have to be allowed for the account."),
            SEE_WORDS,
        ),
    ),
}

TOKEN: Final[dict[str, Recipe]] = {**_REACHING, **_CLIENT, **_CONSENTING, **_SHOWING}
"""Problem code to recipe, for logging in with OAuth 2.0."""
