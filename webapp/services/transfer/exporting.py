"""A tenant's setup as a document to take away: without secrets, or with them sealed."""

from __future__ import annotations

from webapp.db.session import Database
from webapp.domain.errors import ForbiddenError
from webapp.domain.roles import Access, Permission
from webapp.domain.tenant_document import TenantDocument, slots, slotted
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.setups import Setups
from webapp.services.transfer.sealing import seal


class Exporting:
    """Writes what is live into tenant documents."""

    def __init__(self, db: Database, setups: Setups, audit: Audit) -> None:
        self._db = db
        self._setups = setups
        self._audit = audit

    def shown(self, access: Access) -> TenantDocument:
        """The live setup without its secrets, for whoever may read it anyway; nothing is written down."""
        return TenantDocument(slotted(self._setups.active(access.tenant).document))

    def export(self, access: Access, *, phrase: str | None = None, request_id: str | None = None) -> TenantDocument:
        """The live setup; with a passphrase its secrets too, sealed, which only owners may take away.

        Raises ForbiddenError, or PassphraseError for a passphrase that is too short.
        """
        stored = self._setups.active(access.tenant)
        document = TenantDocument(slotted(stored.document))
        if phrase is not None:
            if not access.may(Permission.MANAGE):
                raise ForbiddenError(T("Only owners may take secrets away."))
            by_slot = slots(stored.document)
            secrets = {by_slot[at]: value for at, value in self._setups.secrets(access, stored.number).items()}
            document = TenantDocument(document.setup, seal(secrets, document.content_hash, phrase))
        with self._db.write() as session:
            self._audit.record(
                session,
                "setup.exported",
                access.actor,
                tenant_id=access.tenant.id,
                request_id=request_id,
                revision=stored.number,
                sealed=True if document.sealed else None,
            )
        return document
