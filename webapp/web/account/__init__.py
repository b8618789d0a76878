"""Signing in and out, the first run, and one's own account."""

from webapp.web.account import first_run, profile, sign_in
from webapp.web.account.blueprint import bp

__all__ = ["bp", "first_run", "profile", "sign_in"]
