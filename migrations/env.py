"""Run Alembic over the connection that ``webapp.db.migrate`` opened, or over DATABASE_URL for ``alembic revision``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator

import webapp.accounts  # noqa: F401  its tables belong to the metadata
from webapp.db.models import Base
from webapp.db.session import Database
from webapp.settings import Settings


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:  # noqa: ARG001  the hook's signature
    """Write decorated column types as the plain ones under them: a migration must not change when the code does."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def run(connection: Any) -> None:
    """Migrate; batches rebuild SQLite's tables, which can hardly be altered."""
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=render_item
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(Settings().resolved_database_url).engine.begin() as opened:
        run(opened)
