"""Moving setups in the browser: export, import and promote, each with its plan before anything is applied."""

from webapp.web.migrate import exporting, importing, promoting, proposals, refusals
from webapp.web.migrate.blueprint import bp

__all__ = ["bp", "exporting", "importing", "promoting", "proposals", "refusals"]
