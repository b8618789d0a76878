"""Who counts as a second person, and whether the first one still may want something here."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.domain.errors import ProposerGoneError
from webapp.domain.roles import Access, Actor, Permission, TenantInfo
from webapp.domain.text import T
from webapp.services.membership import membership_role
from webapp.services.tokens import maker_of_token, standing_of_token


def person_behind(session: Session, actor: Actor) -> tuple[str, int | None]:
    """Whose deed it is: a token's is that of the person who made it, or the operator's."""
    if actor.kind != "token" or actor.id is None:
        return actor.kind, actor.id
    maker = maker_of_token(session, actor.id)
    return ("operator", None) if maker is None else ("person", maker)


def check_standing(session: Session, proposer: Actor, tenant: TenantInfo) -> None:
    """Whether the proposer may still prepare changes here. Raises ProposerGoneError."""
    standing: Access | None = None
    if proposer.kind == "operator":
        return
    if proposer.id is not None and proposer.kind == "token":
        standing = standing_of_token(session, proposer.id)
    elif proposer.id is not None:
        role = membership_role(session, tenant.id, proposer.id)
        standing = Access(proposer, tenant, role) if role else None
    if standing is None or not standing.may(Permission.EDIT):
        raise ProposerGoneError(
            T("Nothing was changed. Plan the same yourself and propose it, or decline this proposal.")
        )
