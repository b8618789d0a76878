"""People: who they are, what they sign in with, and how the first of them comes in.

Flask-Security's models import Flask, so this package stands beside the entry points; below them a person is an id
and a name. It is the one place that knows those models.
"""

from webapp.accounts.ceremony import Ceremony, PasskeyError, RelyingParty
from webapp.accounts.directory import Directory, Entry, LastAdministratorError, LinkKind
from webapp.accounts.federation import Federation, Visitor
from webapp.accounts.installation import Installation, first_run
from webapp.accounts.models import AccountStore, Person, User, person_of
from webapp.accounts.passkeys import PasskeyInfo, Passkeys
from webapp.accounts.people import TIME_ZONES, AccountError, Accounts
from webapp.accounts.second_factor import Offer, SecondFactor, Standing

__all__ = [
    "TIME_ZONES",
    "AccountError",
    "AccountStore",
    "Accounts",
    "Ceremony",
    "Directory",
    "Entry",
    "Federation",
    "Installation",
    "LastAdministratorError",
    "LinkKind",
    "Offer",
    "PasskeyError",
    "PasskeyInfo",
    "Passkeys",
    "Person",
    "RelyingParty",
    "SecondFactor",
    "Standing",
    "User",
    "Visitor",
    "first_run",
    "person_of",
]
