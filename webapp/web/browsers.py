"""What browsers call themselves, in the words of the people who use them."""

from __future__ import annotations

from typing import Final

from webapp.domain.text import T, Text

# The first that fits: nearly all claim to be others, too.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> Text:
    """Say which browser on which system a ``User-Agent`` stands for, as far as it tells."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser and system:
        return T("%(browser)s on %(system)s", browser=browser, system=system)
    known = browser or system
    return T("%(name)s", name=known) if known else T("Another browser")
