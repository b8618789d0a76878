"""Tenant documents as the API shows them."""

from __future__ import annotations

from typing import Literal

from webapp.answers.base import Answer, SetupJSON


class DocumentJSON(Answer):
    """A tenant document."""

    format: Literal["postroom/setup"]
    version: Literal[1]
    setup: SetupJSON
    content_hash: str
    """SHA-256 over the canonical text of the setup."""
