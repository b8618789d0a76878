"""People who sign in by another system: found by its name for them, made when they are new, renewed each time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.accounts.directory import sole_administrator
from webapp.accounts.models import Person, User, person_of
from webapp.accounts.people import user_by_email
from webapp.connectors.openid import OpenIDError
from webapp.db.models import IdentityRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.address import AddressError, parse_address
from webapp.domain.problem import JSON, Problem
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.mapping import SYSTEM, MembershipMapping, Standing

_YES: Final = (True, "true", "True", "1")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom the provider sends."""

    issuer: str
    subject: str
    email: str
    """Empty where the provider names none that can be used."""
    verified: bool
    """Whether the provider knows that the address is theirs."""
    standing: Standing

    @classmethod
    def of(cls, issuer: str, claims: Mapping[str, JSON], standing: Standing, *, trusted: bool = False) -> Visitor:
        """Read claims that were proven. ``trusted``: where nothing is said of it, an address counts as verified."""
        written = claims.get("email")
        try:
            email = parse_address(written.strip()).lower() if isinstance(written, str) else ""
        except AddressError:
            email = ""
        verified = claims.get("email_verified")
        if verified is None:
            # Microsoft says it under a name of its own, an optional claim.
            verified = claims.get("xms_edov")
        if verified is None:
            verified = trusted
        return cls(issuer, str(claims["sub"]), email, verified in _YES, standing)


class Federation:
    """Turns whom the provider sends into one of our people."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db, self._audit, self._mapping = db, audit, MembershipMapping(audit)

    def welcome(self, visitor: Visitor, *, invited: str | None = None, request_id: str | None = None) -> Person:
        """Find or make the person, and renew what their groups give. Raises OpenIDError, and changes nothing then.

        ``invited`` is the address of an invitation that the person comes to accept, which is standing enough.
        """
        with self._db.write() as session:
            identity = session.scalar(
                select(IdentityRow).where(IdentityRow.issuer == visitor.issuer, IdentityRow.subject == visitor.subject)
            )
            user = session.get(User, identity.person_id) if identity else None
            if identity is None or user is None:
                user = self._met(session, visitor, request_id)
                identity = IdentityRow(
                    person_id=user.id, issuer=visitor.issuer, subject=visitor.subject, made_administrator=False
                )
                session.add(identity)
                actor = person_of(user).actor
                self._audit.record(
                    session, "account.linked", actor, request_id=request_id, person=user.id, issuer=visitor.issuer
                )
            if not user.active:
                raise OpenIDError(_switched_off(user.email))
            identity.last_used_at = now()
            self._administer(session, user, identity, visitor.standing, request_id)
            memberships = self._mapping.renew(session, user.id, user.email, visitor.standing, request_id)
            if not memberships and not user.administrator and invited != user.email:
                raise OpenIDError(_no_standing(user.email))
            return person_of(user)

    def _met(self, session: Session, visitor: Visitor, request_id: str | None) -> User:
        """The account of somebody who comes for the first time: the one with their address, or a new one."""
        if not visitor.email:
            raise OpenIDError(_no_address(visitor.issuer))
        if not visitor.verified:
            # Not even for a new account: what is done with it would bear somebody else's name.
            raise OpenIDError(_not_verified(visitor.email, visitor.issuer))
        known = user_by_email(session, visitor.email)
        if known:
            taken = select(IdentityRow.id).where(
                IdentityRow.person_id == known.id, IdentityRow.issuer == visitor.issuer
            )
            if session.scalar(taken) is not None:
                # Whoever came first may have written an address into their profile that was never theirs.
                raise OpenIDError(_somebody_else(visitor.email, visitor.issuer))
            return known
        user = User(email=visitor.email, password=None, active=True, administrator=False)
        user.fs_uniquifier = secrets.token_hex(32)
        session.add(user)
        session.flush()
        actor = person_of(user).actor
        self._audit.record(session, "account.added", actor, request_id=request_id, person=user.id, name=user.email)
        return user

    def _administer(
        self, session: Session, user: User, identity: IdentityRow, standing: Standing, request_id: str | None
    ) -> None:
        if standing.administrator and not user.administrator:
            identity.made_administrator = True
            self._change(session, user, request_id, administrator=True)
        elif identity.made_administrator and not standing.administrator:
            if user.administrator and sole_administrator(session, user.id):
                self._audit.record(
                    session,
                    "account.kept_as_last_administrator",
                    SYSTEM,
                    request_id=request_id,
                    person=user.id,
                    name=user.email,
                )
                return
            identity.made_administrator = False
            if user.administrator:
                self._change(session, user, request_id, administrator=False)

    def _change(self, session: Session, user: User, request_id: str | None, *, administrator: bool) -> None:
        session.execute(update(User).where(User.id == user.id).values(administrator=administrator))
        action = "account.made_administrator" if administrator else "account.unmade_administrator"
        self._audit.record(session, action, SYSTEM, request_id=request_id, person=user.id, name=user.email)


def _switched_off(email: str) -> Problem:
    return Problem(
        "openid.switched_off",
        T("This account is switched off"),
        T("%(email)s has been switched off in this console.", email=email),
        (T("Ask an administrator of this console."),),
    )


def _no_standing(email: str) -> Problem:
    return Problem(
        "openid.no_standing",
        T("There is nothing for you here yet"),
        T(
            "You are known to the sign-in provider as %(email)s, but you belong to no tenant of this console: none of "
            "your groups gives you a role, and nobody has invited you.",
            email=email,
        ),
        (T("Ask an owner of a tenant to invite you, or an administrator which group you need."),),
    )


def _no_address(issuer: str) -> Problem:
    return Problem(
        "openid.no_address",
        T("The sign-in provider names no email address"),
        T("People are known by their address here, and %(issuer)s did not say yours.", issuer=issuer),
        (T("Operator: let the provider give the claim “email”, and ask for it in POSTROOM_OIDC_SCOPES."),),
    )


def _somebody_else(email: str, issuer: str) -> Problem:
    return Problem(
        "openid.somebody_else",
        T("This address belongs to another sign-in"),
        T(
            "The account %(email)s is already used by somebody whom %(issuer)s knows under another name.",
            email=email,
            issuer=issuer,
        ),
        (T("If both are you, an administrator can forget the old one under People."),),
    )


def _not_verified(email: str, issuer: str) -> Problem:
    return Problem(
        "openid.address_not_verified",
        T("Your address is not verified"),
        T(
            "People are known by their address here. To let you in as %(email)s, %(issuer)s would have to confirm that "
            "the address is yours (the claim email_verified), and it does not. Otherwise anybody could come in by "
            "writing somebody else's address into their profile.",
            email=email,
            issuer=issuer,
        ),
        (
            T("Confirm your address at the provider, then sign in again."),
            T(
                "Operator: let the provider give the claim “email_verified” (at Microsoft: “xms_edov”), or set "
                "POSTROOM_OIDC_TRUST_EMAILS where nobody can choose their address there."
            ),
        ),
    )
