"""The blueprint that the views of set-up hang on."""

from flask import Blueprint

bp = Blueprint("connector", __name__)
