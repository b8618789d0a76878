"""The blueprint of the migrate pages."""

from flask import Blueprint

bp = Blueprint("migrate", __name__)
