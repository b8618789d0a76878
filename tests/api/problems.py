"""The one shape of every refusal, asserted in one place."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that this is a problem document (RFC 9457) as contract.md promises it, and hand it out."""
    assert response.status_code == status, response.get_data(as_text=True)[:2000]
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = response.get_json(force=True)
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"/api/docs#{code}"
    for member in ("title", "detail"):
        assert isinstance(document[member], str)
        assert document[member]
    for error in document.get("errors", []):
        assert set(error) == {"pointer", "code", "message"}
        assert error["pointer"] == "" or error["pointer"].startswith("/")
        assert error["message"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    """Where the refused values stand."""
    return [error["pointer"] for error in document.get("errors", [])]
