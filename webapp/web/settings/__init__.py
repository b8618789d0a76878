"""The settings of a tenant: its name, its members, tokens, audit log, and how it ends."""

from webapp.web.settings import audit, danger, general, members, tokens

PARTS = (general, members, tokens, audit, danger)
