"""Find the revisions of one origin without reading all of them: the last promotion, the filter of the history."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_revisions_tenant_id_origin_number", "revisions", ["tenant_id", "origin", "number"])
