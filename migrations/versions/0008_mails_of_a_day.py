"""How many mails a tenant sent on a day through the built-in service, and requests beside mails in the inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_usage",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_daily_usage_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_daily_usage")),
    )
    with op.batch_alter_table("daily_usage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_daily_usage_day"), ["day"], unique=False)
    with op.batch_alter_table("inbox_mails", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("media_type", sa.String(length=32), nullable=False, server_default="message/rfc822")
        )
