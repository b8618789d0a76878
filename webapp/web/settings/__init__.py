"""The settings of a tenant: its name, its members, tokens, audit log, and how it ends."""

from webapp.web.settings import danger, general, tokens

PARTS = (general, tokens, danger)
