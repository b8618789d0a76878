"""What each server process loads."""

from __future__ import annotations

from flask import Flask

from webapp.app import create_app
from webapp.ending import end_with_parent
from webapp.settings import Settings


def application() -> Flask:
    """Make the app of this process, and run here what runs once per machine if nobody else does yet."""
    end_with_parent()
    app = create_app(Settings())
    app.extensions["postroom"].start()
    return app
