"""Where the files that are not code lie: templates, static files, migrations."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def resource(name: str) -> Path:
    """Find a resource folder: inside the package when installed from a wheel, beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
