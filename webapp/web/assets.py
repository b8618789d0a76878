"""Style sheets, scripts and images: addressed by their content, compressed once, cached for good."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request

_COMPRESSED = (".css", ".js", ".svg", ".json", ".txt")
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_PLAIN = re.compile(f"{_NAME}(?:/{_NAME}){{0,5}}")
"""A path below the folder that is written in one way only: no dots as steps, nothing doubled."""
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out."""

    digest: str
    mimetype: str
    body: bytes
    zipped: bytes | None
    path: Path
    stamp: tuple[int, int] | None
    """Time and size of the file when it was read, so that a changed one is read again."""


class Assets:
    """Serves ``/static``. ``url_for("static", filename=…)`` adds the content's hash, so a URL never changes meaning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._read: dict[str, Asset] = {}

    def init_app(self, app: Flask) -> None:
        view: Any = self.view
        app.add_url_rule("/static/<path:filename>", "static", view)
        app.url_defaults(self._version)
        app.extensions["postroom.assets"] = self

    def view(self, filename: str) -> Response:
        """Answer with one file, or with "you have it"."""
        asset = self.find(filename)
        if asset is None:
            abort(404)
        zipped = asset.zipped if request.accept_encodings.quality("gzip") else None
        response = Response(zipped or asset.body, mimetype=asset.mimetype)
        response.headers["Cache-Control"] = _FOREVER if request.args.get("v") == asset.digest else "no-cache"
        if asset.zipped:
            response.headers["Vary"] = "Accept-Encoding"
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(asset.digest + ("-gzip" if zipped else ""))
        response.make_conditional(request)
        return response

    def find(self, filename: str) -> Asset | None:
        """Look a file up by its path below the folder; only as it is written there, so that each is kept once."""
        known = self._read.get(filename)
        if known and known.stamp == _stamp(known.path):
            return known
        if not _PLAIN.fullmatch(filename):
            return None
        path = (self._folder / filename).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        self._read[filename] = _asset(path)
        return self._read[filename]

    def _version(self, endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values:
            asset = self.find(values["filename"])
            if asset:
                values["v"] = asset.digest


def _asset(path: Path) -> Asset:
    stamp = _stamp(path)
    body = path.read_bytes()
    mimetype = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0] or "text/plain"
    zipped = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSED and len(body) > 500 else None
    return Asset(hashlib.sha256(body).hexdigest()[:12], mimetype, body, zipped, path, stamp)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
