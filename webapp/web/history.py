"""Every saved setup of a tenant: what changed, by whom, and the way back."""

from flask import Blueprint

bp = Blueprint("history", __name__)
