"""Certificates, keys and proxies on the set-up form, and the warning that stays where verification is off."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from tests.peers.certificates import Certificates
from tests.web.conftest import Browser, House
from tests.web.filling import FORM, around, fill, send, shown
from tests.web.test_frame import set_up

MADE = Certificates()
CLIENT = MADE.client_pem()
WARNING = "The server's certificate is not verified"
OFF = {"verify": False, "verifyOffReason": "An appliance in our own rack"}


class TestCertificatesOnTheForm:
    def test_they_are_pasted_in_several_lines_and_kept(self, house: House, ada: Browser) -> None:
        pasted = {name: pem.replace("\n", "\r\n") for name, pem in CLIENT.items()}

        fill(ada, tls__cert=pasted["cert"], tls__key=pasted["key"], tls__ca=MADE.ca_pem)

        assert "-----BEGIN CERTIFICATE-----\n" in ada.page
        assert "PRIVATE KEY-----\n" not in ada.page
        answer = send(ada, "review")
        assert answer.status_code == 303, ada.page

    def test_a_key_that_does_not_belong_is_said_at_the_key_and_not_shown(self, ada: Browser) -> None:
        fill(ada, tls__cert=CLIENT["cert"], tls__key=MADE.client_pem("of_a_stranger")["key"])

        answer = send(ada, "review")

        assert answer.status_code == 422
        assert "does not belong to the client certificate" in around(ada.page, "set-tls-key")
        assert CANARY not in ada.page

    def test_a_proxys_password_is_never_in_a_page(self, ada: Browser) -> None:
        fill(ada, proxy__url="socks5://proxy.example.com", proxy__user="ada", proxy__password=f"{CANARY}-proxy")

        assert "socks5://proxy.example.com" in ada.page
        assert CANARY not in ada.page


class TestVerificationOff:
    @pytest.mark.parametrize("path", ["/t/dev/", FORM])
    def test_the_warning_stays_on_the_pages_with_its_reason(self, house: House, ada: Browser, path: str) -> None:
        set_up(house, tls=OFF)

        ada.get(path)

        assert WARNING in ada.page.replace("&#39;", "'")
        assert OFF["verifyOffReason"] in str(ada.page)

    @pytest.mark.parametrize("path", ["/t/dev/", FORM])
    def test_there_is_none_where_it_is_verified(self, house: House, ada: Browser, path: str) -> None:
        set_up(house)

        ada.get(path)

        assert WARNING not in ada.page.replace("&#39;", "'")

    def test_it_needs_a_reason(self, ada: Browser) -> None:
        fill(ada, tls__verify="false")

        assert send(ada, "review").status_code == 422
        assert "Say why" in around(ada.page, "set-tls-verifyOffReason")

    def test_it_is_switched_on_again_in_one_click(self, house: House, ada: Browser) -> None:
        set_up(house, tls=OFF)
        ada.get(FORM)

        send(ada, "fix:smtp.certificate_not_verified")
        ada.get(FORM)

        assert "true" in shown(ada).getlist("tls.verify")
