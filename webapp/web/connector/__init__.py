"""Set-up in the browser: choose a provider, fill in, check, send a test, review, save."""

from webapp.web.connector import as_json, choose, consent, delete, detect, form, review, runs
from webapp.web.connector.blueprint import bp

__all__ = ["as_json", "bp", "choose", "consent", "delete", "detect", "form", "review", "runs"]
