"""Set-up in the browser: choose a provider, fill in, check, send a test, review, save."""

from webapp.web.connector import choose, delete, form, review, runs
from webapp.web.connector.blueprint import bp

__all__ = ["bp", "choose", "delete", "form", "review", "runs"]
