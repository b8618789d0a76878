"""A setup with many mails: what pages of changes are weighed with."""

from __future__ import annotations

import copy
from typing import Any, Final

LANGUAGES: Final = (
    "ar", "bg", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja", "ko",
    "lt", "lv", "nb", "nl", "pl", "pt-BR", "ro", "sk", "sv", "th", "zh-Hant",
)  # fmt: skip
"""Thirty languages: with nine usage types 270 mails."""
LINES: Final = 40


def with_many_mails(document: dict[str, Any], words: str = "Your code") -> dict[str, Any]:
    """A copy of a setup in which each usage type has a mail in each of the languages."""
    wanted = copy.deepcopy(document)
    for usage_type, cells in wanted["templates"].items():
        cells |= {tag: _mail(usage_type, tag, words) for tag in LANGUAGES}
    return wanted


def _mail(usage_type: str, tag: str, words: str) -> dict[str, Any]:
    lines = [f'<p style="margin: 0">{words}, line {number} of {usage_type} in {tag}</p>' for number in range(LINES)]
    content = "\n".join(["<!DOCTYPE html>", "<html><body>", "<p>{{code}} {{link}}</p>", *lines, "</body></html>"])
    text = f"{words} for {usage_type} in {tag}:\n{{{{code}}}} {{{{link}}}}\n"
    return {"contentType": "text/html", "subject": f"{words} ({tag})", "content": content, "text": text}
