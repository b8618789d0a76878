"""Whatever a provider answers, no form of a secret that it repeats is kept or shown."""

from __future__ import annotations

import json

import pytest

from tests.canary import CANARY
from tests.connectors.api_attempt import attempt
from tests.connectors.smtp_attempt import MAIL
from webapp.connectors.contract import Reply
from webapp.connectors.http_email import HTTPEmailConnector

SECRET = f'{CANARY}/with"and\\in-it'
IN_JSON = json.dumps(SECRET)[1:-1]
SETTINGS = {"endpoint": "https://mail.example.com", "authorization": f"Bearer {SECRET}", "mode": "reference"}


@pytest.mark.parametrize(
    "written",
    [
        IN_JSON,
        IN_JSON.replace("/", "\\/"),
        IN_JSON.replace("5", "\\u0035"),
        "".join(f"\\u{ord(char):04X}" for char in SECRET),
    ],
    ids=["usual", "as PHP does", "one letter", "every letter"],
)
@pytest.mark.parametrize("body", ['{"message": "no such token: %s"}', '{"a": {"%s": ["%s"]}, "message": "no"}'])
@pytest.mark.parametrize("status", [200, 401, 422, 500])
def test_a_secret_is_found_as_json_escapes_it(written, body, status):
    said = body.replace("%s", written)

    tried, _ = attempt(HTTPEmailConnector, SETTINGS, {"POST /": Reply(status, said)}, MAIL)

    assert (tried.error is None) == (status == 200)
    for each in (SECRET, repr(SECRET)[1:-1], written, IN_JSON):
        assert each not in tried.everything
        assert repr(each)[1:-1] not in tried.everything
