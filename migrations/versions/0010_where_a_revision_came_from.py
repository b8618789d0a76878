"""Where a revision came from, how a tenant may change, and plans that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("changes_by", sa.String(length=16), server_default="all", nullable=False))
    op.add_column("revisions", sa.Column("transfer", sa.JSON(), nullable=True))
    op.add_column("plans", sa.Column("actor_name", sa.String(length=255), server_default="", nullable=False))
    op.add_column("plans", sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True))
