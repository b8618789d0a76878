"""The console where the example of another package is installed; test_other_packages.py runs this there."""

from __future__ import annotations

import re

from tests.web.conftest import Browser
from tests.web.filling import FORM
from webapp.connectors import CONNECTORS

CHOOSE = f"{FORM}/choose"


def test_its_card_says_when_to_choose_it_and_has_its_logo(ada: Browser) -> None:
    page = ada.get(CHOOSE).text

    assert "Choose this when your mail has to cross a mountain without a road." in page
    logo = re.search(r'src="(/logos/pigeon-post\.svg\?v=[0-9a-f]+)"', page)
    assert logo
    answer = ada.get(logo[1])
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_its_logo_is_for_people_who_are_signed_in(anonymous: Browser) -> None:
    assert anonymous.get("/logos/pigeon-post.svg").status_code in (302, 401)


def test_there_is_no_other_logo(ada: Browser) -> None:
    assert ada.get("/logos/carrier-pigeon.svg").status_code == 404
    assert ada.get("/logos/..%2Frules.svg").status_code == 404


def test_its_form_has_its_settings_and_its_guide(ada: Browser) -> None:
    ada.get(CHOOSE)
    ada.post(CHOOSE, {"provider": "pigeon-post"})

    page = ada.get(FORM).text

    assert "Whistle" in page
    assert "The tune that your pigeons come to." in page
    assert "No pigeon flies in this weather." in page


def test_the_rest_of_the_console_answers(ada: Browser) -> None:
    assert CONNECTORS.left_out == ()
    assert ada.get("/t/dev/").status_code == 200
