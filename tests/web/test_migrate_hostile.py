"""Hostile files on the page: said in words, what was given is kept, nothing is applied, and the next page comes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemBytecodeCache

from tests.services.transfer.hostile import HARMLESS, OVER_THE_WIRE, PHRASE, REFUSED
from tests.web.conftest import ADA, Browser, House, settings_in
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import IMPORT, exported
from webapp.app import create_app

PAGE_LIMIT = 60 * 1024
KEPT = 10_000
"""Bytes of a document that its page takes along in any case."""


@pytest.fixture(scope="module")
def home(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all of them, set up: whatever was given to it, it has to answer the next."""
    folder = tmp_path_factory.mktemp("hostile") / "instance"
    shutil.copytree(furnished, folder)
    app = create_app(settings_in(folder))
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(furnished.parent))
    house = House(app, app.extensions["postroom"])
    set_up(house)
    yield house
    house.services.close()


@pytest.fixture(scope="module")
def ada(home: House) -> Browser:
    return home.signed_in(ADA)


@pytest.fixture(scope="module")
def good(home: House) -> dict[str, Any]:
    return exported(home)


def choose(browser: Browser, content: bytes) -> Any:
    """Send a file with the passphrase. (What the test client makes of a large one leaves a file open.)"""
    part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    fields = {b"csrf_token": browser.token.encode(), b"passphrase": PHRASE.encode()}
    body = b"".join(part % (name, b"", value) for name, value in fields.items())
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"}
    file = part % (b"file", b'; filename="a"', content)
    return browser._client.post(IMPORT, data=body + file + b"--x--", headers=headers)


def given(browser: Browser, content: str | bytes) -> Any:
    """Paste this text, or choose a file with it; the answer is the page of its plan, or what was refused."""
    browser.get(IMPORT)
    if isinstance(content, str) and len(content) < KEPT:
        answer = browser.post(IMPORT, {"text": content, "passphrase": PHRASE})
    else:
        answer = choose(browser, content.encode() if isinstance(content, str) else content)
    return browser.get(answer.location) if answer.status_code == 303 else answer


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", OVER_THE_WIRE)
def test_it_is_said_in_words_and_kept(home: House, ada: Browser, good: dict[str, Any], name: str) -> None:
    content = REFUSED[name](good)

    answer = given(ada, content)

    assert 400 <= answer.status_code < 500
    assert len(answer.data) < PAGE_LIMIT
    assert 'role="alert"' in answer.text
    assert 'name="kept"' in answer.text or len(content) > KEPT or not content.strip()
    assert home.tenant("dev").active_revision == 1
    assert ada.get("/t/dev/").status_code == 200


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_odd_is_a_plan(home: House, ada: Browser, good: dict[str, Any], name: str) -> None:
    answer = given(ada, HARMLESS[name](good))

    assert answer.status_code == 200
    assert "Plan of the import" in answer.text
    assert len(answer.data) < PAGE_LIMIT
    assert "<script>alert" not in answer.text
    assert home.tenant("dev").active_revision == 1


def test_what_was_kept_is_read_again(home: House, ada: Browser, good: dict[str, Any]) -> None:
    page = given(ada, REFUSED["another hash"](good)).text
    kept = re.search(r'name="kept" value="([^"]+)"', page)
    assert kept

    again = ada.post(IMPORT, {"kept": kept[1], "text": ""})

    assert again.status_code == 422
    assert "is not as it was exported" in again.text


def test_what_was_kept_and_changed_is_nothing(home: House, ada: Browser) -> None:
    ada.get(IMPORT)

    answer = ada.post(IMPORT, {"kept": "gAAAAA" + "A" * 1000, "text": ""})

    assert answer.status_code == 422
    assert "Choose a file, or paste the text." in answer.text


@pytest.mark.parametrize("field", ["way:", "way:__proto__", "secret:../../x", "way:smtp.auth.pass"])
def test_a_strange_form_applies_nothing(home: House, ada: Browser, good: dict[str, Any], field: str) -> None:
    page = given(ada, json.dumps({**good, "contentHash": good["contentHash"]})).text
    address = re.search(r'action="(/t/dev/migrate/plans/[0-9a-f]{32})', page)
    plan = address[1] if address else "/t/dev/migrate/plans/" + "0" * 32

    answer = ada.post(plan, {field: "\x00constructor", "note": "x" * 5000})

    assert answer.status_code < 500
    assert home.tenant("dev").active_revision == 1
