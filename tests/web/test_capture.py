"""Looking at what would go: a test that only goes to the inbox, and requests read there as JSON."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.canary import CANARY
from tests.web.conftest import Browser, House
from tests.web.filling import FORM, choose, send, shown
from webapp.connectors.contract import Reply, StandIn

TEST = f"{FORM}/test"
RAW = (
    "POST https://mail.example.com/hook HTTP/1.1\r\nauthorization: •••\r\ncontent-type: application/json\r\n\r\n"
    '{"to":"ada@example.com","type":"SignIn","payload":{"code":"493817","n":-1.5e3,"yes":true,"none":null,'
    '"quoted":"a \\"b\\" <script>alert(1)</script>","link":"https://example.com/x?a=1&b=2"}}'
)


@pytest.fixture
def request_id(house: House) -> str:
    raw, tenant = RAW.encode(), house.tenant("dev")
    (mail_id,) = house.services.inbox.add(tenant.id, ["ada@example.com"], raw, "message/http")
    return mail_id


def body(page: str) -> str:
    found = re.search(r'<pre[^>]*id="request-body"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    return unescape(re.sub(r"<[^>]*>", "", found[1]))


class TestInbox:
    def test_a_request_is_read_as_json(self, ada: Browser, request_id: str) -> None:
        page = ada.get(f"/t/dev/inbox/{request_id}").text

        assert body(page).startswith('{\n  "to": "ada@example.com",\n  "type": "SignIn",')
        assert '"n": -1500.0' in body(page)
        assert '<span class="json-name">&#34;to&#34;</span>' in page
        assert "<script>alert" not in page
        assert "POST https://mail.example.com/hook" in page

    def test_it_has_no_views_that_it_has_no_parts_for(self, ada: Browser, request_id: str) -> None:
        tabs = re.findall(r"view=(\w+)", ada.get(f"/t/dev/inbox/{request_id}").text)

        assert tabs == ["body", "source", "headers"]
        assert 'id="request-body"' in ada.get(f"/t/dev/inbox/{request_id}?view=html").text

    def test_code_and_links_are_picked_out(self, ada: Browser, request_id: str) -> None:
        page = ada.get("/t/dev/inbox").text

        assert '<output id="code" class="reading-code-value">493817</output>' in page
        assert 'href="https://example.com/x?a=1&amp;b=2"' in page

    def test_source_and_headers_are_those_of_the_request(self, ada: Browser, request_id: str) -> None:
        assert "POST https://mail.example.com/hook HTTP/1.1" in ada.get(f"/t/dev/inbox/{request_id}?view=source").text
        headers = ada.get(f"/t/dev/inbox/{request_id}?view=headers").text
        assert "<dt>authorization</dt><dd>•••</dd>" in headers

    @pytest.mark.parametrize(
        ("raw", "shown_as"),
        [
            ("POST https://example.com HTTP/1.1\r\n\r\nto=ada%40example.com&x=1", "to=ada%40example.com&x=1"),
            ("POST https://example.com HTTP/1.1\r\n\r\n[1,", "[1,"),
            ("POST https://example.com HTTP/1.1\r\n\r\n" + "[" * 50_000, "[[["),
            ("nonsense", None),
            ("", None),
            ("POST https://example.com HTTP/1.1\r\n\r\n" + '{"a":"' + "x" * 60_000 + '"}', '{\n  "a": "xxx'),
        ],
        ids=["form", "broken", "deep", "nonsense", "nothing", "long"],
    )
    def test_whatever_it_holds_is_shown(self, house: House, ada: Browser, raw: str, shown_as: str | None) -> None:
        tenant = house.tenant("dev")
        (mail_id,) = house.services.inbox.add(tenant.id, ["ada@example.com"], raw.encode(), "message/http")

        answer = ada.get(f"/t/dev/inbox/{mail_id}")

        assert answer.status_code == 200
        assert len(answer.text) < 80_000
        assert shown_as is None or body(answer.text).startswith(shown_as)

    def test_a_mail_keeps_its_views(self, house: House, ada: Browser) -> None:
        mail = b"Subject: Hello\r\n\r\nYour code is 493817."
        (mail_id,) = house.services.inbox.add(house.tenant("dev").id, ["ada@example.com"], mail)

        tabs = re.findall(r"view=(\w+)", ada.get(f"/t/dev/inbox/{mail_id}").text)

        assert tabs == ["html", "text", "source", "headers"]


class TestForm:
    def test_a_test_can_be_looked_at_only(self, house: House, ada: Browser) -> None:
        with StandIn({"POST /hook": Reply(200)}) as stand_in:
            choose(ada, "http-email")
            values = {"endpoint": f"{stand_in.url}/hook", "authorization": f"Bearer {CANARY}", "usageType": "SignIn"}
            send(ada, to=TEST, capture="yes", **values)
            ada.get(FORM)

            assert stand_in.asked == []
            assert "Not proven" in ada.page
            assert shown(ada)["capture"] == "yes"
            (mail,) = house.services.inbox.mails(house.tenant("dev"))
            assert mail.code == "000000"
            assert CANARY not in ada.get(f"/t/dev/inbox/{mail.id}?view=source").text

    def test_switched_off_again_it_is_sent(self, house: House, ada: Browser) -> None:
        with StandIn({"POST /hook": Reply(200)}) as stand_in:
            choose(ada, "http-email")
            send(ada, to=TEST, capture="yes", endpoint=f"{stand_in.url}/hook")
            ada.get(FORM)
            send(ada, to=TEST, capture=[])

            assert len(stand_in.asked) == 1
        assert house.services.inbox.count(house.tenant("dev")) == 1

    def test_production_has_no_such_choice(self, ada: Browser) -> None:
        choose(ada, "http-email", "prod")

        assert 'name="capture"' not in ada.page
