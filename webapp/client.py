"""The API as Python calls, for the commands that work on a server elsewhere."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2

from webapp import __version__

PATIENCE: Final = httpx2.Timeout(15.0, read=660.0)
"""A test send may wait out every time-out of the connector."""


class ClientError(Exception):
    """The server could not be asked, or what answered is no Postroom. The message says what to look at."""


class RefusedError(ClientError):
    """The server refused. Carries its problem document (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title")))
        self.problem = problem

    @property
    def status(self) -> int:
        return int(self.problem["status"])


class Client:
    """One connection to one server, as one token. Use it in a ``with`` block."""

    def __init__(self, url: str, token: str, transport: httpx2.BaseTransport | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClientError("POSTROOM_URL must be the address of a console, such as https://mail.example.com.")
        self._url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=f"{self._url}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": f"postroom/{__version__}"},
            timeout=PATIENCE,
            transport=transport,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, *path: str, **parameters: Any) -> Any:
        """Read something; path segments are escaped, parameters that are None are left out."""
        return self._call("GET", path, parameters, None)

    def post(self, *path: str, body: dict[str, Any] | None = None, **parameters: Any) -> Any:
        """Have something done."""
        return self._call("POST", path, parameters, body)

    def _call(self, method: str, path: tuple[str, ...], parameters: dict[str, Any], body: dict[str, Any] | None) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            response = self._http.request(
                method, "/".join(quote(segment, safe="") for segment in path), params=given, json=body
            )
        except httpx2.InvalidURL as exc:
            raise ClientError(f"{self._url} is not an address: {exc}.") from exc
        except httpx2.TimeoutException as exc:
            raise ClientError(f"{self._url} did not answer in time.") from exc
        except httpx2.TransportError as exc:
            raise ClientError(f"{self._url} cannot be reached: {exc}.") from exc
        return self._read(response)

    def _read(self, response: httpx2.Response) -> Any:
        if response.is_redirect:
            target = response.headers.get("Location", "somewhere")
            raise ClientError(f"{self._url} sends on to {target}. Set POSTROOM_URL to that address.")
        if response.status_code == httpx2.codes.NO_CONTENT:
            return None
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        try:
            content = response.json() if kind in ("application/json", "application/problem+json") else None
        except json.JSONDecodeError:
            content = None
        if content is None:
            raise ClientError(
                f"{self._url} answered {response.status_code}, but not as a Postroom does. Check POSTROOM_URL."
            )
        if response.is_error:
            raise RefusedError({"status": response.status_code} | content)
        return content
