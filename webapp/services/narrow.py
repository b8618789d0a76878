"""Keeps HTML to a size that can be written as text: there, tables are padded to the width of their widest cell."""

from __future__ import annotations

import re
from typing import Final

PADDED_LIMIT: Final = 20_000_000
"""Characters that a table may grow to. Real mails stay far below: a hundred rows around ten thousand characters."""

_ROW = re.compile(r"<t[rdh]\b", re.IGNORECASE)
_TABLE_TAG = re.compile(r"<(/?)(?:table|thead|tbody|tfoot|caption|tr|td|th)\b", re.IGNORECASE)


def narrow(html: str) -> str:
    """The same HTML; where its tables could become immense, with plain blocks in their place."""
    cells = len(_ROW.findall(html))
    return _TABLE_TAG.sub(r"<\1div", html) if cells * len(html) > PADDED_LIMIT and cells > 1 else html
