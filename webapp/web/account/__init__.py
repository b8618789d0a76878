"""Signing in and out, the first run, and one's own account."""

from webapp.web.account import confirm, first_run, passkeys, profile, second_step, sign_in, two_step
from webapp.web.account.blueprint import bp

__all__ = ["bp", "confirm", "first_run", "passkeys", "profile", "second_step", "sign_in", "two_step"]
