"""Whatever a provider answers, no form of a secret that it repeats is kept or shown."""

from __future__ import annotations

import json

import pytest

from tests.canary import CANARY
from tests.connectors.api_attempt import attempt
from tests.connectors.smtp_attempt import MAIL
from webapp.connectors import CONNECTORS
from webapp.connectors.api import ApiConnector
from webapp.connectors.api_rules import Said
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


@pytest.mark.parametrize("kind", [kind for kind in CONNECTORS.ours if issubclass(CONNECTORS[kind], ApiConnector)])
@pytest.mark.parametrize(
    "words", ["a", " ", "\n", "1", "'", "<", "email address ", "domain ", "the sender identity ", "a@b.c "]
)
def test_a_megabyte_of_words_is_judged_like_a_few(kind, words):
    endless = words * (1_000_000 // len(words))

    for rule in CONNECTORS[kind].rules:
        for said in (Said(words=endless), Said(code=endless)):
            rule.fits(rule.fires.phase, rule.fires.status, said)
